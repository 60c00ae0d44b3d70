// Capture records the samples that a sensor sends on a serial port, one JSON object per
// line, as examples/samples and examples/tx read them.
//
//	go run ./examples/capture --port /dev/ttyACM0 --out out/sensor.jsonl --duration-s 600
package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/dataset/capture"
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/e22"
)

func main() { cli.Main("capture", run) }

const summary = `Capture records the samples that a sensor sends on a serial port, one JSON object per line. It leaves out and counts
lines that are no samples, and adds the time of arrival to samples that have none. It appends to an existing
recording, and stops after --duration-s, after --max-lines, or at an interrupt (Ctrl-C).`

type flags struct {
	port, out         string
	baud, maxLines    int
	durationS, pauseS float64
}

func parse(args []string, stdout io.Writer) (*flags, error) {
	var f flags
	fs := cli.NewFlags("capture", "go run ./examples/capture --port /dev/ttyACM0 --out out/sensor.jsonl --duration-s 600", summary)
	fs.StringVar(&f.port, "port", "", "serial port of the sensor, such as /dev/ttyACM0 or COM3")
	fs.IntVar(&f.baud, "baud", 115200, "speed of the port, in bit/s")
	fs.StringVar(&f.out, "out", "", "recording to write or append to, JSONL")
	fs.Float64Var(&f.durationS, "duration-s", 0, "stop after this many seconds; 0: when interrupted")
	fs.IntVar(&f.maxLines, "max-lines", 0, "stop after this many samples; 0: no limit")
	fs.Float64Var(&f.pauseS, "timeout-s", 1, "longest wait of a read of the port, in seconds, and so the delay of a stop while the sensor is silent")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	if err := cli.Required(fs, "port", "out"); err != nil {
		return nil, err
	}
	switch {
	case f.baud < 1:
		return nil, cli.Usagef("--baud is %d, want a speed such as 9600", f.baud)
	case !(f.durationS >= 0) || f.durationS > math.MaxInt32:
		return nil, cli.Usagef("--duration-s is %g, want 0 or more", f.durationS)
	case f.maxLines < 0:
		return nil, cli.Usagef("--max-lines is %d, want 0 or more", f.maxLines)
	case !(f.pauseS >= 0.01 && f.pauseS <= 60):
		return nil, cli.Usagef("--timeout-s is %g, want 0.01..60", f.pauseS)
	}
	return &f, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := parse(args, stdout)
	if err != nil {
		return err
	}
	port, err := e22.OpenPort(f.port, f.baud)
	if err != nil {
		return err
	}
	defer port.Close()
	if err := port.SetReadTimeout(seconds(f.pauseS)); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.out), 0o777); err != nil {
		return err
	}
	out, err := capture.OpenFile(f.out)
	if err != nil {
		return err
	}
	defer out.Close()
	if f.durationS > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, seconds(f.durationS))
		defer cancel()
	}
	progress := cli.NewProgress(stderr)
	defer progress.Clear()
	warned := false
	counts, err := capture.Lines(ctx, out, port, f.port, &capture.Settings{
		MaxLines: f.maxLines,
		Progress: func(done, total int) { progress.Update("samples", done, total) },
		Warn: func(err error) {
			if !warned {
				progress.Clear()
				fmt.Fprintf(stderr, "warning: %v; such lines are left out\n", err)
			}
			warned = true
		},
	})
	progress.Clear()
	fmt.Fprintf(stdout, "%s: %d samples, %d of them without a time of their own; %d lines left out\n", f.out, counts.Samples, counts.Stamped, counts.Bad)
	if err := cli.Ended(ctx, err); err != nil {
		return err
	}
	return out.Sync()
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
