package endpoint

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

// output writes a run's log and, if there is one, its data set. It also computes the
// metrics.
type output struct {
	role    link.Role
	onEvent func(link.Event) // may be nil
	meter   runlog.Meter
	log     *runlog.Writer
	windows *dataset.Writer // nil without a data set
	// set is the data set's file, which it locks for this run. nil without a data set.
	set    *os.File
	memory *memory  // of a receiver; nil for a sender
	air    *airtime // nil without a duty cycle
	// kept are the files of memory and air.
	kept     []*os.File
	syncer   *syncer
	failures rateLimit // of rx_parse_fail events
	// appendSpent is that of the machine.
	appendSpent func([]link.Spent, time.Time) []link.Spent
}

// openOutput opens the files of a run. If datasetPath is "", there is no data set. The
// run starts by start.
func (e *Endpoint) openOutput(datasetPath string, onEvent func(link.Event)) (_ *output, err error) {
	dir, runID := e.spec.Logging.OutDir, e.spec.RunID
	o := &output{role: link.Role(e.spec.Role), onEvent: onEvent}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.closeFiles())
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	if o.role == link.RoleRX {
		f, err := openMemory(dir, runID)
		if err != nil {
			return nil, err
		}
		o.kept = append(o.kept, f)
		o.memory = newMemory(f, datasetPath)
	}
	if e.spec.TX.DutyCycle > 0 {
		f, err := openAirtime(dir, runID, o.role)
		if err != nil {
			return nil, err
		}
		o.kept = append(o.kept, f)
		o.air = &airtime{f: f}
	}
	if datasetPath != "" {
		if o.set, err = openLocked(datasetPath, "a run with this data set"); err != nil {
			return nil, err
		}
		if o.windows, err = dataset.OpenWriter(datasetPath); err != nil {
			return nil, err
		}
	}
	o.log, err = runlog.OpenWriter(dir, e.LogHeader())
	return o, err
}

// spent returns the time on air of earlier runs that counts towards the duty cycle.
func (o *output) spent(dutyCycle float64) ([]link.Spent, error) {
	if o.air == nil {
		return nil, nil
	}
	return o.air.load(time.Now(), time.Duration(dutyCycle*float64(time.Hour)))
}

// delivered returns what earlier runs of a receiver delivered.
func (o *output) delivered() ([]link.Delivered, error) {
	size, err := o.setSize()
	if err != nil {
		return nil, err
	}
	return o.memory.delivered(time.Now(), size)
}

// setSize returns the size of the data set, or 0 if there is none.
func (o *output) setSize() (int64, error) {
	if o.set == nil {
		return 0, nil
	}
	info, err := o.set.Stat()
	if err != nil {
		return 0, fmt.Errorf("endpoint: %w", err)
	}
	return info.Size(), nil
}

// start logs that the run starts. AppendSpent is that of the machine. After an error, the
// files are closed.
func (o *output) start(s runlog.Start, appendSpent func([]link.Spent, time.Time) []link.Spent) error {
	o.appendSpent = appendSpent
	o.syncer = startSyncer(o.sync)
	now := time.Now()
	o.meter.Add(o.role, link.Event{Kind: runlog.EventRunStart, Time: now})
	if err := o.log.Start(now, s); err != nil {
		return errors.Join(err, o.close())
	}
	return nil
}

// event logs an event of the run.
func (o *output) event(e link.Event) error {
	o.meter.Add(o.role, e)
	if err := o.syncer.written(); err != nil {
		return err
	}
	if e.Kind == link.EventRxParseFail && !o.failures.admit(&e) {
		return nil
	}
	if err := o.log.Write(e); err != nil {
		return err
	}
	if o.air != nil && (e.Kind == link.EventTxSent || e.Kind == link.EventAckSent) {
		if err := o.air.store(time.Now(), o.appendSpent); err != nil {
			return err
		}
	}
	if o.onEvent != nil {
		o.onEvent(e)
	}
	return nil
}

// nextID returns the lowest window_id that is above all in the data set.
func (o *output) nextID() int64 {
	if o.windows == nil {
		return 0
	}
	return o.windows.NextID()
}

// write appends a window to the data set.
func (o *output) write(w dataset.Window) error {
	if o.windows == nil {
		return nil
	}
	return o.windows.Write(w)
}

// sync returns when the files are on disk as they are now. The log comes last, so that
// nothing is missing that the log has.
func (o *output) sync() error {
	files := o.kept
	if o.set != nil {
		files = append(files[:len(files):len(files)], o.set)
	}
	for _, f := range files {
		if err := f.Sync(); err != nil {
			return fmt.Errorf("endpoint: %w", err)
		}
	}
	return o.log.Sync()
}

// close syncs and closes the files.
func (o *output) close() error {
	o.syncer.close()
	var err error
	if o.air != nil {
		err = o.air.store(time.Now(), o.appendSpent) // by the clock as it is now
	}
	if e := o.failures.rest(); e != nil {
		err = errors.Join(err, o.log.Write(*e))
	}
	return errors.Join(err, o.sync(), o.closeFiles())
}

// closeFiles closes the files that are open.
func (o *output) closeFiles() error {
	var errs []error
	if o.windows != nil {
		errs = append(errs, o.windows.Close())
	}
	if o.log != nil {
		errs = append(errs, o.log.Close())
	}
	for _, f := range append(o.kept, o.set) {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
