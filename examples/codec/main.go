// Codec turns windows into hex payloads and payloads into windows, with any
// codec, to see what a payload says or should have said.
//
//	go run ./examples/codec --bam-manifest out/models/b/bam_manifest.json --in out/dataset_raw.jsonl > payloads.txt
//	go run ./examples/codec --bam-manifest out/models/b/bam_manifest.json --decode --in payloads.txt
//	go run ./examples/codec --ladder out/ladders/a/ladder.json --decode --explain --payload 0a1b2c3d4e5f60
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"strings"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio"
)

func main() { cli.Main("codec", run) }

const summary = `Codec encodes the windows of a data set to payloads, one line of hex each, or decodes such lines to
windows. Either output is the other's input; what follows a # on a line of hex is passed over.`

type options struct {
	in, payload, id        string
	params                 codec.Params
	window                 sensor.Shape
	decode, explain, frame bool
}

func parse(args []string, stdout io.Writer) (*options, error) {
	var o options
	fs := cli.NewFlags("codec", summary)
	fs.BoolVar(&o.decode, "decode", false, "decode payloads instead of encoding windows")
	fs.StringVar(&o.in, "in", "", "file to read: a dataset_raw.jsonl, or lines of hex to decode (- is standard input)")
	fs.StringVar(&o.payload, "payload", "", "one payload in hex to decode instead of --in")
	fs.BoolVar(&o.frame, "frame", false, "payloads are whole frames: length, sequence number, payload")
	fs.BoolVar(&o.explain, "explain", false, "say of each payload what made it and how far the window is from it")
	fs.StringVar(&o.id, "codec", "", "codec, one of "+strings.Join(codec.IDs(), ", ")+"; unset: the one whose file is given")
	fs.StringVar(&o.params.ManifestPath, "bam-manifest", "", "bam: the model's bam_manifest.json")
	fs.StringVar(&o.params.LadderPath, "ladder", "", "bounded: a ladder.json")
	fs.StringVar(&o.params.GridPath, "grid", "", "grid: a grid.json")
	fs.StringVar(&o.params.LatticePath, "lattice", "", "lattice: a lattice.json, with --payload-bytes")
	fs.Float64Var(&o.params.Scale, "scale", 0, "raw, zlib: factor; 0: 32767")
	fs.IntVar(&o.params.PayloadBytes, "payload-bytes", 0, "sensor12_packed_truncate, lattice: length of a payload")
	fs.IntVar(&o.window.Dims, "input-dims", sensor.MotionDims, "values of a step, where no file says it")
	fs.IntVar(&o.window.W, "window-W", 1, "steps of a window, where no file says it")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	for _, f := range []struct{ id, path string }{{"bam", o.params.ManifestPath}, {"bounded", o.params.LadderPath}, {"grid", o.params.GridPath}, {"lattice", o.params.LatticePath}} {
		if f.path != "" && o.id != "" && o.id != f.id {
			return nil, cli.Usagef("two codecs are given, %s and %s: want one", o.id, f.id)
		}
		if f.path != "" {
			o.id = f.id
		}
	}
	switch {
	case o.id == "":
		return nil, cli.Usagef("no codec is given: want --codec, --bam-manifest, --ladder, --grid or --lattice")
	case o.payload != "" && (o.in != "" || !o.decode):
		return nil, cli.Usagef("--payload goes with --decode and without --in")
	case o.payload == "" && o.in == "":
		return nil, cli.Usagef("--in is missing: want a file, or - for standard input")
	}
	return &o, nil
}

// codec builds the codec. Files that say how windows are cut are asked first.
func (o *options) codec() (codec.Codec, error) {

	switch o.id {
	case "bam":
		return codec.LoadBAM(o.params.ManifestPath)
	case "bounded":
		return codec.LoadBounded(o.params.LadderPath)
	case "grid":
		return codec.LoadGrid(o.params.GridPath)
	case "lattice":
		return codec.LoadLattice(o.params.LatticePath, o.params.PayloadBytes)
	}
	return codec.New(codec.Spec{ID: o.id, Version: "1", Params: o.params, Dims: o.window.Dims, W: o.window.W, Stride: 1, MaxPayloadBytes: math.MaxInt})
}

// dims is the number of values of a step.
func (o *options) dims(c codec.Codec) int {
	switch c := c.(type) {
	case *codec.BAM:
		return c.Model().Manifest.InputDims
	case *codec.Bounded:
		return c.Window().Dims
	case *codec.Grid:
		return len(c.Dims())
	case *codec.Lattice:
		return len(c.Dims())
	}
	return o.window.Dims
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	c, err := o.codec()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(stdout)
	if o.decode {
		err = o.decodeAll(ctx, c, out, stderr)
	} else {
		err = o.encodeAll(ctx, c, out, stderr)
	}
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	return err
}

