package runlog

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// Header holds the fields that every line of a log repeats.
type Header struct {
	RunID string    `json:"run_id"`
	Role  link.Role `json:"role"`
	Mode  string    `json:"mode"`   // RAW or LATENT, as in the RunSpec: whether the receiver decodes payloads
	PHYID string    `json:"phy_id"` // radio.PHY.ID
}

// FileName returns the name of the log in its folder: <run_id>_<role>.jsonl.
func (h Header) FileName() string { return h.RunID + "_" + string(h.Role) + ".jsonl" }

// EventRunStart is the kind of the first event of a run. A [Writer] writes it, see
// Writer.Start; the state machines of radio/link do not. [Entry].Start has its fields.
const EventRunStart link.EventKind = "run_start"

// Start holds the fields of an [EventRunStart]. A nil field becomes null in the log,
// except ModelHash, which is then omitted.
type Start struct {
	RunSpec             any     `json:"runspec"`              // read from a log: a json.RawMessage
	ArtifactsManifest   *string `json:"artifacts_manifest"`   // path of the model's artifacts.json
	ManifestFingerprint *string `json:"manifest_fingerprint"` // fingerprint in the artifacts.json
	ModelHash           *string `json:"model_hash,omitempty"` // hash of the codec's model
	// Manifest is the content of the artifacts.json, which the reference logs instead of
	// its path. If it is not nil, it is logged in place of ArtifactsManifest.
	Manifest json.RawMessage `json:"-"`
}

// Entry is one line of a log.
type Entry struct {
	Header
	link.Event
	Start *Start // nil unless Kind is EventRunStart
	// MAE and MSE are the errors that a recon_done event states. nil if it states none,
	// as always in logs of package radio/endpoint, whose receiver does not know the
	// window that was sent.
	MAE, MSE *float64
}

// AppendJSON appends the entry to dst as one line of the log, line end included, and
// returns the extended slice. If JSON cannot hold a value, it returns dst unchanged
// and an error.
func (e Entry) AppendJSON(dst []byte) ([]byte, error) {
	w := lineWriter{b: append(dst, '{')}
	w.int("ts_ms", e.Time.UnixMilli())
	w.text("run_id", e.RunID)
	w.text("event", string(e.Kind))
	w.text("role", string(e.Role))
	w.text("mode", e.Mode)
	w.text("phy_id", e.PHYID)
	if err := w.fields(&e); err != nil {
		return dst, fmt.Errorf("runlog: %s: %w", e.Kind, err)
	}
	return append(w.b, '}', '\n'), nil
}

// fields appends the members that depend on the kind of the event.
func (w *lineWriter) fields(e *Entry) error {
	switch e.Kind {
	case EventRunStart:
		return w.start(e.Start)
	case link.EventTxSent:
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
		if len(e.Bounds) > 0 {
			return w.values("bounds", e.Bounds)
		}
	case link.EventAckReceived:
		w.int("ack_seq", int64(e.Seq))
		w.ms("rtt_ms", e.RTT)
		w.int("window_id", e.WindowID)
		w.ms("queue_ms", e.Queued)
		w.ms("e2e_ms", e.EndToEnd)
		w.ms("codec_encode_ms", e.Encode)
		w.rssi(e)
	case link.EventTxFailed:
		w.int("seq", int64(e.Seq))
		w.int("window_id", e.WindowID)
		w.text("reason", e.Reason)
		w.int("attempts", int64(e.Attempt))
	case link.EventTxDropped:
		w.int("window_id", e.WindowID)
		w.text("reason", e.Reason)
	case link.EventRxOK:
		w.int("seq", int64(e.Seq))
		w.payload(e)
		w.rssi(e)
		if e.Duplicate {
			w.key("duplicate")
			w.b = append(w.b, "true"...)
		}
	case link.EventRxParseFail:
		w.text("reason", e.Reason)
		if e.Omitted > 0 {
			w.int("omitted", int64(e.Omitted))
		}
	case link.EventAckSent:
		w.int("ack_seq", int64(e.Seq))
		w.ms("toa_ms_est", e.TimeOnAir)
	case link.EventReconDone:
		w.int("seq", int64(e.Seq))
		w.number("mae", e.MAE)
		w.number("mse", e.MSE)
		if err := w.values("window", e.Window); err != nil || len(e.Bounds) == 0 {
			return err
		}
		return w.values("bounds", e.Bounds)
	case link.EventReconFailed, link.EventRxConflict, link.EventRxInterleaved:
		w.int("seq", int64(e.Seq))
		w.text("reason", e.Reason)
	}
	return nil
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

// number writes null for nil and for a number that JSON cannot hold.
func (w *lineWriter) number(name string, v *float64) {
	w.key(name)
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		w.b = append(w.b, "null"...)
		return
	}
	w.b = strconv.AppendFloat(w.b, *v, 'g', -1, 64)
}

func (w *lineWriter) text(name, v string) {
	w.key(name)
	b, err := json.Marshal(v)
	if err != nil { // a string always marshals
		b = []byte(`""`)
	}
	w.b = append(w.b, b...)
}

func (w *lineWriter) rssi(e *Entry) {
	if e.HasRSSI {
		w.int("rssi_dbm", int64(e.RSSIdBm))
	}
}

func (w *lineWriter) payload(e *Entry) {
	w.int("payload_bytes", int64(e.PayloadBytes))
	w.int("frame_bytes", int64(e.FrameBytes))
	if len(e.Payload) > 0 {
		w.key("payload")
		w.b = append(hex.AppendEncode(append(w.b, '"'), e.Payload), '"')
	}
}

func (w *lineWriter) values(name string, values []float64) error {
	w.key(name)
	w.b = append(w.b, '[')
	for i, x := range values {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("value %d is %v, want a finite number", i, x)
		}
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = strconv.AppendFloat(w.b, x, 'g', -1, 64)
	}
	w.b = append(w.b, ']')
	return nil
}

func (w *lineWriter) start(s *Start) error {
	if s == nil {
		return nil
	}
	var v any = s
	if s.Manifest != nil {
		v = struct {
			RunSpec             any             `json:"runspec"`
			ArtifactsManifest   json.RawMessage `json:"artifacts_manifest"`
			ManifestFingerprint *string         `json:"manifest_fingerprint"`
			ModelHash           *string         `json:"model_hash,omitempty"`
		}{s.RunSpec, s.Manifest, s.ManifestFingerprint, s.ModelHash}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.b = append(append(w.b, ','), b[1:len(b)-1]...)
	return nil
}
