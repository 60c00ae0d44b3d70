package main

import (
	"context"
	"errors"
	"io"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/runlog/record"
	"github.com/loralink/loralink-go/radio/sim/study"
	"github.com/loralink/loralink-go/runspec"
)

const summary0 = `Phase0 runs each profile of a sweep over a simulated channel with the profile's losses, and selects the one whose PDR
is nearest to the middle of the sweep's target. Logs go to the sweep's out_dir.`

func phase0(ctx context.Context, args []string, stdout io.Writer) error {
	fs := cli.NewFlags("experiment phase0", "go run ./examples/experiment phase0 --sweep sweep.json --out out/phase0/c50.json", summary0)
	path := fs.String("sweep", "", "sweep, JSON: base_runspec, profiles, packets_per_profile, target_pdr_low, target_pdr_high, out_dir, step_ms")
	out := fs.String("out", "", "file for the report; unset: print it as JSON")
	var rec cli.Record
	rec.RegisterFlags(fs)
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if err := errors.Join(cli.Required(fs, "sweep"), rec.Check()); err != nil {
		return err
	}
	sweep, err := study.OpenSweep(*path)
	if err != nil {
		return err
	}
	report, err := study.Phase0(ctx, sweep)
	if err != nil {
		return err
	}
	if err := cli.WriteReport(stdout, *out, report, report); err != nil {
		return err
	}
	if *out == "" {
		stdout = io.Discard // it has the report
	}
	return rec.Fill(stdout, record.OfPhase0(report))
}

const summary1 = `Phase1 sends raw and latent payloads over a simulated channel with the PHY and the losses of the profile that phase0
selected. Logs go to the out_dir of each RunSpec.`

func phase1(ctx context.Context, args []string, stdout io.Writer) error {
	fs := cli.NewFlags("experiment phase1",
		"go run ./examples/experiment phase1 --c50 out/phase0/c50.json --raw raw.json --latent latent.json --out out/phase1/report.json", summary1)
	c50 := fs.String("c50", "", "report of phase0")
	raw := fs.String("raw", "", "RunSpec of the raw payloads")
	latent := fs.String("latent", "", "RunSpec of the latent payloads")
	out := fs.String("out", "", "file for the report; unset: print it as JSON")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if err := cli.Required(fs, "c50", "raw", "latent"); err != nil {
		return err
	}
	selected, err := study.OpenPhase0(*c50)
	if err != nil {
		return err
	}
	rawSpec, err := runspec.Load(*raw)
	latentSpec, errLatent := runspec.Load(*latent)
	if err := errors.Join(err, errLatent); err != nil {
		return err
	}
	report, err := study.Phase1(ctx, selected.Selected, rawSpec, latentSpec)
	if err != nil {
		return cli.ModelHint(err, "another --latent")
	}
	return cli.WriteReport(stdout, *out, report, report)
}
