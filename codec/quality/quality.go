// Package quality measures the errors of codecs on recorded windows: overall, for each
// sensor group and for each value, in units and relative to the standard deviation. It
// compares them with baselines at equal bytes: the mean, principal components (PCA),
// and for ladders a uniform grid.
//
//	r, err := quality.Compare(ctx, c, test, training, quality.CompareSettings{})
//	r.WriteBaselines(os.Stdout)
//
// Degrees, metres and m/s² cannot be averaged. Evaluation.ZScored can: it has the
// errors divided by the standard deviation of each value over the training windows.
// Its MSE is 0 for a lossless codec, and about 1 for one that sends nothing and decodes
// the mean.
//
// A standard deviation is called deviation where that is clear.
package quality

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// Saturation counts integers in payloads that are the smallest or largest of their
// type.
type Saturation struct {
	Count int     `json:"count"`
	Total int     `json:"total"`
	Rate  float64 `json:"rate"`
}

// Evaluation has the errors of a codec on a set of windows. Its JSON has the keys of the
// reference runtime and more.
type Evaluation struct {
	// Dataset, BAMManifest and Ladder are paths that the caller sets for reports.
	Dataset     string `json:"dataset,omitempty"`
	BAMManifest string `json:"bam_manifest,omitempty"`
	Ladder      string `json:"ladder,omitempty"`
	// Subset, TrainRatio and SplitSeed are set by SetSplit.
	Subset            string   `json:"subset,omitempty"` // all, train or holdout
	TrainRatio        *float64 `json:"train_ratio,omitempty"`
	SplitSeed         *int64   `json:"split_seed,omitempty"` // nil unless the split is by hash
	PayloadSchema     string   `json:"payload_schema"`       // the codec's Schema
	PayloadSchemaHash string   `json:"payload_schema_hash"`  // its SHA-256
	// ExpectedPayloadBytes is the codec's MaxPayloadLen. PayloadBytesSeen are the
	// lengths of the payloads, in ascending order.
	ExpectedPayloadBytes int     `json:"expected_payload_bytes"`
	PayloadBytesSeen     []int   `json:"payload_bytes_seen"`
	MeanPayloadBytes     float64 `json:"mean_payload_bytes"`
	P99PayloadBytes      int     `json:"p99_payload_bytes"` // 99 % of the payloads are at most as long
	Samples              int     `json:"samples"`           // number of windows measured
	// Refused is the number of windows that the codec refused: out of range, beyond
	// the tolerances, or with a code longer than a payload. They are not measured.
	Refused    int        `json:"refused,omitempty"`
	Saturation Saturation `json:"saturation"`
	Overall    Errors     `json:"overall"`
	// ByGroup has the errors of the groups gps, accel, gyro and rpy. It is nil unless
	// a step is a motion sample.
	ByGroup map[string]Errors `json:"by_group,omitempty"`
	ZScored Errors            `json:"zscored"`
	// BySensor has one entry per value of a step, in its unit.
	BySensor []SensorErrors `json:"by_sensor,omitempty"`
	// SplitMethod is hash_window_id or time, and CutTsMs the time at which the latter
	// splits, in ms since 1970. SetSplit sets them.
	SplitMethod string `json:"split_method,omitempty"`
	CutTsMs     *int64 `json:"cut_ts_ms,omitempty"`
	// OverTolerance is nil unless the codec is Bounded or Settings has tolerances.
	OverTolerance *OverTolerance `json:"over_tolerance,omitempty"`
	// Rungs has one entry per rung of a ladder, and is nil for other codecs.
	Rungs []RungShare `json:"rungs,omitempty"`

	tally *Tally
	dims  int
}

// Settings are the settings of Evaluate.
type Settings struct {
	// Schema describes the values of a step. Nil means codec.SensorSchema of the
	// codec; it is an error if that is nil too.
	Schema sensor.Schema
	// Std has the deviation of each value of a window, for ZScored, which leaves out
	// values with a deviation of 0.
	Std []float64
	// Tolerances has the tolerance of each value of a step, for OverTolerance. Nil
	// means those of the codec if it is codec.Bounded.
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

// Evaluate encodes and decodes every window and measures the errors. Windows that the
// codec refuses, with an error that wraps codec.ErrValue, are counted. If the codec is
// codec.Angular, errors of angles are taken modulo 360. When ctx ends it returns the
// context's error.
func Evaluate(ctx context.Context, c codec.Codec, windows iter.Seq2[dataset.Window, error], settings Settings) (*Evaluation, error) {
	s, err := settings.filled(c)
	if err != nil {
		return nil, err
	}
	m := newMeasurement(c, &s)
	for w, err := range until(ctx, windows) {
		if err != nil {
			return nil, err
		}
		if err := m.add(w); err != nil {
			return nil, fmt.Errorf("quality: window %d: %w", w.ID, err)
		}
	}
	return m.evaluation(&s), nil
}

// until yields what windows yields, and the error of ctx when that ends.
func until(ctx context.Context, windows iter.Seq2[dataset.Window, error]) iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		for w, err := range windows {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(w, err) || err != nil {
				return
			}
		}
	}
}

// measurement accumulates what an Evaluation has.
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
	if m.saturating != nil {
		count, total := m.saturating.Saturated(m.payload)
		m.saturation.Count += count
		m.saturation.Total += total
	}
	m.compare(w.Values, m.got)
	return nil
}

// compare adds the errors of a decoded window. It changes angles in got by full turns.
func (m *measurement) compare(want, got []float64) {
	m.over.add(want, got)
	unwrap(want, got, m.angles)
	m.tally.Add(want, got)
	for i, v := range want {
		m.sizes[i%m.dims].Add(v - got[i])
	}
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

// Dims returns the mean errors over the values from to to-1 of every step. For an
// Evaluation that was read from JSON it uses BySensor, and returns zero if that is
// absent.
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
