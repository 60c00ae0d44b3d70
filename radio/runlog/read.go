package runlog

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// maxLine is the largest length of a line of a log, in bytes.
const maxLine = 1 << 20

// The faults of a line of a log, for errors.Is. They come wrapped in an [*Error].
var (
	// ErrIncompleteLine reports a last line that is incomplete, because its writer was
	// stopped.
	ErrIncompleteLine = errors.New("incomplete last line: its writer was stopped")
	// ErrNotEvent reports a line that is not an event.
	ErrNotEvent = errors.New("not an event")
)

// Error reports a fault of a log or of a power record. Sentinels that an Error wraps
// have no prefix of their own, because Error begins with one.
type Error struct {
	File string // as given to the function that read it
	Line int    // from 1; 0: the file as a whole
	Err  error
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("runlog: %s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("runlog: %s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// OpenEntries yields the entries of the log at path, in file order. Each iteration
// over the sequence opens the file anew. See [ReadEntries] for errors.
func OpenEntries(path string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(Entry{}, fmt.Errorf("runlog: %w", err))
			return
		}
		defer f.Close()
		ReadEntries(f, path)(yield)
	}
}

// ReadEntries yields the entries of the log in r. The sequence can be iterated once.
// Errors are an [*Error] with that file name.
//
// A line that is not an event yields an error that wraps [ErrNotEvent] or, if it is
// the last line and incomplete, [ErrIncompleteLine]; the iteration continues. An error of
// reading ends it. Blank lines are skipped. If the kind of an event is unknown, only
// its header, time and kind are meaningful.
func ReadEntries(r io.Reader, file string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		buf := bufio.NewReaderSize(r, 64<<10)
		var line []byte
		for n := 1; ; n++ {
			var complete, tooLong bool
			var err error
			line, complete, tooLong, err = readLine(buf, line[:0])
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Entry{}, &Error{File: file, Line: n, Err: err})
				return
			}
			if blank(line) && !tooLong {
				if err != nil {
					return
				}
				continue
			}
			e, bad := parseEntry(line)
			switch {
			case tooLong:
				bad = notEvent("more than %d bytes", maxLine)
			case bad != nil && !complete:
				bad = ErrIncompleteLine
			}
			if bad != nil {
				if !yield(Entry{}, &Error{File: file, Line: n, Err: bad}) {
					return
				}
			} else if !yield(e, nil) {
				return
			}
			if err != nil {
				return
			}
		}
	}
}

// readLine appends a line to dst, with its line end unless the file ends first. Bytes
// beyond maxLine are read and dropped.
func readLine(buf *bufio.Reader, dst []byte) (line []byte, complete, tooLong bool, err error) {
	for {
		part, err := buf.ReadSlice('\n')
		if len(dst)+len(part) > maxLine {
			tooLong = true
		} else {
			dst = append(dst, part...)
		}
		switch {
		case err == nil:
			return dst, true, tooLong, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return dst, false, tooLong, err
		}
	}
}

func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// jsonLine is an entry as JSON. Numbers that another program may write with a
// fraction are floats.
type jsonLine struct {
	Header
	TsMs         *float64       `json:"ts_ms"`
	Kind         link.EventKind `json:"event"`
	WindowID     int64          `json:"window_id"`
	Seq          uint8          `json:"seq"`
	AckSeq       uint8          `json:"ack_seq"`
	Payload      string         `json:"payload"`
	PayloadBytes uint8          `json:"payload_bytes"`
	FrameBytes   uint8          `json:"frame_bytes"`
	ToAMs        msValue        `json:"toa_ms_est"`
	GuardMs      msValue        `json:"guard_ms"`
	AckTimeoutMs msValue        `json:"ack_timeout_ms"`
	Attempt      int32          `json:"attempt"`
	Attempts     int32          `json:"attempts"`
	AgeMs        msValue        `json:"age_ms"`
	EncodeMs     msValue        `json:"codec_encode_ms"`
	SensorTsMs   float64        `json:"sensor_ts_ms"`
	RTTMs        msValue        `json:"rtt_ms"`
	QueueMs      msValue        `json:"queue_ms"`
	E2EMs        msValue        `json:"e2e_ms"`
	RSSIdBm      *float64       `json:"rssi_dbm"`
	Duplicate    bool           `json:"duplicate"`
	Omitted      uint32         `json:"omitted"`
	Reason       string         `json:"reason"`
	Window       []float64      `json:"window"`
	Bounds       []float64      `json:"bounds"`

	RunSpec             json.RawMessage `json:"runspec"`
	MAE                 *float64        `json:"mae"`
	MSE                 *float64        `json:"mse"`
	ArtifactsManifest   json.RawMessage `json:"artifacts_manifest"`
	ManifestFingerprint *string         `json:"manifest_fingerprint"`
	ModelHash           *string         `json:"model_hash"`
}

