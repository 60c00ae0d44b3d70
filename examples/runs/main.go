// Runs reports on several runs of a link from their logs: metrics, energies, changes
// against a baseline run and targets for them, plots.
//
//	go run ./examples/runs phase3 --log a_tx.jsonl --log b_tx.jsonl --out out/phase3.json
//	go run ./examples/runs kpi --phase3 out/phase3.json --baseline a
//
// Without --out a report is printed as JSON; with --out it goes to the file, and a table
// is printed. See examples/report for one run in detail.
package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"path/filepath"
	"strings"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/runlog/runplot"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
)

func main() { cli.Main("runs", run) }

const summary = `Runs reports on several runs of a link from their logs. Give --log once for each log, or one log with several
run_ids. The first argument says what to do; each has its own --help:

  metrics   figures of each run, as JSON
  phase3    the same with payload schemas and, with --dataset, the errors of the delivered windows
  phase4    energies: mean power times duration
  kpi       changes against a baseline run, and whether they reach targets; exit code 1 if one does not
  plots     CSV and plots of phase3 and phase4 reports`

const example = "go run ./examples/runs "

var examples = map[string]string{
	"metrics": "metrics --log a_tx.jsonl --log b_tx.jsonl --out out/metrics.json",
	"phase3":  "phase3 --log a_tx.jsonl --log a_rx.jsonl --dataset out/sent.jsonl --out out/phase3.json",
	"phase4":  "phase4 --metrics out/phase3.json --energy energy.yaml --out out/phase4.json",
	"kpi":     "kpi --phase3 out/phase3.json --phase4 out/phase4.json --baseline a",
	"plots":   "plots --phase3 out/phase3.json --phase4 out/phase4.json --out-dir out/plots --plots",
}

type job struct {
	stdout, stderr io.Writer
	fs             *flag.FlagSet
	args           []string
}

func run(_ context.Context, args []string, stdout, stderr io.Writer) error {
	commands := map[string]func(*job) error{"metrics": metrics, "phase3": phase3, "phase4": phase4, "kpi": kpi, "plots": plots}
	if len(args) == 0 || commands[args[0]] == nil {
		if err := cli.Parse(cli.NewFlags("runs", example+"phase3 --log a_tx.jsonl --log a_rx.jsonl --out out/phase3.json", summary), args, stdout); err != nil && (len(args) == 0 || strings.HasPrefix(args[0], "-")) {
			return err
		}
		return cli.Usagef("want metrics, phase3, phase4, kpi or plots as the first argument (--help explains them)")
	}
	return commands[args[0]](&job{stdout, stderr, cli.NewFlags("runs "+args[0], example+examples[args[0]], summary), args[1:]})
}

// parse parses the flags, of which those that are required must be set.
func (j *job) parse(required ...string) error {
	if err := cli.Parse(j.fs, j.args, j.stdout); err != nil {
		return err
	}
	return cli.Required(j.fs, required...)
}

func (j *job) out(dst *string) {
	j.fs.StringVar(dst, "out", "", "file for the report; unset: print it as JSON")
}

func metrics(j *job) error {
	out, set, err := j.fromLogs(new(runreport.Settings))
	if err != nil {
		return err
	}
	return cli.WriteReport(j.stdout, out, set, set.MetricsJSON())
}

func phase3(j *job) error {
	settings := new(runreport.Settings)
	j.fs.StringVar(&settings.Dataset, "dataset", "", "data set of the windows sent, for the errors of those delivered")
	out, set, err := j.fromLogs(settings)
	if err != nil {
		return err
	}
	return cli.WriteReport(j.stdout, out, set, set)
}

// fromLogs parses the flags and reads the logs.
func (j *job) fromLogs(settings *runreport.Settings) (out string, set *runreport.Set, err error) {
	var logs []string
	cli.Repeated(j.fs, &logs, "log", "log of a sender or a receiver")
	j.out(&out)
	if err := j.parse("log"); err != nil {
		return "", nil, err
	}
	settings.Warn = cli.Warn(j.stderr)
	set, err = runreport.OpenLogs(logs, settings)
	return out, set, err
}

func phase4(j *job) error {
	path := j.fs.String("metrics", "", "metrics or a phase 3 report")
	record := j.fs.String("energy", "", "energy record, YAML or JSON: runs with run_id, avg_power_w and duration_s")
	var out string
	j.out(&out)
	if err := j.parse("metrics", "energy"); err != nil {
		return err
	}
	set, err := runreport.OpenSet(*path)
	if err != nil {
		return err
	}
	energy, err := runreport.OpenEnergy(*record, set)
	if err != nil {
		return err
	}
	return cli.WriteReport(j.stdout, out, energy, energy)
}

// reports adds the flags of reports, and returns a function that reads them.
func (j *job) reports() func() (*runreport.Set, *runreport.EnergyReport, error) {
	path := j.fs.String("phase3", "", "metrics or a phase 3 report")
	energy := j.fs.String("phase4", "", "phase 4 report; unset: energies are unknown")
	return func() (*runreport.Set, *runreport.EnergyReport, error) {
		set, err := runreport.OpenSet(*path)
		if err != nil || *energy == "" {
			return set, nil, err
		}
		e, err := runreport.OpenEnergyReport(*energy)
		return set, e, err
	}
}

func kpi(j *job) error {
	read := j.reports()
	var out string
	j.out(&out)
	var settings runreport.KPISettings
	settings.RegisterFlags(j.fs)
	if err := j.parse("phase3", "baseline"); err != nil {
		return err
	}
	set, energy, err := read()
	if err != nil {
		return err
	}
	report, err := runreport.CheckKPI(set, energy, settings)
	if err != nil {
		return cli.CheckFlags(err)
	}
	if err := cli.WriteReport(j.stdout, out, report, report); err != nil {
		return err
	}
	return report.Err()
}

func plots(j *job) error {
	read := j.reports()
	dir := j.fs.String("out-dir", "", "folder for runs.csv and the plots")
	draw := j.fs.Bool("plots", false, "write plots as PNG too")
	if err := j.parse("phase3", "out-dir"); err != nil {
		return err
	}
	set, energy, err := read()
	if err != nil {
		return err
	}
	var csv bytes.Buffer
	if err := set.WriteCSV(&csv, energy); err != nil {
		return err
	}
	if err := cli.WriteFile(filepath.Join(*dir, "runs.csv"), csv.Bytes()); err != nil || !*draw {
		return err
	}
	return runplot.SaveRuns(*dir, set, energy)
}
