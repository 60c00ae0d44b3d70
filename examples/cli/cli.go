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
// 1 for every other error, which it prints as one line after the program's name.
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
	os.Exit(exitCode(name, run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

// exitInterrupted is the exit code after a second interrupt, as of a shell's command
// that SIGINT ended.
const exitInterrupted = 130

func exitCode(name string, err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	line := strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n", "; ")), " ")
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
