package runlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// The reasons why [OpenRun] refuses a log, for errors.Is. They come wrapped in an
// [*Error].
var (
	// ErrNoEvents reports a log without events.
	ErrNoEvents = errors.New("found no events, want the log of a run")
	// ErrWrongLog reports an event of another role, of another run, or over another PHY.
	ErrWrongLog = errors.New("wrong log")
)

// Files holds the paths of the files of a run. TX or RX must be set; "" means that
// there is no such file.
type Files struct {
	TX    string `json:"tx_log,omitempty"`       // the sender's log
	RX    string `json:"rx_log,omitempty"`       // the receiver's log
	Power string `json:"power_record,omitempty"` // power record of the sender, see ReadEnergy
}

// Run is the summary of a run's files.
type Run struct {
	Files
	RunID    string  `json:"run_id"`
	Mode     string  `json:"mode"` // see Header
	PHYID    string  `json:"phy_id"`
	Starts   int     `json:"starts"`    // number of run_start events in both logs
	BadLines int     `json:"bad_lines"` // number of lines of the logs that are not an event
	Metrics  Metrics `json:"metrics"`
	Energy   *Energy `json:"energy,omitempty"` // nil without a power record

	First   time.Time       `json:"-"` // time of the first event
	Last    time.Time       `json:"-"` // time of the last event
	RunSpec json.RawMessage `json:"-"` // of the first run_start in the sender's log, or else the receiver's; nil if there is none
}

// RunSettings are the settings of [OpenRun]. The zero value is the default; nil
// functions are not called.
type RunSettings struct {
	// OnEntry is called with every entry, those of the sender's log first. It can
	// be the Add of a Matcher.
	OnEntry func(Entry)
	// Warn is called with an *Error for the first line of each log that is not an
	// event.
	Warn func(error)
}

// OpenRun reads the files of a run. It counts and skips lines that are not an event.
// All events must have the same PHY ID. Settings may be nil.
func OpenRun(files Files, settings *RunSettings) (*Run, error) {
	if settings == nil {
		settings = &RunSettings{}
	}
	if files.TX == "" && files.RX == "" {
		return nil, fmt.Errorf("runlog: %w: Files.TX and Files.RX are empty", ErrNoEvents)
	}
	r := &Run{Files: files}
	var meter Meter
	for _, end := range []struct {
		path string
		role link.Role
	}{{files.TX, link.RoleTX}, {files.RX, link.RoleRX}} {
		if end.path == "" {
			continue
		}
		if err := r.readLog(end.path, end.role, &meter, settings); err != nil {
			return nil, err
		}
	}
	r.Metrics = meter.Metrics()
	if files.Power != "" {
		var err error
		if r.Energy, err = OpenEnergy(files.Power, r.First, r.Last); err != nil {
			return nil, err
		}
		if n := r.Metrics.Delivered; n > 0 {
			r.Energy.JoulesPerDelivered = r.Energy.Joules / float64(n)
		}
	}
	return r, nil
}

// readLog reads the log of one end.
func (r *Run) readLog(path string, role link.Role, meter *Meter, settings *RunSettings) error {
	events := 0
	var bad *Error // the first line that is not an event
	runID := ""
	for e, err := range OpenEntries(path) {
		if errors.Is(err, ErrNotEvent) || errors.Is(err, ErrIncompleteLine) {
			if bad == nil {
				errors.As(err, &bad)
			}
			r.BadLines++
			continue
		}
		if err != nil {
			return err
		}
		if events > 0 && e.RunID != runID {
			return &Error{File: path, Err: fmt.Errorf("%w: found run_id %q after %q, want one run in a log; examples/runs reports on several", ErrWrongLog, e.RunID, runID)}
		}
		runID = e.RunID
		if err := r.add(e, role); err != nil {
			return &Error{File: path, Err: err}
		}
		events++
		meter.Add(role, e.Event)
		if settings.OnEntry != nil {
			settings.OnEntry(e)
		}
	}
	switch {
	case events == 0 && bad != nil:
		return &Error{File: path, Line: bad.Line, Err: noEvents{bad.Err}}
	case events == 0:
		return &Error{File: path, Err: ErrNoEvents}
	case bad != nil && settings.Warn != nil:
		settings.Warn(bad)
	}
	return nil
}

// noEvents is an ErrNoEvents of a log whose first line has an error.
type noEvents struct{ error }

// Unwrap returns ErrNoEvents and the error.
func (e noEvents) Unwrap() []error { return []error{ErrNoEvents, e.error} }

// add adds what an entry says about the run as a whole.
func (r *Run) add(e Entry, role link.Role) error {
	if e.Role != role {
		return fmt.Errorf("%w: found an event of role %q, want the log of role %s", ErrWrongLog, e.Role, role)
	}
	if r.First.IsZero() {
		r.RunID, r.Mode, r.PHYID = e.RunID, e.Mode, e.PHYID
		r.First, r.Last = e.Time, e.Time
	}
	if e.PHYID != r.PHYID {
		return fmt.Errorf("%w: found an event over %s, want %s as before", ErrWrongLog, e.PHYID, r.PHYID)
	}
	if e.Time.Before(r.First) {
		r.First = e.Time
	}
	if e.Time.After(r.Last) {
		r.Last = e.Time
	}
	if e.Kind == EventRunStart {
		r.Starts++
		if spec, ok := e.Start.RunSpec.(json.RawMessage); ok && r.RunSpec == nil {
			r.RunSpec = spec
		}
	}
	return nil
}
