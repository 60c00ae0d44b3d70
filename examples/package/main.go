// Package copies the logs of a run, the data set that was sent and other files into one
// folder, with their SHA-256 hashes.
//
//	go run ./examples/package --log out/runtime/a_tx.jsonl --log out/runtime/a_rx.jsonl \
//	    --dataset out/sent.jsonl --extra out/models/a --out-dir out/packages --zip
package main

import (
	"context"
	"fmt"
	"io"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/runlog/rundir"
)

func main() { cli.Main("package", run) }

const summary = `Package copies the logs of a run, the data set that was sent and other files into one folder, with their SHA-256
hashes. In the folder, "sha256sum -c SHA256SUMS" checks them.`

func run(ctx context.Context, args []string, stdout, _ io.Writer) error {
	var s rundir.PackSettings
	fs := cli.NewFlags("package", "go run ./examples/package --log out/runtime/a_tx.jsonl --log out/runtime/a_rx.jsonl --out-dir out/packages --zip", summary)
	s.RegisterFlags(fs)
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if err := cli.Required(fs, "log", "out-dir"); err != nil {
		return err
	}
	p, err := rundir.Pack(ctx, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: %d files, listed in %s with their hashes\n", p.Dir, len(p.Files), rundir.ListFile)
	if s.Zip {
		fmt.Fprintf(stdout, "%s.zip\n", p.Dir)
	}
	return nil
}
