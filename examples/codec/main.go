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
	"strings"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio"
)

func main() { cli.Main("codec", run) }

const summary = `Codec encodes the windows of a data set to payloads, one line of hex each, or decodes such lines to
windows. Either output is the other's input; what follows a # on a line of hex is passed over.`

type options struct {
	in, payload            string
	files                  []string // of codecs; one is wanted
	spec                   codec.Spec
	decode, explain, frame bool

	codec  codec.Codec
	schema sensor.Schema // of the values of a step
}

func parse(args []string, stdout io.Writer) (*options, error) {
	o := options{spec: codec.Spec{Version: "1", Window: sensor.Shape{Stride: 1}, MaxPayloadBytes: math.MaxInt}}
	fs := cli.NewFlags("codec", summary)
	fs.BoolVar(&o.decode, "decode", false, "decode payloads instead of encoding windows")
	fs.StringVar(&o.in, "in", "", "file to read: a dataset_raw.jsonl, or lines of hex to decode (- is standard input)")
	fs.StringVar(&o.payload, "payload", "", "one payload in hex to decode instead of --in")
	fs.BoolVar(&o.frame, "frame", false, "payloads are whole frames: length, sequence number, payload")
	fs.BoolVar(&o.explain, "explain", false, "say of each payload what made it and how far the window is from it")
	for _, name := range []string{"bam-manifest", "ladder", "grid", "entropy-grid"} {
		fs.Var(cli.Strings(&o.files), name, "the codec's file, or its folder")
	}
	fs.StringVar(&o.spec.ID, "codec", "", "a codec without a file: raw, zlib, sensor12_packed, sensor12_packed_truncate")
	fs.Float64Var(&o.spec.Params.Scale, "scale", 0, "raw, zlib: factor; 0: 32767")
	fs.IntVar(&o.spec.Params.PayloadBytes, "payload-bytes", 0, "sensor12_packed_truncate: length of a payload; entropy_grid: likewise, 0 for as many bytes as each window needs")
	fs.IntVar(&o.spec.Window.Dims, "input-dims", sensor.MotionDims, "values of a step, for a codec without a file")
	fs.IntVar(&o.spec.Window.W, "window-W", 1, "steps of a window, for a codec without a file")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	switch n := len(o.files); {
	case n == 0 && o.spec.ID == "":
		return nil, cli.Usagef("no codec is given: want --codec, --bam-manifest, --ladder, --grid or --entropy-grid")
	case n > 1:
		return nil, cli.Usagef("several codecs are given, %s: want one", strings.Join(o.files, " and "))
	case o.payload != "" && (o.in != "" || !o.decode):
		return nil, cli.Usagef("--payload goes with --decode and without --in")
	case o.payload == "" && o.in == "":
		return nil, cli.Usagef("--in is missing: want a file, or - for standard input")
	}
	return &o, nil
}

// open builds the codec.
func (o *options) open() (err error) {
	if len(o.files) == 0 {
		o.codec, err = codec.New(o.spec)
	} else if o.codec, err = codec.Load(o.files[0]); err == nil && o.spec.ID != "" && o.spec.ID != o.codec.ID() {
		err = cli.Usagef("--codec is %s, but %s holds a codec %s: want one", o.spec.ID, o.files[0], o.codec.ID())
	}
	if err != nil {
		return err
	}
	if grid, ok := o.codec.(*codec.EntropyGrid); ok {
		if o.codec, err = grid.WithPayloadBytes(o.spec.Params.PayloadBytes); err != nil {
			return err
		}
	}
	if o.schema = codec.SensorSchema(o.codec); o.schema == nil {
		o.schema = sensor.ForDims(o.spec.Window.Dims)
	}
	return nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if err := o.open(); err != nil {
		return err
	}
	out := bufio.NewWriter(stdout)
	convert := o.encodeAll
	if o.decode {
		convert = o.decodeAll
	}
	return cmp.Or(convert(ctx, out, stderr), out.Flush())
}

func (o *options) encodeAll(ctx context.Context, out, stderr io.Writer) error {
	path := o.in
	if path == "-" {
		path = "/dev/stdin"
	}
	dims, seq := len(o.schema), byte(0)
	for w, err := range cli.OpenWindows(path, dims, o.codec.WindowLen()/dims, stderr) {
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		payload, err := o.codec.AppendEncode(nil, w.Values)
		line := payload
		if o.frame && err == nil {
			line, err = radio.AppendFrame(nil, seq, payload)
			seq++
		}
		if err != nil {
			return fmt.Errorf("%s: window %d: %w", o.in, w.ID, err)
		}
		text := fmt.Sprintf("%x", line)
		if o.explain {
			back, err := o.codec.AppendDecode(nil, payload)
			if err != nil {
				return fmt.Errorf("%s: window %d: its own payload: %w", o.in, w.ID, err)
			}
			text += fmt.Sprintf("  # window %d: %s, %s", w.ID, quality.DescribePayload(o.codec, payload), quality.DescribeError(o.schema, w.Values, back))
		}
		if _, err := fmt.Fprintln(out, text); err != nil {
			return err
		}
	}
	return nil
}

func (o *options) decodeAll(ctx context.Context, out, stderr io.Writer) error {
	payloads := cli.OpenHex(o.in)
	if o.payload != "" {
		payloads = cli.OneHex("--payload", o.payload)
	}
	for p, err := range payloads {
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		if o.frame {
			f, err := radio.ParseFrame(p.Bytes)
			if err != nil {
				return fmt.Errorf("%s: %w", p.At, err)
			}
			p.Bytes = f.Payload
		}
		w := dataset.Window{ID: p.ID}
		if w.Values, err = o.codec.AppendDecode(nil, p.Bytes); err != nil {
			return fmt.Errorf("%s: %w", p.At, err)
		}
		if names := o.schema.Names(); names != nil {
			w.Order, w.Units = names, o.schema.Units()
		}
		if o.explain {
			fmt.Fprintf(stderr, "%s: %s\n", p.At, quality.DescribePayload(o.codec, p.Bytes))
		}
		line, err := w.AppendJSON(nil)
		if err != nil {
			return err
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return nil
}
