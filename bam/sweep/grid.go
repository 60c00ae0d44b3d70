package sweep

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/errtext"
)

// A Grid lists values of settings. A sweep trains a model for every combination of them.
// An empty list means a list of one value, which its comment gives.
type Grid struct {
	// LatentDims are numbers of latents, each at least 1, for all packings except
	// bitpack; empty means 8.
	LatentDims []int
	// HiddenDims are lists of sizes of the layers between window and latent, each at
	// least 1; empty means no such layers.
	HiddenDims [][]int
	Packings   []bam.Packing // empty means int8
	// PayloadBytes are lengths of bitpack payloads, each at least 1, whose bits decide
	// the number of latents; empty means 8.
	PayloadBytes []int
	Deltas       []float64 // strengths of the transmission function; empty means 0
	EncodeCycles []int     // 0 to 1000; empty means 0
	DecodeCycles []int     // 0 to 1000; empty means 0

	// Methods are training methods by label. The label is the last part of a model's
	// id; it consists of lower-case letters, digits, dots and hyphens.
	Methods map[string]train.Method
	// MethodNames are names of methods of package train, in addition to Methods, with
	// the parameters in MethodSettings. The name is also the label. If both are empty,
	// the method is auto.
	MethodNames    []string
	MethodSettings train.MethodSettings
}

// model is one combination of a grid.
type model struct {
	id       string
	settings train.Settings
	method   train.Method

	key    string        // identifies the training
	done   *codec.BAM    // the stored model; nil if it must be trained
	report *train.Report // of the stored model
}

// orOne returns the list, or a list of one value if it is empty.
func orOne[T any](list []T, one T) []T {
	if len(list) == 0 {
		return []T{one}
	}
	return list
}

var labelPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)

func (g *Grid) check() error {
	invalid := func(list string, found any, want string) error {
		return fmt.Errorf("%w: %s has %v, want %s", ErrSettings, list, found, want)
	}
	for _, p := range g.Packings {
		if !slices.Contains(bam.Packings(), p) {
			return invalid("Packings", fmt.Sprintf("%q", p), fmt.Sprintf("some of %v", bam.Packings()))
		}
	}
	for _, l := range []struct {
		name     string
		values   []int
		min, max int
	}{
		{"LatentDims", g.LatentDims, 1, artifacts.MaxLatentDim}, {"PayloadBytes", g.PayloadBytes, 1, math.MaxUint8},
		{"EncodeCycles", g.EncodeCycles, 0, 1000}, {"DecodeCycles", g.DecodeCycles, 0, 1000},
		{"HiddenDims", slices.Concat(g.HiddenDims...), 1, sensor.MaxWindowLen},
	} {
		for _, v := range l.values {
			if v < l.min || v > l.max {
				return invalid(l.name, v, fmt.Sprintf("%d..%d", l.min, l.max))
			}
		}
	}
	for _, d := range g.Deltas {
		if math.IsNaN(d) || math.IsInf(d, 0) {
			return invalid("Deltas", d, "finite numbers")
		}
	}
	for _, label := range slices.Sorted(maps.Keys(g.Methods)) {
		if g.Methods[label] == nil {
			return invalid("Methods", "a nil method "+label, "a method for each label")
		}
		if !labelPattern.MatchString(label) {
			return invalid("Methods", fmt.Sprintf("the label %q", label), "lower-case letters, digits, dots and hyphens")
		}
	}
	return nil
}

// methods returns all methods by label.
func (g *Grid) methods() (map[string]train.Method, error) {
	methods := maps.Clone(g.Methods)
	if methods == nil {
		methods = map[string]train.Method{}
	}
	for _, name := range g.MethodNames {
		if methods[name] != nil {
			continue
		}
		s := g.MethodSettings
		s.Name = name
		m, err := s.Method()
		if err != nil {
			return nil, fmt.Errorf("%w: MethodSettings: %w", ErrSettings, trimSettings(err))
		}
		methods[name] = m
	}
	if len(methods) == 0 {
		methods["auto"] = &train.Auto{}
	}
	return methods, nil
}

// models returns all combinations that can be trained, sorted by id, and those that
// cannot.
func (g *Grid) models(base train.Settings) ([]*model, []Skipped, error) {
	if err := g.check(); err != nil {
		return nil, nil, err
	}
	methods, err := g.methods()
	if err != nil {
		return nil, nil, err
	}
	byID := map[string]*model{}
	for _, s := range g.settings(base) {
		for label, method := range methods {
			id := modelID(&s, label)
			byID[id] = &model{id: id, settings: s, method: method}
		}
	}
	var models []*model
	var skipped []Skipped
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		if err := byID[id].settings.Check(); err != nil {
			skipped = append(skipped, Skipped{id, err.Error()})
			continue
		}
		models = append(models, byID[id])
	}
	if len(models) == 0 {
		err := byID[skipped[0].ModelID].settings.Check()
		return nil, nil, fmt.Errorf("%w: none of the %d models can be trained: %w", ErrSettings, len(skipped), trimSettings(err))
	}
	return models, skipped, nil
}

// trimSettings returns an error of package train without the prefix that ErrSettings has
// as well.
func trimSettings(err error) error {
	return errtext.TrimPrefix(err, train.ErrSettings.Error()+": ")
}

// settings returns the base settings with every combination of the grid's values.
func (g *Grid) settings(base train.Settings) (all []train.Settings) {
	add := func(s train.Settings) {
		for _, s.HiddenDims = range orOne(g.HiddenDims, nil) {
			for _, s.Delta = range orOne(g.Deltas, 0) {
				for _, s.EncodeCycles = range orOne(g.EncodeCycles, 0) {
					for _, s.DecodeCycles = range orOne(g.DecodeCycles, 0) {
						all = append(all, s)
					}
				}
			}
		}
	}
	for _, p := range orOne(g.Packings, bam.Int8) {
		s := base
		s.Packing = p
		if p == bam.BitPack {
			s.LatentDim = 0
			for _, s.PayloadBytes = range orOne(g.PayloadBytes, 8) {
				add(s)
			}
			continue
		}
		for _, s.LatentDim = range orOne(g.LatentDims, 8) {
			add(s)
		}
	}
	return all
}

// modelID returns the id of a combination, such as int8-8_h24-16_delta0.1_enc1_dec1_pca.
// It omits settings that are 0.
func modelID(s *train.Settings, label string) string {
	size := s.LatentDim
	if s.Packing == bam.BitPack {
		size = s.PayloadBytes
	}
	parts := []string{fmt.Sprintf("%s-%d", s.Packing, size)}
	if len(s.HiddenDims) > 0 {
		sizes := make([]string, len(s.HiddenDims))
		for i, h := range s.HiddenDims {
			sizes[i] = strconv.Itoa(h)
		}
		parts = append(parts, "h"+strings.Join(sizes, "-"))
	}
	if s.Delta != 0 {
		parts = append(parts, "delta"+strconv.FormatFloat(s.Delta, 'g', -1, 64))
	}
	if s.EncodeCycles != 0 {
		parts = append(parts, fmt.Sprintf("enc%d", s.EncodeCycles))
	}
	if s.DecodeCycles != 0 {
		parts = append(parts, fmt.Sprintf("dec%d", s.DecodeCycles))
	}
	return strings.Join(append(parts, label), "_")
}
