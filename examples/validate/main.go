// Validate reports what in the logs of runs does not fit together.
//
//	go run ./examples/validate --log out/runtime/a_tx.jsonl --log out/runtime/a_rx.jsonl --dataset out/sent.jsonl
package main

import (
	"context"
	"io"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/runlog/rundir"
)

func main() { cli.Main("validate", run) }

const summary = `Validate reports what in the logs of runs does not fit together: windows that one log lacks, or the data set; ends
with different RunSpecs or models, or others than those given; counts that do not add up. The exit code is 1 if
there are errors. Without --out the report is printed as JSON; with --out it goes to the file, and a table is printed.`

func run(_ context.Context, args []string, stdout, _ io.Writer) error {
	var s rundir.CheckSettings
	fs := cli.NewFlags("validate", "go run ./examples/validate --log out/runtime/a_tx.jsonl --log out/runtime/a_rx.jsonl --dataset out/sent.jsonl", summary)
	s.RegisterFlags(fs)
	strict := fs.Bool("strict", false, "treat warnings as errors")
	out := fs.String("out", "", "file for the report; unset: print it as JSON")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if err := cli.Required(fs, "log"); err != nil {
		return err
	}
	report, err := rundir.Check(s)
	if err != nil {
		return err
	}
	if err := cli.WriteReport(stdout, *out, report, report); err != nil {
		return err
	}
	return report.Err(*strict)
}