func (o *options) encodeAll(ctx context.Context, c codec.Codec, out, stderr io.Writer) error {
	path := o.in
	if path == "-" {
		path = "/dev/stdin"
	}
	var payload, line []byte
	seq := byte(0)
	for w, err := range cli.OpenWindows(path, o.dims(c), c.WindowLen()/o.dims(c), stderr) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if payload, err = c.AppendEncode(payload[:0], w.Values); err != nil {
			return fmt.Errorf("%s: window %d: %w", o.in, w.ID, err)
		}
		line = payload
		if o.frame {
			if line, err = radio.AppendFrame(nil, seq, payload); err != nil {
				return fmt.Errorf("%s: window %d: %w", o.in, w.ID, err)
			}
			seq++
		}
		text := hex.EncodeToString(line)
		if o.explain {
			back, err := c.AppendDecode(nil, payload)
			if err != nil {
				return fmt.Errorf("%s: window %d: its own payload: %w", o.in, w.ID, err)
			}
			text += fmt.Sprintf("  # window %d: %s, %s", w.ID, describe(c, payload), worst(w.Values, back))
		}
		if _, err := fmt.Fprintln(out, text); err != nil {
			return err
		}
	}
	return nil
}

func (o *options) decodeAll(ctx context.Context, c codec.Codec, out, stderr io.Writer) error {
	var window []float64
	var line []byte
	for p, err := range o.payloads() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		payload := p.bytes
		if o.frame {
			f, err := radio.ParseFrame(payload)
			if err != nil {
				return fmt.Errorf("%s: %w", p.at, err)
			}
			payload = f.Payload
		}
		if window, err = c.AppendDecode(window[:0], payload); err != nil {
			return fmt.Errorf("%s: %w", p.at, err)
		}
		w := dataset.Window{ID: p.id, Values: window}
		if o.dims(c) == sensor.MotionDims {
			w.Order, w.Units = sensor.Motion().Names(), sensor.Motion().Units()
		}
		if o.explain {
			fmt.Fprintf(stderr, "%s: %s\n", p.at, describe(c, payload))
		}
		if line, err = w.AppendJSON(line[:0]); err != nil {
			return err
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// payload is a line of hex and where it stands.
type payload struct {
	bytes []byte
	id    int64
	at    string
}

// payloads yields the payloads to decode.
func (o *options) payloads() iter.Seq2[payload, error] {
	return func(yield func(payload, error) bool) {
		if o.payload != "" {
			b, err := hex.DecodeString(strings.Join(strings.Fields(o.payload), ""))
			if err != nil {
				err = cli.Usagef("--payload: %w", err)
			}
			yield(payload{b, 0, "--payload"}, err)
			return
		}
		f := os.Stdin
		if o.in != "-" {
			var err error
			if f, err = os.Open(o.in); err != nil {
				yield(payload{}, err)
				return
			}
			defer f.Close()
		}
		lines := bufio.NewScanner(f)
		n, id := 0, int64(0)
		for lines.Scan() {
			n++
			text, _, _ := strings.Cut(lines.Text(), "#")
			if strings.TrimSpace(text) == "" {
				continue
			}
			at := fmt.Sprintf("%s:%d", o.in, n)
			b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
			if err != nil {
				yield(payload{}, fmt.Errorf("%s: %w, want a payload in hex", at, err))
				return
			}
			if !yield(payload{b, id, at}, nil) {
				return
			}
			id++
		}
		if err := lines.Err(); err != nil {
			yield(payload{}, fmt.Errorf("%s: %w", o.in, err))
		} else if id == 0 {
			yield(payload{}, fmt.Errorf("%s: no payloads, want at least one line of hex", o.in))
		}
	}
}

// describe says what made a payload.
func describe(c codec.Codec, payload []byte) string {
	text := fmt.Sprintf("%d bytes", len(payload))
	if b, ok := c.(*codec.Bounded); ok {
		i := b.Rung(len(payload))
		c = b.Rungs()[i]
		text += fmt.Sprintf(", rung %d of %d", i+1, len(b.Rungs()))
	}
	text += " (" + c.ID() + ")"
	if m, ok := c.(*codec.BAM); ok {
		if full, total := m.Saturated(payload); full > 0 {
			text += fmt.Sprintf(", %d of %d latents saturated", full, total)
		}
	}
	return text
}

// worst names the value that is furthest off.
func worst(want, got []float64) string {
	at, most := 0, -1.0
	for i, v := range want {
		if e := math.Abs(v - got[i]); !(e <= most) {
			at, most = i, e
		}
	}
	name := fmt.Sprintf("value %d", at)
	if len(want) == sensor.MotionDims {
		name = sensor.Motion().Names()[at]
	}
	return fmt.Sprintf("largest error %s in %s", cli.Digits(most), name)
}
