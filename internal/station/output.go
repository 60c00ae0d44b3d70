package station

import (
	"errors"
	"time"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

// output is what a run leaves: its log, its sums and, where asked for, a data
// set.
type output struct {
	role    link.Role
	meter   runlog.Meter
	logFile *runlog.Writer
	windows *dataset.Writer // nil: none
	closed  bool
}

// openOutput opens the log and writes that the run starts.
func (s *Station) openOutput(datasetOut string) (*output, error) {
	o := &output{role: link.Role(s.Spec.Role)}
	var err error
	if datasetOut != "" {
		if o.windows, err = dataset.OpenWriter(datasetOut); err != nil {
			return nil, err
		}
	}
	if o.logFile, err = runlog.OpenWriter(s.Spec.Logging.OutDir, runlog.Header{RunID: s.Spec.RunID, Role: o.role, Mode: s.Spec.Mode,
		PHYID: s.Timing.PHY.ID()}); err != nil {
		if o.windows != nil {
			o.windows.Close()
		}
		return nil, err
	}
	text := func(v string) *string {
		if v == "" {
			return nil
		}
		return &v
	}
	start := runlog.Start{RunSpec: s.Spec, ArtifactsManifest: text(s.ArtifactsFile), ManifestFingerprint: text(s.Fingerprint), ModelHash: text(s.ModelHash)}
	if err := o.start(start); err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

func (o *output) start(s runlog.Start) error {
	at := time.Now()
	o.meter.Add(o.role, link.Event{Kind: runlog.EventRunStart, At: at})
	return o.logFile.Start(at, s)
}

func (o *output) log(e link.Event) error {
	o.meter.Add(o.role, e)
	return o.logFile.Write(e)
}

func (o *output) path() string { return o.logFile.Path() }

// nextID is the lowest window_id the data set does not have.
func (o *output) nextID() int64 {
	if o.windows == nil {
		return 0
	}
	return o.windows.NextID()
}

func (o *output) write(w dataset.Window) error {
	if o.windows == nil {
		return nil
	}
	return o.windows.Write(w)
}

func (o *output) close() error {
	if o.closed {
		return nil
	}
	o.closed = true
	err := o.logFile.Close()
	if o.windows != nil {
		err = errors.Join(err, o.windows.Close())
	}
	return err
}
