package link

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// LogHeader is what every line of a log repeats.
type LogHeader struct {
	RunID string `json:"run_id"`
	Role  Role   `json:"role"`
	Mode  string `json:"mode"`   // RAW or LATENT
	PHYID string `json:"phy_id"` // radio.PHY.ID
}

// FileName is the log's name in its folder: <run_id>_<role>.jsonl.
func (h LogHeader) FileName() string { return h.RunID + "_" + string(h.Role) + ".jsonl" }

// Log appends events to a file, each line by one write, so that a killed
// process loses at most the line it was writing. It belongs to one goroutine.
type Log struct {
	f      *os.File
	header LogHeader
	line   []byte
}

// OpenLog opens the log of a run in a folder, which it makes if need be. A torn
// last line of an earlier run is cut off.
func OpenLog(dir string, header LogHeader) (*Log, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, header.FileName()), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	if err := mend(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("link: %s: %w", f.Name(), err)
	}
	return &Log{f: f, header: header}, nil
}

// mend leaves the file at its end, behind a whole line. A last line that is
// whole but for its end gets it.
func mend(f *os.File) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	start := max(end-maxLogLine, 0)
	tail := make([]byte, end-start)
	if _, err := f.ReadAt(tail, start); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	whole := bytes.LastIndexByte(tail, '\n') + 1
	if whole == len(tail) {
		return nil
	}
	if whole == 0 && start > 0 {
		return fmt.Errorf("last line is longer than %d bytes: no log", maxLogLine)
	}
	if json.Valid(tail[whole:]) {
		_, err := f.WriteString("\n")
		return err
	}
	if err := f.Truncate(start + int64(whole)); err != nil {
		return err
	}
	_, err = f.Seek(0, io.SeekEnd)
	return err
}

// Path is the file's.
func (l *Log) Path() string { return l.f.Name() }

// Write appends an event.
func (l *Log) Write(e Event) error {
	var err error
	if l.line, err = e.AppendJSON(l.line[:0], l.header); err != nil {
		return err
	}
	if _, err := l.f.Write(append(l.line, '\n')); err != nil {
		return fmt.Errorf("link: %w", err)
	}
	return nil
}

// Close makes sure the log is on the disk.
func (l *Log) Close() error {
	if err := errors.Join(l.f.Sync(), l.f.Close()); err != nil {
		return fmt.Errorf("link: %w", err)
	}
	return nil
}

// AppendJSON appends the event as one line's object, without the line's end.
func (e Event) AppendJSON(dst []byte, h LogHeader) ([]byte, error) {
	w := lineWriter{b: append(dst, '{')}
	w.int("ts_ms", e.At.UnixMilli())
	w.text("run_id", h.RunID)
	w.text("event", string(e.Kind))
	w.text("role", string(h.Role))
	w.text("mode", h.Mode)
	w.text("phy_id", h.PHYID)
	switch e.Kind {
	case EventRunStart:
		if e.Start != nil {
			b, err := json.Marshal(e.Start)
			if err != nil {
				return dst, fmt.Errorf("link: run_start: %w", err)
			}
			w.b = append(append(w.b, ','), b[1:len(b)-1]...)
		}
	case EventTxSent:
		w.int("window_id", e.WindowID)
		w.int("seq", int64(e.Seq))
		w.payload(e)
		w.ms("toa_ms_est", e.TimeOnAir)
		w.ms("guard_ms", e.Guard)
		w.ms("ack_timeout_ms", e.AckTimeout)
		w.int("attempt", int64(e.Attempt))
		w.ms("age_ms", e.Age)
		w.ms("codec_encode_ms", e.Encode)
		w.int("sensor_ts_ms", e.SensorMs)
	case EventAckReceived:
		w.int("ack_seq", int64(e.Seq))
		w.ms("rtt_ms", e.RTT)
		w.int("window_id", e.WindowID)
		w.ms("queue_ms", e.Queued)
		w.ms("e2e_ms", e.EndToEnd)
		w.ms("codec_encode_ms", e.Encode)
		w.rssi(e)
	case EventTxFailed:
		w.int("seq", int64(e.Seq))
		w.int("window_id", e.WindowID)
		w.text("reason", e.Reason)
		w.int("attempts", int64(e.Attempt))
	case EventTxDropped:
		w.int("window_id", e.WindowID)
		w.text("reason", e.Reason)
	case EventRxOK:
		w.int("seq", int64(e.Seq))
		w.payload(e)
		w.rssi(e)
		if e.Duplicate {
			w.key("duplicate")
			w.b = append(w.b, "true"...)
		}
	case EventRxParseFail:
		w.text("reason", e.Reason)
	case EventAckSent:
		w.int("ack_seq", int64(e.Seq))
		w.ms("toa_ms_est", e.TimeOnAir)
	case EventReconDone:
		// Only a reader who knows the sent window can tell the errors.
		w.int("seq", int64(e.Seq))
		w.b = append(w.b, `,"mae":null,"mse":null`...)
		w.key("window")
		w.b = append(w.b, '[')
		for i, x := range e.Window {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return dst, fmt.Errorf("link: recon_done: value %d is %v", i, x)
			}
			if i > 0 {
				w.b = append(w.b, ',')
			}
			w.b = strconv.AppendFloat(w.b, x, 'g', -1, 64)
		}
		w.b = append(w.b, ']')
	case EventReconFailed:
		w.int("seq", int64(e.Seq))
		w.text("reason", e.Reason)
	}
	return append(w.b, '}'), nil
}

// lineWriter appends the members of a JSON object.
type lineWriter struct{ b []byte }

func (w *lineWriter) key(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

func (w *lineWriter) int(name string, v int64) {
	w.key(name)
	w.b = strconv.AppendInt(w.b, v, 10)
}

// ms writes milliseconds to the microsecond.
func (w *lineWriter) ms(name string, d time.Duration) {
	w.key(name)
	w.b = strconv.AppendFloat(w.b, ms(d), 'f', -1, 64)
}

func (w *lineWriter) text(name, v string) {
	w.key(name)
	b, err := json.Marshal(v)
	if err != nil { // a string always marshals
		b = []byte(`""`)
	}
	w.b = append(w.b, b...)
}

func (w *lineWriter) rssi(e Event) {
	if e.HasRSSI {
		w.int("rssi_dbm", int64(e.RSSIdBm))
	}
}

func (w *lineWriter) payload(e Event) {
	w.int("payload_bytes", int64(e.PayloadBytes))
	w.int("frame_bytes", int64(e.FrameBytes))
	if len(e.Payload) > 0 {
		w.key("payload")
		w.b = append(hex.AppendEncode(append(w.b, '"'), e.Payload), '"')
	}
}
