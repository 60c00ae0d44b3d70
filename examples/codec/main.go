// Codec turns windows into payloads in hex and payloads into windows, with any
// codec, to see what a payload says or should have said.
//
//	go run ./examples/codec --bam-manifest out/models/b/bam_manifest.json --in out/dataset_raw.jsonl > payloads.txt
//	go run ./examples/codec --bam-manifest out/models/b/bam_manifest.json --decode --in payloads.txt
//	go run ./examples/codec --ladder out/ladders/a/ladder.json --decode --explain --payload 0a1b2c3d4e5f60
package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio"
)

func main() { cli.Main("codec", run) }

const summary = `Codec encodes the windows of a data set to payloads, one line of hex per payload, or decodes such lines
to windows. Either output is the other's input; text after a # on a line of hex is ignored.`

type settings struct {
	in, payload                        string
	files                              []string // of codecs; one is wanted
	spec                               codec.Spec
	decode, explain, frame, unverified bool

	codec  codec.Codec
	schema sensor.Schema // of the values of a step
}

func parse(args []string, stdout io.Writer) (*settings, error) {
	s := settings{spec: codec.Spec{Version: "1", MaxPayloadBytes: math.MaxInt}}
	fs := cli.NewFlags("codec", "go run ./examples/codec --bam-manifest out/models/demo --in out/dataset_raw.jsonl", summary)
	fs.BoolVar(&s.decode, "decode", false, "decode payloads instead of encoding windows")
	fs.StringVar(&s.in, "in", "", "file to read: a dataset_raw.jsonl, or lines of hex to decode (- is standard input)")
	fs.StringVar(&s.payload, "payload", "", "one payload in hex to decode instead of --in")
	fs.BoolVar(&s.frame, "frame", false, "read and write whole frames: length, sequence number, payload")
	fs.BoolVar(&s.explain, "explain", false, "append a comment to each payload: codec, rung and largest error")
	for _, f := range []struct{ name, file string }{{"bam-manifest", "bam_manifest.json of a model"}, {"ladder", "ladder.json"}, {"grid", "grid.json"}, {"entropy-grid", "entropy_grid.json"}} {
		fs.Var(cli.Strings(&s.files), f.name, f.file+", or the folder that holds it; the file of any codec will do")
	}
	fs.StringVar(&s.spec.ID, "codec", "", "a codec without a file: raw, zlib, sensor12_packed, sensor12_packed_truncate, predictive")
	fs.BoolVar(&s.spec.Params.Float32Norm, "float32-norm", false, "a model: normalise in float32, for the reference's payloads to the byte")
	fs.BoolVar(&s.unverified, "unverified", false, "a model: go on if its files are not those that its artifacts.json lists")
	fs.Float64Var(&s.spec.Params.Scale, "scale", 0, "raw, zlib: factor; 0: 32767")
	cli.RegisterPredictive(fs, &s.spec.Params)
	fs.IntVar(&s.spec.Window.Dims, "input-dims", sensor.MotionDims, "values of a step, for a codec without a file")
	fs.IntVar(&s.spec.Window.W, "window-W", 1, "steps of a window, for a codec without a file")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	switch n := len(s.files); {
	case n == 0 && s.spec.ID == "":
		return nil, cli.Usagef("no codec is given: want --codec, --bam-manifest, --ladder, --grid or --entropy-grid")
	case n == 0 && slices.Contains([]string{"bam", "bounded", "grid", "entropy_grid"}, s.spec.ID):
		return nil, cli.Usagef("--codec %s needs a file: want --bam-manifest, --ladder, --grid or --entropy-grid", s.spec.ID)
	case n > 1:
		return nil, cli.Usagef("several codecs are given, %s: want one", strings.Join(s.files, " and "))
	case s.spec.Params.Float32Norm && !cli.IsSet(fs, "bam-manifest"):
		return nil, cli.Usagef("--float32-norm goes with --bam-manifest")
	case s.payload != "" && (s.in != "" || !s.decode):
		return nil, cli.Usagef("--payload goes with --decode and without --in")
	case s.payload == "" && s.in == "":
		return nil, cli.Usagef("--in is missing: want a file, or - for standard input")
	}
	return &s, nil
}

// open builds the codec.
func (s *settings) open(stderr io.Writer) (err error) {
	if len(s.files) == 0 {
		s.spec.Window.Stride = s.spec.Window.W // for predictive; others take any
		s.codec, err = codec.New(s.spec)
	} else if s.codec, err = cli.LoadCodec(s.files[0], s.unverified, stderr); err == nil && s.spec.ID != "" && s.spec.ID != s.codec.ID() {
		err = cli.Usagef("--codec is %s, but %s holds a codec %s: want one", s.spec.ID, s.files[0], s.codec.ID())
	}
	if err != nil {
		return err
	}
	if s.codec, err = codec.WithParams(s.codec, s.spec.Params); err != nil {
		return err
	}
	if s.schema = codec.SensorSchema(s.codec); s.schema == nil {
		s.schema = sensor.ForDims(s.spec.Window.Dims)
	}
	s.codec = cli.InOrder(s.codec)
	return nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if err := s.open(stderr); err != nil {
		return err
	}
	out := bufio.NewWriter(stdout)
	convert := s.encodeAll
	if s.decode {
		convert = s.decodeAll
	}
	return cmp.Or(convert(ctx, out, stderr), out.Flush())
}

func (s *settings) encodeAll(ctx context.Context, out, stderr io.Writer) error {
	dims, seq := len(s.schema), byte(0)
	for w, err := range cli.OpenOrStdin(ctx, s.in, dims, s.codec.WindowLen()/dims, stderr) {
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		payload, err := s.codec.AppendEncode(nil, w.Values)
		line := payload
		if s.frame && err == nil {
			line, err = radio.AppendFrame(nil, seq, payload)
			seq++
		}
		if err != nil {
			return fmt.Errorf("%s: window %d: %s", s.in, w.ID, strings.TrimPrefix(err.Error(), "codec: "))
		}
		text := fmt.Sprintf("%x", line)
		if s.explain {
			back, err := s.codec.AppendDecode(nil, payload)
			if err != nil {
				return fmt.Errorf("%s: window %d: its own payload: %w", s.in, w.ID, err)
			}
			text += fmt.Sprintf("  # window %d: %s, %s", w.ID, quality.DescribePayload(s.codec, payload), quality.DescribeError(s.schema, w.Values, back))
		}
		fmt.Fprintln(out, text) // an error of out is Flush's
	}
	return nil
}

func (s *settings) decodeAll(ctx context.Context, out, stderr io.Writer) error {
	payloads := cli.OpenHex(ctx, s.in)
	if s.payload != "" {
		payloads = cli.HexPayload("--payload", s.payload)
	}
	for p, err := range payloads {
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		if s.frame {
			f, err := radio.ParseFrame(p.Bytes)
			if err != nil {
				return fmt.Errorf("%s: %w", p.Where, err)
			}
			p.Bytes = f.Payload
			cli.SetSeq(s.codec, f.Seq)
		}
		w := dataset.Window{ID: p.ID}
		if w.Values, err = s.codec.AppendDecode(nil, p.Bytes); err != nil {
			return fmt.Errorf("%s: %w", p.Where, err)
		}
		if names := s.schema.Names(); names != nil {
			w.Order, w.Units = names, s.schema.Units()
		}
		if s.explain {
			fmt.Fprintf(stderr, "%s: %s\n", p.Where, quality.DescribePayload(s.codec, p.Bytes))
		}
		line, err := w.AppendJSON(nil)
		if err != nil {
			return err
		}
		out.Write(line)
	}
	return nil
}
