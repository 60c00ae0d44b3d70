package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/loralink/loralink-go/internal/errtext"
)

// group is a heading of a help text, and the flags under it.
type group struct {
	title string
	flags []string
}

// groups have the flags of all programs by purpose, in the order of help texts.
var groups = []group{
	{"Input", []string{"in", "dataset", "samples", "columns", "simulate", "runspec", "tx", "rx", "log", "power", "payload", "bam-manifest", "manifest", "ladder", "grid", "entropy-grid", "codec", "baseline-dataset",
		"baseline-tx", "baseline-rx", "baseline-power", "record", "template", "model", "eval", "phase0", "e22-port", "sampler", "sweep", "c50", "raw", "latent", "metrics", "energy", "phase3", "phase4", "extra",
		"sensor-path", "sensor-loop", "sensor-follow", "fill", "max-samples", "subset", "unverified", "prior"}},
	{"Output", []string{"out", "csv", "out-dir", "lang", "name", "vectors", "overwrite", "zip", "dataset-out", "samples-out", "record-out", "plots", "force", "notes", "run-id", "explain", "frame", "decode", "train-report", "write-artifacts-manifest", "log-every", "prior-out"}},
	{"Windows", []string{"input-dims", "window-W", "window-stride", "max-gap-ms", "windows", "rate-hz"}},
	{"Split into training windows and holdout", []string{"split", "train-ratio", "split-seed"}},
	{"Model", []string{"packing", "packings", "latent-dim", "latent-dims", "hidden-dims", "payload-bytes", "max-payload-bytes", "check-byte", "scale", "auto-scale", "auto-scale-percentile", "auto-scale-max-samples",
		"delta", "deltas", "encode-cycles", "decode-cycles", "float32-norm", "tolerances", "components", "entropy-coded", "widened", "profile", "key-after", "key-every", "predict-from"}},
	{"Training", []string{"method", "methods", "epochs", "min-epochs", "learning-rate", "cycles", "init-range", "weight-clip", "shuffle-buffer", "shuffle-seed", "early-stop-patience", "early-stop-min-delta",
		"target-mse-x", "target-mse-y", "seed", "workers"}},
	{"Radio", []string{"radio", "uart-port", "uart-baud", "uart-rssi-byte", "udp-local", "udp-remote", "udp-loss", "udp-seed", "mock-loss-rate", "mock-latency-ms", "port", "baud", "read", "set", "rssi", "temporary", "json"}},
	{"Simulated channel", []string{"condition", "loss", "bursts", "bit-errors", "duplicates", "reorder", "retries", "period", "inflight", "max-retries", "loss-seed"}},
	{"Comparison", []string{"baseline", "variant", "pdr-improve-pct", "etx-reduce-pct", "energy-reduce-pct", "strict"}},
	{"End of the run", []string{"duration-s", "max-lines", "timeout-s", "max-seconds", "max-rx-ok", "step-ms"}},
}

// ungrouped is the heading of flags that are in no group.
const ungrouped = "Other"

// groupOf returns the heading of a flag.
func groupOf(name string) string {
	for _, g := range groups {
		if slices.Contains(g.flags, name) {
			return g.title
		}
	}
	return ungrouped
}

// writeHelp prints the example, the summary and the flags by group.
func writeHelp(fs *flag.FlagSet, example, summary string) {
	w := fs.Output()
	fmt.Fprintf(w, "Example:\n  %s\n\n%s\n", example, strings.TrimSpace(summary))
	titles := []string{}
	for _, g := range groups {
		titles = append(titles, g.title)
	}
	for _, title := range append(titles, ungrouped) {
		first := true
		fs.VisitAll(func(f *flag.Flag) {
			if groupOf(f.Name) != title {
				return
			}
			if first {
				fmt.Fprintf(w, "\n%s:\n", title)
				first = false
			}
			writeFlag(w, f)
		})
	}
}

func writeFlag(w io.Writer, f *flag.Flag) {
	value, usage := flag.UnquoteUsage(f)
	line := "  --" + f.Name
	if value != "" {
		line += " " + value
	}
	if isDefault := f.DefValue == "" || f.DefValue == "0" || f.DefValue == "false"; !isDefault {
		usage += " (default " + f.DefValue + ")"
	}
	fmt.Fprintf(w, "%s\n        %s\n", line, usage)
}

// parseError returns the UsageError for an error of FlagSet.Parse.
func parseError(fs *flag.FlagSet, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return Usagef("%w (--help lists the flags)", err)
	}
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	if near := errtext.Nearest(strings.TrimPrefix(name, "-"), names); near != "" {
		return Usagef("unknown flag --%s: did you mean --%s? (--help lists the flags)", name, near)
	}
	return Usagef("unknown flag --%s (--help lists the flags)", name)
}

// Parse parses args. Help goes to out, and Parse returns flag.ErrHelp. Errors are
// UsageErrors; that of an unknown flag suggests the nearest.
//
// Arguments that are no flags are values of the flags in positional, in their order. They
// may stand before and between flags. An argument too many is an error, and so is one
// whose flag is given as well.
func Parse(fs *flag.FlagSet, args []string, out io.Writer, positional ...string) error {
	for {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fs.SetOutput(out)
			fs.Usage()
			return flag.ErrHelp
		}
		if err != nil {
			return parseError(fs, err)
		}
		if args = fs.Args(); len(args) == 0 {
			return nil
		}
		if len(positional) == 0 {
			return Usagef("unexpected argument %q: want flags only (--help lists them)", args[0])
		}
		if IsSet(fs, positional[0]) {
			return Usagef("unexpected argument %q: --%s is given already", args[0], positional[0])
		}
		if err := fs.Set(positional[0], args[0]); err != nil {
			return Usagef("invalid value %q for --%s: %w", args[0], positional[0], err)
		}
		args, positional = args[1:], positional[1:]
	}
}
