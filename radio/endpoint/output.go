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
	syncer *syncer
}

// openOutput opens the log and writes that the run starts. If datasetPath is "", there
// is no data set.
func (e *Endpoint) openOutput(datasetPath string, onEvent func(link.Event)) (*output, error) {
	o := &output{role: link.Role(e.spec.Role), onEvent: onEvent}
	var err error
	if datasetPath != "" {
		if o.set, err = openLocked(datasetPath, "a run with this data set"); err != nil {
			return nil, err
		}
		if o.windows, err = dataset.OpenWriter(datasetPath); err != nil {
			return nil, errors.Join(err, o.set.Close())
		}
	}
	if o.log, err = runlog.OpenWriter(e.spec.Logging.OutDir, e.LogHeader()); err != nil {
		return nil, errors.Join(err, o.closeDataset())
	}
	o.syncer = startSyncer(o.sync)
	now := time.Now()
	o.meter.Add(o.role, link.Event{Kind: runlog.EventRunStart, Time: now})
	if err := o.log.Start(now, e.start); err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

// event logs an event of the run.
func (o *output) event(e link.Event) error {
	o.meter.Add(o.role, e)
	if err := o.syncer.written(); err != nil {
		return err
	}
	if err := o.log.Write(e); err != nil {
		return err
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

// sync returns when the log and the data set are on disk as they are now. The data set
// comes first, so that no window is missing that the log has.
func (o *output) sync() error {
	if o.set != nil {
		if err := o.set.Sync(); err != nil {
			return fmt.Errorf("endpoint: %w", err)
		}
	}
	return o.log.Sync()
}

// close syncs and closes the files.
func (o *output) close() error {
	o.syncer.close()
	return errors.Join(o.closeDataset(), o.log.Close())
}

func (o *output) closeDataset() error {
	if o.windows == nil {
		return nil
	}
	return errors.Join(o.windows.Close(), o.set.Close())
}
