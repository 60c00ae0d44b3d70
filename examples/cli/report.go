package cli

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
)

// WriteReport writes a report as JSON to the file at path, and its table to stdout. If
// path is "", it writes the JSON to stdout instead.
func WriteReport(stdout io.Writer, path string, report interface{ WriteTable(io.Writer) }, asJSON any) error {
	if path != "" {
		report.WriteTable(stdout)
		return WriteJSON(path, asJSON)
	}
	b, err := json.MarshalIndent(asJSON, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(stdout, "%s\n", b)
	}
	return err
}

// Required returns a UsageError if one of the flags was not given. It says what the
// flag's usage says.
func Required(fs *flag.FlagSet, names ...string) error {
	for _, name := range names {
		if !IsSet(fs, name) {
			return Usagef("--%s is missing, want %s", name, fs.Lookup(name).Usage)
		}
	}
	return nil
}

// Repeated adds a flag that may be given several times, each time adding to dst.
func Repeated(fs *flag.FlagSet, dst *[]string, name, usage string) {
	fs.Func(name, usage+"; may be given several times", func(s string) error {
		*dst = append(*dst, s)
		return nil
	})
}
