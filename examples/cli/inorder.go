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
	"github.com/loralink/loralink-go/dataset/sensor"
)

// RegisterPredictive adds flags for the parameters of codec predictive, apart from
// angles.
func RegisterPredictive(fs *flag.FlagSet, p *codec.Params) {
	fs.Var(Floats(&p.Tolerances), "tolerances", "largest error of each value of a step: that predictive keeps (unset: those of motion samples), or over which errors are also reported (unset: a ladder's own, and none for a model)")
	fs.IntVar(&p.PayloadBytes, "payload-bytes", 0, "length of a payload: sensor12_packed_truncate; entropy_grid, 0 for as many bytes as each window needs; predictive, the largest, for which the quantisation step varies, 0 for tolerances that hold")
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

// InOrder returns a codec that encodes and decodes a series of windows, each of which
// has the next sequence number, from 0, and arrives. It returns c if c has no memory.
func InOrder(c codec.Codec) codec.Codec {
	m, ok := c.(codec.Stateful)
	if !ok {
		return c
	}
	epoch := uint16(0)
	return &inOrder{Codec: c, encoder: m.NewEncoder(func() uint16 { epoch++; return epoch }), decoder: m.NewDecoder()}
}

// SetSeq sets the sequence number of the next payload that a codec of InOrder decodes.
func SetSeq(c codec.Codec, seq byte) {
	if o, ok := c.(*inOrder); ok {
		o.decoding = seq
	}
}

type inOrder struct {
	codec.Codec
	encoder            codec.Encoder
	decoder            codec.Decoder
	encoding, decoding byte // sequence numbers
}

func (o *inOrder) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	out, err := o.encoder.AppendEncode(dst, o.encoding, window)
	if err == nil {
		o.encoder.Acked(o.encoding)
		o.encoding++
	}
	return out, err
}

func (o *inOrder) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	out, err := o.decoder.AppendDecode(dst, o.decoding, payload)
	o.decoding++
	return out, err
}

// DescribePrior prints what is in a prior.json.
func DescribePrior(w io.Writer, path string) error {
	p, err := codec.LoadPrior(path)
	if err != nil {
		return err
	}
	c, err := codec.NewPredictive(sensor.Shape{Dims: len(p.Tolerances), W: 1}, codec.Params{}, p)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Prior %s of codec predictive\n  profile %s, %d bytes, %s with windows of one step\n", path, p.Profile, len(p.Data), c.Schema())
	rows := []string{"\ttolerance\tangle"}
	for i, tol := range p.Tolerances {
		rows = append(rows, fmt.Sprintf("%s\t%g\t%v", sensor.ForDims(len(p.Tolerances)).Label(i), tol, p.Angles[i]))
	}
	Table(w, rows...)
	return nil
}
