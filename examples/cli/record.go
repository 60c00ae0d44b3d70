package cli

import (
	"flag"
	"fmt"
	"io"

	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/record"
)

// Record is a record that a program fills in at its end.
type Record struct {
	Template string // path; "": none
	Out      string // path of the filled record

	text []byte
}

// RegisterFlags adds the flags --record and --record-out.
func (r *Record) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar(&r.Template, "record", "", "template of a record to fill in, YAML, such as those of examples/records")
	fs.StringVar(&r.Out, "record-out", "", "file for the filled record")
}

// Check reads the template, so that a wrong one is reported before the work is done.
func (r *Record) Check() (err error) {
	if (r.Template == "") != (r.Out == "") {
		return Usagef("want --record and --record-out together")
	}
	if r.Template != "" {
		r.text, err = record.Load(r.Template)
	}
	return err
}

// Fill writes the record with the known values, and prints how many are left for a
// person. Without a template it does nothing.
func (r *Record) Fill(stdout io.Writer, values record.Values) error {
	if r.Template == "" {
		return nil
	}
	filled, open, err := record.Fill(r.text, values)
	if err != nil {
		return err
	}
	if err := WriteFile(r.Out, filled); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "record: %s, %d values are left for a person, marked %s\n", r.Out, len(open), record.Mark)
	return nil
}

// FillRun is Fill with what the log of one end of a run says, and with more values.
func (r *Record) FillRun(stdout io.Writer, files runlog.Files, more record.Values) error {
	if r.Template == "" {
		return nil
	}
	run, err := runlog.OpenRun(files, nil)
	if err != nil {
		return err
	}
	values := record.OfRun(run)
	values.Merge(record.OfSignals(files.TX, files.RX))
	values.Merge(more)
	return r.Fill(stdout, values)
}
