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
)

// Grid lists what is tried, every combination of it. An empty list stands for
// one entry, the one that its comment names.
type Grid struct {
	LatentDims []int // of every packing but bitpack; empty: 8
	// HiddenDims lists architectures, each the sizes of the layers between
	// window and latent; empty: no such layer.
	HiddenDims [][]int
	Packings   []bam.Packing // empty: int8
	// PayloadBytes are the lengths of bitpack payloads, whose latents are as
	// many as the bits can use; empty: 8.
	PayloadBytes []int
	Deltas       []float64 // of the transmission; empty: 0
	EncodeCycles []int     // empty: 0
	DecodeCycles []int     // empty: 0
	// Methods are training methods by the label that model ids end with, of
	// lower-case letters, digits, dots and hyphens; empty: auto, as train.Train
	// takes where it is given none. PCA alone is quickest.
	Methods map[string]train.Method
}

// model is one combination.
type model struct {
	id       string
	settings train.Settings
	method   train.Method

	key    string        // by which a finished model is known again
	done   *codec.BAM    // the finished model; nil: to be trained
	report *train.Report // of the finished model
}

func orOne[T any](list []T, one T) []T {
	if len(list) == 0 {
		return []T{one}
	}
	return list
}

var labelPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)

func (g *Grid) check() error {
	bad := func(list string, found any, want string) error {
		return fmt.Errorf("%w: %s holds %v, want %s", ErrGrid, list, found, want)
	}
	for _, p := range g.Packings {
		if !slices.Contains(bam.Packings(), p) {
			return bad("packings", fmt.Sprintf("%q", p), fmt.Sprintf("some of %v", bam.Packings()))
		}
	}
	for _, l := range []struct {
		name   string
		values []int
		least  int
		most   int
	}{
		{"latent dims", g.LatentDims, 1, artifacts.MaxLatentDim}, {"payload bytes", g.PayloadBytes, 1, math.MaxInt},
		{"encode cycles", g.EncodeCycles, 0, 1000}, {"decode cycles", g.DecodeCycles, 0, 1000},
		{"hidden dims", slices.Concat(g.HiddenDims...), 1, sensor.MaxWindowLen},
	} {
		for _, v := range l.values {
			if v < l.least || v > l.most {
				return bad(l.name, v, fmt.Sprintf("%d..%d", l.least, l.most))
			}
		}
	}
	for _, d := range g.Deltas {
		if math.IsNaN(d) || math.IsInf(d, 0) {
			return bad("deltas", d, "finite numbers")
		}
	}
	for _, label := range slices.Sorted(maps.Keys(g.Methods)) {
		if g.Methods[label] == nil {
			return bad("methods", "no method for "+label, "one for each label")
		}
		if !labelPattern.MatchString(label) {
			return bad("methods", fmt.Sprintf("the label %q", label), "lower-case letters, digits, dots and hyphens")
		}
	}
	return nil
}

// models lists all combinations, sorted by id, and apart from them those that
// cannot be.
func (g *Grid) models(base train.Settings) ([]*model, []Skipped, error) {
	if err := g.check(); err != nil {
		return nil, nil, err
	}
	methods := g.Methods
	if len(methods) == 0 {
		methods = map[string]train.Method{"auto": &train.Auto{}}
	}
	var all []*model
	each := func(s train.Settings) {
		for _, s.HiddenDims = range orOne(g.HiddenDims, nil) {
			for _, s.Delta = range orOne(g.Deltas, 0) {
				for _, s.EncodeCycles = range orOne(g.EncodeCycles, 0) {
					for _, s.DecodeCycles = range orOne(g.DecodeCycles, 0) {
						for label, method := range methods {
							all = append(all, &model{id: modelID(&s, label), settings: s, method: method})
						}
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
				each(s)
			}
			continue
		}
		for _, s.LatentDim = range orOne(g.LatentDims, 8) {
			each(s)
		}
	}
	byID := map[string]*model{}
	for _, m := range all {
		byID[m.id] = m
	}
	var models []*model
	var skipped []Skipped
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		m := byID[id]
		if err := m.settings.Check(); err != nil {
			skipped = append(skipped, Skipped{id, err.Error()})
			continue
		}
		models = append(models, m)
	}
	if len(models) == 0 {
		return nil, nil, fmt.Errorf("%w: none of its %d models can be trained: %s", ErrGrid, len(skipped), skipped[0].Reason)
	}
	return models, skipped, nil
}

// modelID names a combination, as int8-8_h24-16_delta0.1_enc1_dec1_pca. What
// is 0 is left out.
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
