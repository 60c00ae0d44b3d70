// Package quality measures what a codec makes of recorded windows: errors
// overall and per sensor group, in units and relative to the deviation of the
// data, and the same for the mean and for principal components at equal bytes.
//
// Degrees, metres and m/s² cannot be averaged; Evaluation.ZScored can be read
// as one figure: errors divided by the standard deviation of each value over the training
// windows. Its MSE is 1 for a codec that always answers with the mean (on the
// windows the mean is of), and 0 for one that loses nothing.
package quality

import (
	"errors"
	"fmt"
	"iter"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// Saturation counts the integers of payloads that stand at either end of
// their range.
type Saturation struct {
	Count int     `json:"count"`
	Total int     `json:"total"`
	Rate  float64 `json:"rate"`
}

// Evaluation is how a codec did on a set of windows. Its JSON is that of the
// reference runtime, and zscored and by_sensor besides.
type Evaluation struct {
	Dataset              string   `json:"dataset,omitempty"`
	BAMManifest          string   `json:"bam_manifest,omitempty"`
	Ladder               string   `json:"ladder,omitempty"`
	Subset               string   `json:"subset,omitempty"` // all, train or holdout
	TrainRatio           *float64 `json:"train_ratio,omitempty"`
	SplitSeed            *int64   `json:"split_seed,omitempty"`
	PayloadSchema        string   `json:"payload_schema"`
	PayloadSchemaHash    string   `json:"payload_schema_hash"`
	ExpectedPayloadBytes int      `json:"expected_payload_bytes"`
	PayloadBytesSeen     []int    `json:"payload_bytes_seen"` // distinct lengths, rising
	MeanPayloadBytes     float64  `json:"mean_payload_bytes"`
	P99PayloadBytes      int      `json:"p99_payload_bytes"`
	Samples              int      `json:"samples"`
	// Refused is the number of windows that the codec refused: out of range,
	// beyond the tolerances or with a code longer than a payload. They are not
	// among the samples.
	Refused    int        `json:"refused,omitempty"`
	Saturation Saturation `json:"saturation"`
	Overall    Errors     `json:"overall"`
	// ByGroup is by gps, accel, gyro and rpy; absent where a step is not a
	// motion sample.
	ByGroup map[string]Errors `json:"by_group,omitempty"`
	ZScored Errors            `json:"zscored"`
	// BySensor has one entry a value of a step, in its unit.
	BySensor []SensorErrors `json:"by_sensor,omitempty"`
	// SplitMethod is hash_window_id or time; CutTsMs is where the latter cuts.
	SplitMethod string `json:"split_method,omitempty"`
	CutTsMs     *int64 `json:"cut_ts_ms,omitempty"`
	// OverTolerance is there for ladders, and where Settings has tolerances.
	OverTolerance *OverTolerance `json:"over_tolerance,omitempty"`
	// Rungs has an entry for each rung of a ladder.
	Rungs []RungShare `json:"rungs,omitempty"`

	tally *Tally
	dims  int
}

// Settings say how errors are weighed.
type Settings struct {
	// Schema describes the values of a step; nil: what the codec knows of them
	// (codec.SensorSchema).
	Schema sensor.Schema
	// Std is the deviation of each value, for ZScored. Values whose deviation
	// is 0 are left out there.
	Std []float64
	// Tolerances are the largest errors of each value of a step, for
	// OverTolerance; nil: those of the codec, where it has an error bound.
	Tolerances []float64
}

// filled returns the settings for a codec with the defaults filled in, and checks
// them.
func (s Settings) filled(c codec.Codec) (Settings, error) {
	if s.Schema == nil {
		s.Schema = codec.SensorSchema(c)
	}
	if b, ok := c.(codec.Bounded); ok && s.Tolerances == nil {
		s.Tolerances = b.Tolerances()
	}
	dims, n := len(s.Schema), c.WindowLen()
	if dims < 1 || n%dims != 0 || len(s.Std) != n {
		return s, fmt.Errorf("quality: %d values of a step and %d deviations do not fit windows of %d values", dims, len(s.Std), n)
	}
	if a, ok := c.(codec.Angular); ok && len(a.Angles()) != dims {
		return s, fmt.Errorf("quality: codec %s knows %d values of a step, want %d", c.ID(), len(a.Angles()), dims)
	}
	if s.Tolerances != nil && len(s.Tolerances) != dims {
		return s, fmt.Errorf("quality: %d tolerances, want %d, one for each value of a step", len(s.Tolerances), dims)
	}
	return s, nil
}

// Evaluate encodes and decodes every window and adds up the errors. A window that
// the codec refuses (codec.ErrValue) is counted. Of a codec that knows angles
// (codec.Angular), one that is decoded as another turn of the same is no error.
func Evaluate(c codec.Codec, windows iter.Seq2[dataset.Window, error], settings Settings) (*Evaluation, error) {
	s, err := settings.filled(c)
	if err != nil {
		return nil, err
	}
	m := newMeasurement(c, &s)
	for w, err := range windows {
		if err != nil {
			return nil, err
		}
		if err := m.add(w); err != nil {
			return nil, fmt.Errorf("quality: window %d: %w", w.ID, err)
		}
	}
	return m.evaluation(&s), nil
}

// measurement is what Evaluate gathers.
type measurement struct {
	codec      codec.Codec
	dims       int
	angles     []bool           // that the codec knows; nil: none
	saturating codec.Saturating // the codec; nil where it is not
	tally      *Tally
	sizes      []errorSizes // of each value of a step
	lengths    payloads
	over       *overTally
	refused    int
	saturation Saturation

	payload []byte
	got     []float64
}

func newMeasurement(c codec.Codec, s *Settings) *measurement {
	m := &measurement{
		codec: c, dims: len(s.Schema), tally: NewTally(c.WindowLen()),
		sizes: make([]errorSizes, len(s.Schema)), lengths: make(payloads, c.MaxPayloadLen()+1),
	}
	angles := s.Schema.Angles()
	if a, ok := c.(codec.Angular); ok {
		m.angles = a.Angles()
		angles = m.angles
	}
	m.over = newOverTally(s.Tolerances, angles)
	m.saturating, _ = c.(codec.Saturating)
	return m
}

// add encodes and decodes one window.
func (m *measurement) add(w dataset.Window) (err error) {
	m.payload, err = m.codec.AppendEncode(m.payload[:0], w.Values)
	if errors.Is(err, codec.ErrValue) {
		m.refused++
		return nil
	}
	if err != nil {
		return err
	}
	if m.got, err = m.codec.AppendDecode(m.got[:0], m.payload); err != nil {
		return err
	}
	if len(m.payload) >= len(m.lengths) || len(m.got) != len(w.Values) {
		return fmt.Errorf("codec %s made %d bytes and %d values, want at most %d bytes and %d values", m.codec.ID(), len(m.payload), len(m.got), len(m.lengths)-1, len(w.Values))
	}
	m.lengths[len(m.payload)]++
	m.over.add(w.Values, m.got)
	unwrap(w.Values, m.got, m.angles)
	if m.saturating != nil {
		count, total := m.saturating.Saturated(m.payload)
		m.saturation.Count += count
		m.saturation.Total += total
	}
	m.tally.Add(w.Values, m.got)
	for i, v := range w.Values {
		m.sizes[i%m.dims].Add(v - m.got[i])
	}
	return nil
}

func (m *measurement) evaluation(s *Settings) *Evaluation {
	c := m.codec
	if m.saturation.Total > 0 {
		m.saturation.Rate = float64(m.saturation.Count) / float64(m.saturation.Total)
	}
	e := &Evaluation{
		PayloadSchema: c.Schema(), PayloadSchemaHash: artifacts.SchemaHash(c.Schema()),
		ExpectedPayloadBytes: c.MaxPayloadLen(), PayloadBytesSeen: m.lengths.seen(),
		MeanPayloadBytes: m.lengths.mean(), P99PayloadBytes: m.lengths.quantile(0.99),
		Samples: m.tally.windows, Refused: m.refused, Saturation: m.saturation,
		Overall: m.tally.Overall(), ZScored: m.tally.Scaled(s.Std), BySensor: bySensor(m.tally, m.sizes, s.Schema),
		OverTolerance: m.over.result(c.WindowLen()), Rungs: rungShares(c, m.lengths),
		tally: m.tally, dims: m.dims,
	}
	if s.Schema.IsMotion() {
		e.ByGroup = map[string]Errors{}
		for _, g := range s.Schema.Groups() {
			e.ByGroup[g.Name] = e.Dims(g.From, g.To)
		}
	}
	return e
}

// Dims is the mean error over the values from..to-1 of every step. Of an
// Evaluation that was read from JSON it is the mean over BySensor, and zero where
// that is absent.
func (e *Evaluation) Dims(from, to int) Errors {
	if e.tally != nil {
		return e.tally.Dims(e.dims, from, to)
	}
	var sum Errors
	if from < 0 || to > len(e.BySensor) || from >= to {
		return sum
	}
	for _, s := range e.BySensor[from:to] {
		sum.MAE += s.MAE / float64(to-from)
		sum.MSE += s.MSE / float64(to-from)
	}
	return sum
}
