package codec

import (
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/loralink/loralink-go/internal/modelfile"
	"github.com/loralink/loralink-go/internal/predict"
)

// PriorFile is the usual name of the file of a prior.
const PriorFile = "prior.json"

// maxPriorFile is the largest size of a prior.json, in bytes.
const maxPriorFile = 256 << 10

// PriorSpec is the content of prior.json: what a [Predictive] may start from. Both
// ends need the same one.
type PriorSpec struct {
	Profile    string    `json:"profile"`
	Tolerances []float64 `json:"tolerances"`
	Angles     []bool    `json:"angles"`
	Data       []byte    `json:"prior"` // as docs/predictive.md describes it; base64 in the file
}

// Text returns the content of the file.
func (p *PriorSpec) Text() ([]byte, error) {
	text, err := modelfile.EncodeJSON(p)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return text, nil
}

// LoadPrior reads the prior.json at path.
func LoadPrior(path string) (*PriorSpec, error) { return opener{tree: modelfile.Disk()}.prior(path) }

// LoadPriorFS is like LoadPrior with a file in fsys, such as an embed.FS.
func LoadPriorFS(fsys fs.FS, name string) (*PriorSpec, error) {
	return opener{tree: modelfile.FS(fsys), dir: "."}.prior(name)
}

func (o opener) prior(name string) (*PriorSpec, error) {
	data, err := o.read(name, maxPriorFile)
	if err != nil {
		return nil, err
	}
	return parsePrior(name, data)
}

func parsePrior(name string, data []byte) (*PriorSpec, error) {
	var p PriorSpec
	faults := modelfile.DecodeStrict(data, &p)
	if len(faults) == 0 {
		faults = p.check()
	}
	if err := located(name, faults); err != nil {
		return nil, err
	}
	return &p, nil
}

// check reports what is wrong with the file.
func (p *PriorSpec) check() modelfile.Faults {
	var faults modelfile.Faults
	n := len(p.Tolerances)
	if p.Profile != ProfileFull && p.Profile != ProfileSmall {
		faults.Add("profile", ErrMalformed, "%q, want %s or %s", p.Profile, ProfileFull, ProfileSmall)
	}
	if n < 1 || n > maxPredictiveDims {
		faults.Add("tolerances", ErrMalformed, "%d values, want 1..%d", n, maxPredictiveDims)
		return faults
	}
	if len(p.Angles) != n {
		faults.Add("angles", ErrMalformed, "%d values, want %d, as tolerances", len(p.Angles), n)
		return faults
	}
	for i, t := range p.Tolerances {
		if !(t > 0) || math.IsInf(t, 0) {
			faults.Add(fmt.Sprintf("tolerances[%d]", i), ErrMalformed, "%g, want a number above 0", t)
		}
	}
	if len(faults) > 0 {
		return faults
	}
	if _, err := predict.New(predict.Params{Tolerances: p.Tolerances, Angles: p.Angles, Small: p.Profile == ProfileSmall}, p.Data); err != nil {
		faults.Add("prior", ErrMalformed, "%s", bare(err))
	} else if len(p.Data) == 0 {
		faults.Add("prior", ErrMalformed, "empty")
	}
	return faults
}

// fill sets parameters that are not set to the prior's, and checks that the others are
// those of the prior.
func (p *PriorSpec) fill(params *Params) error {
	if params.Tolerances == nil {
		params.Tolerances = p.Tolerances
	}
	if params.Angles == nil {
		params.Angles = p.Angles
	}
	if params.Profile == "" {
		params.Profile = p.Profile
	}
	switch {
	case !slices.Equal(params.Tolerances, p.Tolerances):
		return fmt.Errorf("the prior is for tolerances %v, want %v: fit another one", p.Tolerances, params.Tolerances)
	case !slices.Equal(params.Angles, p.Angles):
		return fmt.Errorf("the prior is for angles %v, want %v: fit another one", p.Angles, params.Angles)
	case params.Profile != p.Profile:
		return fmt.Errorf("the prior is for profile %s, want %s: fit another one", p.Profile, params.Profile)
	}
	return nil
}

// predictive builds the codec of a specification.
func (o opener) predictive(spec Spec) (*Predictive, error) {
	var prior *PriorSpec
	if spec.Params.PriorPath != "" {
		name, err := o.file(predictiveID, "prior_path", spec.Params.PriorPath)
		if err != nil {
			return nil, err
		}
		if prior, err = o.prior(name); err != nil {
			return nil, err
		}
	}
	c, err := NewPredictive(spec.Window, spec.Params, prior)
	if err != nil {
		return nil, err
	}
	if limit := spec.MaxPayloadBytes; limit > 0 && limit < c.limit && !c.limited {
		if limit < minKeyBytes {
			return nil, fmt.Errorf("%w: codec %s in payloads of at most %d bytes, want at least %d", ErrSpec, predictiveID, limit, minKeyBytes)
		}
		c.limit = limit
	}
	return c, nil
}
