// Record fills in the record of a phase with what the other programs wrote, and lists
// what is left for a person.
//
//	go run ./examples/record --template examples/records/phase2.yaml --out out/records/phase2.yaml \
//	    --model out/models/b --dataset out/dataset_raw.jsonl --eval out/eval_b.json
package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/record"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
	"github.com/loralink/loralink-go/radio/sim/study"
)

func main() { cli.Main("record", run) }

const (
	example = `go run ./examples/record --template examples/records/phase2.yaml --out out/records/phase2.yaml --model out/models/b`
	summary = `Record fills in a template with what the other programs wrote, and lists what is left for a person, marked TBD.
examples/records has a template for each phase; the records of the reference are templates too. Fill in a record
again to add what was measured since: its other values stay.`
)

type flags struct {
	template, out              string
	files                      runlog.Files
	dataset, model, eval       string
	phase0, phase3, base, port string
	force                      bool
}

func parse(args []string, stdout io.Writer) (*flags, error) {
	var f flags
	fs := cli.NewFlags("record", example, summary)
	fs.StringVar(&f.template, "template", "", "record or template to fill in, YAML")
	fs.StringVar(&f.out, "out", "", "file for the record; it may be --template itself with --force")
	fs.BoolVar(&f.force, "force", false, "replace --out")
	fs.StringVar(&f.files.TX, "tx", "", "log of the run's sender")
	fs.StringVar(&f.files.RX, "rx", "", "log of the run's receiver")
	fs.StringVar(&f.files.Power, "power", "", "power record of the run's sender, CSV")
	fs.StringVar(&f.dataset, "dataset", "", "data set: of the training with --model, else the one that the run sent")
	fs.StringVar(&f.model, "model", "", "folder or bam_manifest.json of a model")
	fs.StringVar(&f.eval, "eval", "", "report of examples/eval on --model")
	fs.StringVar(&f.phase0, "phase0", "", "report of examples/experiment phase0")
	fs.StringVar(&f.phase3, "phase3", "", "report of examples/runs phase3")
	fs.StringVar(&f.base, "baseline", "", "with --phase3: run_id of the baseline")
	fs.StringVar(&f.port, "e22-port", "", "serial port of an E22 module in configuration mode, to read its registers")
	if err := cli.Parse(fs, args, stdout, "template"); err != nil {
		return nil, err
	}
	if err := cli.Required(fs, "template", "out"); err != nil {
		return nil, err
	}
	switch {
	case f.eval != "" && f.model == "":
		return nil, cli.Usagef("--eval needs --model")
	case (f.phase3 == "") != (f.base == ""):
		return nil, cli.Usagef("want --phase3 and --baseline together")
	case f.files.Power != "" && f.files.TX == "" && f.files.RX == "":
		return nil, cli.Usagef("--power needs --tx or --rx")
	}
	return &f, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if err := cli.CheckOut(f.out, f.force); err != nil {
		return err
	}
	template, err := record.Load(f.template)
	if err != nil {
		return err
	}
	values, err := f.values(ctx, stderr)
	if err != nil {
		return err
	}
	filled, open, err := record.Fill(template, values)
	if err != nil {
		return err
	}
	if err := cli.WriteFile(f.out, filled); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: %d values are left for a person\n", f.out, len(open))
	for _, key := range open {
		fmt.Fprintf(stdout, "  %s\n", key)
	}
	return nil
}

// values returns what the given files say. Later ones are more specific.
func (f *flags) values(ctx context.Context, stderr io.Writer) (record.Values, error) {
	v := record.OfDate(time.Now())
	if f.phase0 != "" {
		r, err := study.OpenPhase0(f.phase0)
		if err != nil {
			return nil, err
		}
		v.Merge(record.OfPhase0(r))
	}
	if f.phase3 != "" {
		set, err := runreport.OpenSet(f.phase3)
		if err != nil {
			return nil, err
		}
		of, err := record.OfSet(set, f.base, f.phase3)
		if err != nil {
			return nil, err
		}
		v.Merge(of)
	}
	if f.files.TX != "" || f.files.RX != "" {
		r, err := runlog.OpenRun(f.files, &runlog.RunSettings{Warn: cli.Warn(stderr)})
		if err != nil {
			return nil, err
		}
		v.Merge(record.OfRun(r))
		v.Merge(record.OfSignals(f.files.TX, f.files.RX))
	}
	if f.model != "" {
		of, err := record.OfModel(f.model, f.dataset, f.eval)
		if err != nil {
			return nil, err
		}
		v.Merge(of)
	} else if f.dataset != "" {
		v["outputs.dataset_raw"] = filepath.ToSlash(f.dataset)
	}
	if f.port != "" {
		radio, err := e22.Open(ctx, f.port, e22.Settings{})
		if err != nil {
			return nil, err
		}
		defer radio.Close()
		registers, err := radio.ReadRegisters(ctx)
		if err != nil {
			return nil, err
		}
		v.Merge(record.OfRegisters(registers))
	}
	return v, nil
}
