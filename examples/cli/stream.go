package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
)

// RegisterPredictive adds flags for the parameters of codec predictive, apart from
// tolerances and angles.
func RegisterPredictive(fs *flag.FlagSet, p *codec.Params) {
	fs.IntVar(&p.PayloadBytes, "payload-bytes", 0, "predictive: largest length of a payload, for which the quantisation step varies; 0: tolerances hold")
	fs.StringVar(&p.Profile, "profile", "", "predictive: full or small; unset: the prior's, or full")
	fs.StringVar(&p.PriorPath, "prior", "", "predictive: prior.json to start from")
	fs.IntVar(&p.KeyAfter, "key-after", 0, "predictive: windows in a row without an ACK before a key frame; 0: 3")
	fs.IntVar(&p.KeyEvery, "key-every", 0, "predictive: no ACKs, and one in so many windows is a key frame; 0: ACKs")
	fs.StringVar(&p.PredictFrom, "predict-from", "", "predictive: with --key-every, chain (the window before) or key (the last key frame); unset: chain")
}

// Stream is quality.StreamSplit over a data set whose windows follow each other, with
// the codec of a specification that lacks the window's shape.
type Stream struct {
	Spec     codec.Spec
	Settings quality.StreamSettings

	Dataset, Out string // paths; no report if Out is empty
	Split        dataset.SplitSettings
	Subset       string
	MaxSamples   int // 0: all
}

// RegisterFlags adds the flags of the codec and of the channel.
func (s *Stream) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar(&s.Spec.ID, "codec", "", "codec without a file: predictive")
	RegisterPredictive(fs, &s.Spec.Params)
	s.Settings.RegisterFlags(fs)
}

// Check returns an error about a flag.
func (s *Stream) Check() error {
	if s.Spec.ID != "" && s.Spec.ID != "predictive" {
		return Usagef("--codec is %q, want predictive, or the file of a codec", s.Spec.ID)
	}
	return CheckFlags(s.Settings.Check())
}

// Run measures the codec and writes what it found.
func (s *Stream) Run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if s.Spec.Window, err = WindowShape(s.Dataset, len(s.Spec.Params.Tolerances), stderr); err != nil {
		return err
	}
	s.Spec.Version = "1"
	c, err := codec.New(s.Spec)
	if err != nil {
		return err
	}
	windows := dataset.Limit(OpenWindows(s.Dataset, s.Spec.Window.Dims, s.Spec.Window.W, stderr), s.MaxSamples)
	split, err := s.Split.Split(windows)
	if err != nil {
		return err
	}
	e, err := quality.StreamSplit(ctx, c, windows, split, s.Subset, s.Settings)
	if err != nil {
		return err
	}
	e.Dataset = filepath.ToSlash(s.Dataset)
	fmt.Fprintf(stdout, "%s\non %d windows (%s) of %s\n", c.Schema(), e.Windows, s.Subset, s.Dataset)
	e.WriteStream(stdout)
	return WriteJSON(s.Out, e)
}
