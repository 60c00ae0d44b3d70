// Package cli has what the example programs share: flags that fail with one line and
// exit code 2, other errors with one line and exit code 1, an interrupt that cancels
// the context, aligned tables, and progress on a terminal.
//
//	func main() { cli.Main("tool", run) }
//
// It is public so that an example can be copied into another module. It may change with
// any release.
package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// RunFunc is an example's program: it reads args, prints to out what the
// person asked for and to err what they should know besides.
type RunFunc func(ctx context.Context, args []string, out, err io.Writer) error

// Main runs an example and exits: 0 on success, 2 when the flags were wrong,
// 1 for every other error, which it prints as one line after the program's name. That
// standard output cannot be written is such an error. Control characters in what the
// program prints are escaped.
//
// An interrupt or SIGTERM ends the context. A second one ends the program at once,
// with exit code 130 and whatever it was doing undone.
func Main(name string, run RunFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		fmt.Fprintf(os.Stderr, "%s: interrupted a second time: ended at once\n", name)
		os.Exit(exitInterrupted)
	}()
	stdout, stderr := newStream(os.Stdout, "standard output", 0), newStream(os.Stderr, "standard error", maxLine)
	err := run(ctx, os.Args[1:], stdout, stderr)
	os.Exit(exitCode(name, printed(err, stdout.Close()), stderr))
}

// exitInterrupted is the exit code after a second interrupt, as of a shell's command
// that SIGINT ended.
const exitInterrupted = 130

// printed returns the error of a program, or that of its output if it succeeded: a result
// that nobody can read is none.
func printed(err, output error) error {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return cmp.Or(output, err)
	}
	return err
}

// maxFaults is the largest number of faults that the line of an error lists.
const maxFaults = 10

func exitCode(name string, err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	faults := strings.Split(err.Error(), "\n")
	if more := len(faults) - maxFaults; more > 1 { // the last may be a count already
		faults = append(faults[:maxFaults], fmt.Sprintf("and %d more faults", more))
	}
	line := strings.Join(strings.Fields(strings.Join(faults, "; ")), " ")
	// A program and a package may have one name.
	fmt.Fprintf(stderr, "%s: %s\n", name, strings.TrimPrefix(line, name+": "))
	var usage *UsageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// UsageError is an error of the command line.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef makes a UsageError.
func Usagef(format string, args ...any) error {
	return &UsageError{fmt.Errorf(format, args...)}
}

// NewFlags returns an empty flag set. Its help is an example of a command line, the
// summary, and the flags by purpose.
func NewFlags(name, example, summary string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() { writeHelp(fs, example, summary) }
	return fs
}

// IsSet says whether the flag was given on the command line.
func IsSet(fs *flag.FlagSet, name string) bool {
	set := false
	fs.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// OnlyBeside returns a UsageError where another flag was given than name and
// those that go with it.
func OnlyBeside(fs *flag.FlagSet, name string, others ...string) (err error) {
	fs.Visit(func(f *flag.Flag) {
		if f.Name != name && !slices.Contains(others, f.Name) {
			err = Usagef("--%s does not go with --%s, want it left out", f.Name, name)
		}
	})
	return err
}
