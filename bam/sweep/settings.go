package sweep

import (
	"flag"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/flagvalue"
)

// Settings describe a sweep. The zero value trains one model with the defaults of package
// train.
type Settings struct {
	Grid Grid
	// Base has the settings that all models share, such as the window's shape, the
	// split and AutoScale. The Grid overrides its own fields. Start and Recorder must be
	// nil.
	Base train.Settings

	// Dir is the folder in which each model gets a folder, named by its id; "" means
	// that models are not stored. A stored model that was trained on the same windows
	// with the same settings is not trained again.
	Dir string
	// Force trains all models again and replaces the stored ones.
	Force bool
	// CreatedAt is the creation time in the models' artifacts.json; the zero time
	// means the time of saving.
	CreatedAt time.Time

	Dataset string // name of the data set in reports
	// Workers is the largest number of models that are trained at the same time; 0
	// means GOMAXPROCS.
	Workers int

	// Progress is called with the number of finished models and their total, before
	// the first model and after each. It may be nil. Calls do not overlap.
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
		return fmt.Errorf("%w: Base has Start or Recorder, want both nil", ErrSettings)
	case s.Workers < 0:
		return fmt.Errorf("%w: Workers is %d, want at least 1, or 0 for GOMAXPROCS", ErrSettings, s.Workers)
	}
	_, _, err := s.Grid.models(s.Base)
	return err
}

// RegisterFlags defines flags for the grid, for the settings that its models share, for
// Force and for Workers, and sets the settings to the defaults of the flags: models of 2,
// 4, 8 and 16 latents as int8, and of 2, 4 and 8 bytes as bitpack. Call CheckFlags after
// parsing.
func (s *Settings) RegisterFlags(fs *flag.FlagSet) {
	s.Grid.RegisterFlags(fs)
	s.Base.RegisterCommonFlags(fs)
	fs.BoolVar(&s.Force, "force", false, "train stored models again and replace them")
	fs.Var(&flagvalue.Int[int]{Dst: &s.Workers}, "workers", "largest number of models trained at the same time; 0: one for each core")
}

// CheckFlags returns an error that wraps ErrSettings if the command line sets a flag
// that has no effect, such as --payload-bytes without packing bitpack. See
// train.CheckFlags.
func (s *Settings) CheckFlags(fs *flag.FlagSet) error {
	if err := train.CheckFlags(fs, s.Grid.Packings, s.Grid.MethodNames); err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, trimSettings(err))
	}
	return nil
}

// RegisterFlags defines flags for the grid and for the parameters of its methods, and sets
// the grid to the defaults of the flags.
func (g *Grid) RegisterFlags(fs *flag.FlagSet) {
	g.LatentDims, g.PayloadBytes = []int{2, 4, 8, 16}, []int{2, 4, 8}
	g.Packings, g.MethodNames = []bam.Packing{bam.Int8, bam.BitPack}, []string{"auto"}
	fs.Var(&flagvalue.IntList{Dst: &g.LatentDims, Min: 1, Max: artifacts.MaxLatentDim}, "latent-dims", "numbers of latents, for all packings except bitpack")
	fs.Var((*architectures)(&g.HiddenDims), "hidden-dims", "sizes of the layers between window and latent, such as 24,16; several architectures such as 24,16;32; (the last one has no such layers)")
	fs.Var(&flagvalue.Choices[bam.Packing]{Dst: &g.Packings, Names: bam.Packings()}, "packings", "some of int8, int16, float16, float32, bitpack")
	fs.Var(&flagvalue.IntList{Dst: &g.PayloadBytes, Min: 1, Max: math.MaxUint8}, "payload-bytes", "bitpack: lengths of payloads in bytes, whose bits decide the number of latents")
	fs.Var((*flagvalue.Floats)(&g.Deltas), "deltas", "strengths of the cubic transmission function (default 0: linear)")
	fs.Var((*flagvalue.Ints)(&g.EncodeCycles), "encode-cycles", "extra iterations in every layer when encoding (default 0)")
	fs.Var((*flagvalue.Ints)(&g.DecodeCycles), "decode-cycles", "extra iterations in every layer when decoding (default 0)")
	fs.Var(&flagvalue.Choices[string]{Dst: &g.MethodNames, Names: train.MethodNames()}, "methods", "some of auto (chooses pca or gradient by validation on training windows), pca, gradient, febam (the rule of the paper)")
	g.MethodSettings.RegisterParameterFlags(fs)
}

// architectures is a flag of lists of layer sizes, separated by semicolons: 24,16;32; are
// three lists, the last one empty.
type architectures [][]int

func (v *architectures) String() string {
	parts := make([]string, len(*v))
	for i, sizes := range *v {
		parts[i] = (*flagvalue.Ints)(&sizes).String()
	}
	return strings.Join(parts, ";")
}

// Set replaces the lists. After an error they are as before.
func (v *architectures) Set(s string) error {
	var lists [][]int
	for part := range strings.SplitSeq(s, ";") {
		var sizes []int
		if err := (&flagvalue.IntList{Dst: &sizes, Min: 1, Max: sensor.MaxWindowLen, Empty: true}).Set(part); err != nil {
			return err
		}
		lists = append(lists, sizes)
	}
	*v = lists
	return nil
}