// msValue is a duration in milliseconds; 0 if it is null or absent.
type msValue float64

func (m msValue) duration() time.Duration {
	return time.Duration(math.Round(float64(m) * float64(time.Millisecond)))
}

// maxMs is the largest time in a log, in ms. A time.Duration holds 292 years.
const maxMs = 9e12

// lineError is an ErrNotEvent whose text says what was found instead.
type lineError struct{ found string }

func notEvent(format string, args ...any) error { return &lineError{fmt.Sprintf(format, args...)} }

func (e *lineError) Error() string { return "found " + e.found + ", want a JSON event" }

// Unwrap returns ErrNotEvent.
func (e *lineError) Unwrap() error { return ErrNotEvent }

// foundLine describes a line that JSON could not parse as an event.
func foundLine(line []byte, err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return "a " + wrong.Value + " as " + wrong.Field
	}
	return strconv.Quote(clip(string(bytes.TrimSpace(line))))
}

// clip shortens a text for an error.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

func parseEntry(line []byte) (Entry, error) {
	var l jsonLine
	if err := json.Unmarshal(line, &l); err != nil {
		return Entry{}, notEvent("%s", foundLine(line, err))
	}
	if l.TsMs == nil || l.Kind == "" {
		return Entry{}, notEvent("a JSON object without ts_ms or event")
	}
	for _, v := range []float64{*l.TsMs, l.SensorTsMs, float64(l.ToAMs), float64(l.GuardMs), float64(l.AckTimeoutMs), float64(l.AgeMs),
		float64(l.EncodeMs), float64(l.RTTMs), float64(l.QueueMs), float64(l.E2EMs)} {
		if math.Abs(v) > maxMs {
			return Entry{}, notEvent("a time of %g ms", v)
		}
	}
	payload, err := hex.DecodeString(l.Payload)
	if err != nil {
		return Entry{}, notEvent("payload %q", clip(l.Payload))
	}
	e := Entry{Header: l.Header, Event: link.Event{
		Kind: l.Kind, Time: time.UnixMilli(int64(*l.TsMs)).UTC(), Seq: l.Seq, WindowID: l.WindowID, SensorMs: int64(l.SensorTsMs),
		Attempt: int(l.Attempt), FrameBytes: int(l.FrameBytes), PayloadBytes: int(l.PayloadBytes), Payload: payload,
		TimeOnAir: l.ToAMs.duration(), Guard: l.GuardMs.duration(), AckTimeout: l.AckTimeoutMs.duration(),
		Encode: l.EncodeMs.duration(), Age: l.AgeMs.duration(), Queued: l.QueueMs.duration(), RTT: l.RTTMs.duration(),
		EndToEnd: l.E2EMs.duration(), Duplicate: l.Duplicate, Omitted: int(l.Omitted), Reason: l.Reason, Window: l.Window, Bounds: l.Bounds,
	}}
	switch l.Kind {
	case link.EventAckReceived, link.EventAckSent:
		e.Seq = l.AckSeq
	case link.EventTxFailed:
		e.Attempt = int(l.Attempts)
	case link.EventReconDone:
		e.MAE, e.MSE = l.MAE, l.MSE
	case EventRunStart:
		e.Start = &Start{ManifestFingerprint: l.ManifestFingerprint, ModelHash: l.ModelHash}
		switch manifest := l.ArtifactsManifest; {
		case len(manifest) == 0 || string(manifest) == "null":
		case manifest[0] == '{':
			e.Start.Manifest = manifest
		default:
			if json.Unmarshal(manifest, &e.Start.ArtifactsManifest) != nil {
				return Entry{}, notEvent("%s as artifacts_manifest", clip(string(manifest)))
			}
		}
		if l.RunSpec != nil && string(l.RunSpec) != "null" {
			e.Start.RunSpec = l.RunSpec
		}
	}
	if l.RSSIdBm != nil && math.Abs(*l.RSSIdBm) < 1000 {
		e.RSSIdBm, e.HasRSSI = int(*l.RSSIdBm), true
	}
	return e, nil
}
