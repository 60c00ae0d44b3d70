package runlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// Why [OpenRun] refuses a log, for errors.Is.
var (
	ErrNoEvents = errors.New("no events, want the log of a run")
	ErrWrongLog = errors.New("wrong log") // of another role, or over another PHY
)

// Files holds the paths of the files of a run. Each may be "", but not both TX and
// RX.
type Files struct {
	TX    string `json:"tx_log,omitempty"`       // the sender's log
	RX    string `json:"rx_log,omitempty"`       // the receiver's log
	Power string `json:"power_record,omitempty"` // of the sender, see ReadEnergy
}

// Run is what the files of a run say about it.
type Run struct {
	Files
	RunID    string  `json:"run_id"`
	Mode     string  `json:"mode"`
	PHYID    string  `json:"phy_id"`
	Starts   int     `json:"starts"`    // run_start events in both logs
	BadLines int     `json:"bad_lines"` // lines of the logs that are not an event
	Metrics  Metrics `json:"metrics"`
	Energy   *Energy `json:"energy,omitempty"` // nil without a power record

	First   time.Time       `json:"-"` // the time of the first event
	Last    time.Time       `json:"-"` // the time of the last event
	RunSpec json.RawMessage `json:"-"` // of the first run_start; nil if it has none
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

// OpenRun reads the files of a run and sums them up. It counts and skips lines that
// are not an event. All events must be of the same PHY. Settings may be nil.
func OpenRun(files Files, settings *RunSettings) (*Run, error) {
	if settings == nil {
		settings = &RunSettings{}
	}
	if files.TX == "" && files.RX == "" {
		return nil, fmt.Errorf("runlog: %w: neither a sender's nor a receiver's", ErrNoEvents)
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

// readLog takes in the log of one end.
func (r *Run) readLog(path string, role link.Role, meter *Meter, settings *RunSettings) error {
	events := 0
	var bad *Error // the first line that is not an event
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
		return &Error{File: path, Line: bad.Line, Err: fmt.Errorf("%w: %w", ErrNoEvents, bad.Err)}
	case events == 0:
		return &Error{File: path, Err: ErrNoEvents}
	case bad != nil && settings.Warn != nil:
		settings.Warn(bad)
	}
	return nil
}

// add takes in what an entry says about the run as a whole.
func (r *Run) add(e Entry, role link.Role) error {
	if e.Role != role {
		return fmt.Errorf("%w: an event of role %q, want the log of role %s", ErrWrongLog, e.Role, role)
	}
	if r.First.IsZero() {
		r.RunID, r.Mode, r.PHYID = e.RunID, e.Mode, e.PHYID
		r.First, r.Last = e.At, e.At
	}
	if e.PHYID != r.PHYID {
		return fmt.Errorf("%w: an event over %s, want %s as before", ErrWrongLog, e.PHYID, r.PHYID)
	}
	if e.At.Before(r.First) {
		r.First = e.At
	}
	if e.At.After(r.Last) {
		r.Last = e.At
	}
	if e.Kind == EventRunStart {
		r.Starts++
		if spec, ok := e.Start.RunSpec.(json.RawMessage); ok && r.RunSpec == nil {
			r.RunSpec = spec
		}
	}
	return nil
}
