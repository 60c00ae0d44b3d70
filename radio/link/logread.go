package link

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"time"
)

// maxLogLine caps a line of a log, in bytes.
const maxLogLine = 1 << 20

// What can be wrong with a log's line.
var (
	ErrTornLine = errors.New("line is torn: the writer was killed")
	ErrNoEvent  = errors.New("no event")
)

// LogError is a line that is no event.
type LogError struct {
	Line int // from 1
	Err  error
}

func (e *LogError) Error() string { return fmt.Sprintf("link: line %d: %v", e.Line, e.Err) }
func (e *LogError) Unwrap() error { return e.Err }

// Logged is an event and the header of its line.
type Logged struct {
	LogHeader
	Event
}

// Events yields the events of a log in one pass. A line that is no event yields
// a *LogError and the pass goes on: the last line may match ErrTornLine, others
// ErrNoEvent. An error of reading ends the pass. Blank lines are skipped, and so
// are events of unknown kind, but for their header, time and kind.
func Events(r io.Reader) iter.Seq2[Logged, error] {
	return func(yield func(Logged, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		var line []byte
		for n := 1; ; n++ {
			var whole, tooLong bool
			var err error
			line, whole, tooLong, err = readLine(in, line[:0])
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Logged{}, fmt.Errorf("link: %w", err))
				return
			}
			if blank(line) && !tooLong {
				if err != nil {
					return
				}
				continue
			}
			e, bad := parseEvent(line)
			switch {
			case tooLong:
				bad = fmt.Errorf("%w: longer than %d bytes", ErrNoEvent, maxLogLine)
			case bad != nil && !whole:
				bad = ErrTornLine
			}
			if bad != nil {
				if !yield(Logged{}, &LogError{Line: n, Err: bad}) {
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

// readLine appends a line to dst without its end. What is beyond maxLogLine is
// read and not kept.
func readLine(in *bufio.Reader, dst []byte) (line []byte, whole, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(dst)+len(part) > maxLogLine {
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

// logLine is an event as JSON. Numbers that a log may give with a fraction are
// floats.
type logLine struct {
	LogHeader
	TsMs         *float64  `json:"ts_ms"`
	Kind         EventKind `json:"event"`
	WindowID     int64     `json:"window_id"`
	Seq          uint8     `json:"seq"`
	AckSeq       uint8     `json:"ack_seq"`
	Payload      string    `json:"payload"`
	PayloadBytes uint8     `json:"payload_bytes"`
	FrameBytes   uint8     `json:"frame_bytes"`
	ToAMs        msValue   `json:"toa_ms_est"`
	GuardMs      msValue   `json:"guard_ms"`
	AckTimeoutMs msValue   `json:"ack_timeout_ms"`
	Attempt      int32     `json:"attempt"`
	Attempts     int32     `json:"attempts"`
	AgeMs        msValue   `json:"age_ms"`
	EncodeMs     msValue   `json:"codec_encode_ms"`
	SensorTsMs   float64   `json:"sensor_ts_ms"`
	RTTMs        msValue   `json:"rtt_ms"`
	QueueMs      msValue   `json:"queue_ms"`
	E2EMs        msValue   `json:"e2e_ms"`
	RSSIdBm      *float64  `json:"rssi_dbm"`
	Duplicate    bool      `json:"duplicate"`
	Reason       string    `json:"reason"`
	Window       []float64 `json:"window"`

	RunSpec             json.RawMessage `json:"runspec"`
	ArtifactsManifest   *string         `json:"artifacts_manifest"`
	ManifestFingerprint *string         `json:"manifest_fingerprint"`
	ModelHash           *string         `json:"model_hash"`
}

// msValue is a duration in milliseconds; null and absent are 0.
type msValue float64

func (m msValue) duration() time.Duration {
	return time.Duration(math.Round(float64(m)*1000)) * time.Microsecond
}

// maxLogMs bounds times of a log, in ms: a duration holds 292 years.
const maxLogMs = 9e12

func parseEvent(line []byte) (Logged, error) {
	var l logLine
	if err := json.Unmarshal(line, &l); err != nil {
		return Logged{}, fmt.Errorf("%w: %w", ErrNoEvent, err)
	}
	if l.TsMs == nil || l.Kind == "" {
		return Logged{}, fmt.Errorf("%w: want ts_ms and event", ErrNoEvent)
	}
	for _, v := range []float64{*l.TsMs, l.SensorTsMs, float64(l.ToAMs), float64(l.GuardMs), float64(l.AckTimeoutMs), float64(l.AgeMs),
		float64(l.EncodeMs), float64(l.RTTMs), float64(l.QueueMs), float64(l.E2EMs)} {
		if math.Abs(v) > maxLogMs {
			return Logged{}, fmt.Errorf("%w: a time of %g ms", ErrNoEvent, v)
		}
	}
	payload, err := hex.DecodeString(l.Payload)
	if err != nil {
		return Logged{}, fmt.Errorf("%w: payload: %w", ErrNoEvent, err)
	}
	e := Event{
		Kind: l.Kind, At: time.UnixMilli(int64(*l.TsMs)).UTC(), Seq: l.Seq, WindowID: l.WindowID, SensorMs: int64(l.SensorTsMs),
		Attempt: int(l.Attempt), FrameBytes: int(l.FrameBytes), PayloadBytes: int(l.PayloadBytes), Payload: payload,
		TimeOnAir: l.ToAMs.duration(), Guard: l.GuardMs.duration(), AckTimeout: l.AckTimeoutMs.duration(),
		Encode: l.EncodeMs.duration(), Age: l.AgeMs.duration(), Queued: l.QueueMs.duration(), RTT: l.RTTMs.duration(),
		EndToEnd: l.E2EMs.duration(), Duplicate: l.Duplicate, Reason: l.Reason, Window: l.Window,
	}
	switch l.Kind {
	case EventAckReceived, EventAckSent:
		e.Seq = l.AckSeq
	case EventTxFailed:
		e.Attempt = int(l.Attempts)
	case EventRunStart:
		e.Start = &RunStart{ArtifactsManifest: l.ArtifactsManifest, ManifestFingerprint: l.ManifestFingerprint, ModelHash: l.ModelHash}
		if l.RunSpec != nil && string(l.RunSpec) != "null" {
			e.Start.RunSpec = l.RunSpec
		}
	}
	if l.RSSIdBm != nil && math.Abs(*l.RSSIdBm) < 1000 {
		e.RSSIdBm, e.HasRSSI = int(*l.RSSIdBm), true
	}
	return Logged{l.LogHeader, e}, nil
}
