package sweep

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/internal/flagvalue"
)

// Settings say what to sweep. The zero value trains one model with the defaults of
// package train.
type Settings struct {
	Grid Grid
	// Base has the settings that all models share, such as the window's shape, the
	// split and AutoScale. The Grid overrides those that it varies. Start and
	// Recorder must be nil.
	Base train.Settings

	// Dir is the folder in which each model gets a folder, named by its id; ""
	// means that models are not stored. A stored model that was trained on the same
	// windows with the same settings is not trained again.
	Dir string
	// Force trains all models again and replaces the stored ones.
	Force bool
	// CreatedAt is the creation time in the models' artifacts.json; the zero time
	// means the time of saving.
	CreatedAt time.Time

	Dataset string // name of the data set in reports
	Workers int    // largest number of models trained at once; 0 means GOMAXPROCS

	// Progress is called with the number of models done and their total, before
	// the first model and after each; nil means it is not. Calls do not overlap.
	Progress func(done, total int)
}

// Check returns an error that wraps ErrSettings unless the settings are valid, as
// far as this can be told without the windows, and at least one model of the grid
// can be trained.
func (s *Settings) Check() error {
	if s == nil {
		return nil
	}
	switch {
	case s.Base.Start != nil || s.Base.Recorder != nil:
		return fmt.Errorf("%w: the base settings have a start or a recorder, want neither", ErrSettings)
	case s.Workers < 0:
		return fmt.Errorf("%w: workers is %d, want at least 1, or 0 for GOMAXPROCS", ErrSettings, s.Workers)
	}
	_, _, err := s.Grid.models(s.Base)
	return err
}

// RegisterFlags defines flags for the grid, for what its models share, for Force
// and for Workers, and sets the settings to the defaults of the flags: models of
// 2, 4, 8 and 16 latents as int8, and of 2, 4 and 8 bytes as bitpack.
func (s *Settings) RegisterFlags(fs *flag.FlagSet) {
	s.Grid.RegisterFlags(fs)
	s.Base.RegisterCommonFlags(fs)
	fs.BoolVar(&s.Force, "force", false, "train stored models again and replace them")
	fs.IntVar(&s.Workers, "workers", 0, "largest number of models trained at once; 0: one for each core")
}

// RegisterFlags defines flags for the grid and for the parameters of its methods,
// and sets the grid to the defaults of the flags.
func (g *Grid) RegisterFlags(fs *flag.FlagSet) {
	g.LatentDims, g.PayloadBytes = []int{2, 4, 8, 16}, []int{2, 4, 8}
	g.Packings, g.MethodNames = []bam.Packing{bam.Int8, bam.BitPack}, []string{"auto"}
	fs.Var((*flagvalue.Ints)(&g.LatentDims), "latent-dims", "numbers of latents")
	fs.Var((*architectures)(&g.HiddenDims), "hidden-dims", "sizes of the layers between window and latent, such as 24,16; several architectures such as 24,16;32; (the last one has no such layers)")
	fs.Var(&names[bam.Packing]{dst: &g.Packings}, "packings", "some of int8, int16, float16, float32, bitpack")
	fs.Var((*flagvalue.Ints)(&g.PayloadBytes), "payload-bytes", "bitpack: lengths of payloads, whose bits decide the number of latents")
	fs.Var((*flagvalue.Floats)(&g.Deltas), "deltas", "strengths of the cubic transmission function (default 0: linear)")
	fs.Var((*flagvalue.Ints)(&g.EncodeCycles), "encode-cycles", "extra iterations in every layer when encoding (default 0)")
	fs.Var((*flagvalue.Ints)(&g.DecodeCycles), "decode-cycles", "extra iterations in every layer when decoding (default 0)")
	fs.Var(&names[string]{&g.MethodNames, train.MethodNames()}, "methods", "some of auto (chooses pca or gradient by validation on training windows), pca, gradient, febam (the rule of the paper)")
	g.MethodSettings.RegisterParameterFlags(fs)
}

// architectures is a flag of lists of layer sizes, such as 24,16;32; for three
// lists, the last one empty.
type architectures [][]int

func (v *architectures) String() string {
	parts := make([]string, len(*v))
	for i, sizes := range *v {
		parts[i] = (*flagvalue.Ints)(&sizes).String()
	}
	return strings.Join(parts, ";")
}

// Set replaces the lists.
func (v *architectures) Set(s string) error {
	*v = nil
	for part := range strings.SplitSeq(s, ";") {
		var sizes []int
		if err := (*flagvalue.Ints)(&sizes).Set(part); err != nil {
			return err
		}
		*v = append(*v, sizes)
	}
	return nil
}

// names is a flag of comma-separated names, of known ones unless known is nil.
type names[T ~string] struct {
	dst   *[]T
	known []T
}

func (v *names[T]) String() string {
	if v.dst == nil {
		return ""
	}
	parts := make([]string, len(*v.dst))
	for i, name := range *v.dst {
		parts[i] = string(name)
	}
	return strings.Join(parts, ",")
}

// Set replaces the list.
func (v *names[T]) Set(s string) error {
	*v.dst = nil
	for part := range strings.SplitSeq(s, ",") {
		name := T(strings.TrimSpace(part))
		if name == "" {
			continue
		}
		if v.known != nil && !slices.Contains(v.known, name) {
			return fmt.Errorf("%q is unknown, want some of %v", name, v.known)
		}
		*v.dst = append(*v.dst, name)
	}
	return nil
}
