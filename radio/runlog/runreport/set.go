package runreport

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/table"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
)

// ErrReport is wrapped by errors about files of metrics, reports and energy records
// that cannot be used.
var ErrReport = errors.New("runreport: unusable file")

// Set is a report on several runs, in the order in which their logs name them. Its
// JSON is an object from run_id to [SetRun], as in the reference's phase 3 report.
type Set struct {
	Runs []*SetRun
}

// SetRun is one run in a [Set]: all entries with its run_id.
type SetRun struct {
	RunID   string      `json:"-"`
	Roles   []link.Role `json:"-"` // of the entries, sorted: rx, tx or both; nil if the set was read from JSON
	Metrics Metrics     `json:"metrics"`
	// Schema describes the payloads. nil if the log has no RunSpec, or if its codec
	// needs a model.
	Schema *string `json:"payload_schema"`
	// SchemaHash is the SHA-256 of the schema, in hex. If Schema is nil, it is that in
	// the artifacts.json that the log holds; nil if it holds none.
	SchemaHash *string `json:"payload_schema_hash"`
	// Reconstruction is nil as in [Run].
	Reconstruction *Reconstruction `json:"reconstruction,omitempty"`

	RunSpec  json.RawMessage `json:"-"` // of the first run_start; nil if there is none
	Mode     string          `json:"-"` // see runlog.Header
	BadLines int             `json:"-"` // lines of its logs that are not an event

	meter *meter
}

// OpenLogs reads logs, of one run or of several, and reports on each run_id in them.
// It counts and skips lines that are not an event. If settings.Dataset is set, it
// compares the decoded windows with those of the data set; the sender's and the
// receiver's entries then have the same run_id, or the same but for the endings _tx and
// _rx. If the data set has windows of the run's run_id, only those count. Settings may
// be nil.
func OpenLogs(paths []string, settings *Settings) (*Set, error) {
	if settings == nil {
		settings = &Settings{}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%w: found no log, want the path of one", ErrSettings)
	}
	s := new(Set)
	matchers := map[string]*runlog.Matcher{}
	for _, path := range paths {
		if err := s.addLog(path, settings, matchers); err != nil {
			return nil, err
		}
	}
	if settings.Dataset != "" {
		if err := s.reconstruct(settings, matchers); err != nil {
			return nil, err
		}
	}
	for _, r := range s.Runs {
		r.Metrics, r.meter = r.meter.metrics(), nil
	}
	return s, nil
}

// addLog adds the entries of a log to the meters of its runs.
func (s *Set) addLog(path string, settings *Settings, matchers map[string]*runlog.Matcher) error {
	var first error // about a line
	bad := 0
	var run *SetRun
	for e, err := range runlog.OpenEntries(path) {
		if errors.Is(err, runlog.ErrNotEvent) || errors.Is(err, runlog.ErrIncompleteLine) {
			if bad++; first == nil {
				first = err
			}
			continue
		}
		if err != nil {
			return err
		}
		if run == nil || run.RunID != e.RunID {
			run = s.add(e.RunID)
		}
		if !slices.Contains(run.Roles, e.Role) {
			run.Roles = append(run.Roles, e.Role)
			slices.Sort(run.Roles)
		}
		run.start(&e)
		run.meter.add(&e)
		if settings.Dataset != "" {
			key := pairID(e.RunID, e.Role)
			if matchers[key] == nil {
				matchers[key] = new(runlog.Matcher)
			}
			matchers[key].Add(e)
		}
		if settings.OnEntry != nil {
			settings.OnEntry(e)
		}
	}
	switch {
	case run == nil && first != nil:
		return fmt.Errorf("%w; %w", &runlog.Error{File: path, Err: runlog.ErrNoEvents}, first)
	case run == nil:
		return &runlog.Error{File: path, Err: runlog.ErrNoEvents}
	case first != nil && settings.Warn != nil:
		settings.Warn(first)
	}
	run.BadLines += bad
	return nil
}

// add returns the run of that id, which it appends if it is new.
func (s *Set) add(id string) *SetRun {
	if r := s.Run(id); r != nil {
		return r
	}
	r := &SetRun{RunID: id, meter: newMeter()}
	s.Runs = append(s.Runs, r)
	return r
}

// Run returns the run of that run_id, or nil.
func (s *Set) Run(id string) *SetRun {
	for _, r := range s.Runs {
		if r.RunID == id {
			return r
		}
	}
	return nil
}

// pairID returns what the run_ids of both ends of a run have in common.
func pairID(runID string, role link.Role) string { return strings.TrimSuffix(runID, "_"+string(role)) }

// start takes the RunSpec and the schema from the run's first run_start.
func (r *SetRun) start(e *runlog.Entry) {
	if r.Mode == "" {
		r.Mode = e.Mode
	}
	if e.Start == nil || r.RunSpec != nil {
		return
	}
	if spec, ok := e.Start.RunSpec.(json.RawMessage); ok {
		r.RunSpec = bytes.Clone(spec)
		if schema := schemaOf(spec); schema != "" {
			sum := sha256.Sum256([]byte(schema))
			hash := hex.EncodeToString(sum[:])
			r.Schema, r.SchemaHash = &schema, &hash
		}
	}
	if r.SchemaHash == nil && e.Start.Manifest != nil {
		var manifest struct {
			SchemaHash *string `json:"payload_schema_hash"`
		}
		if json.Unmarshal(e.Start.Manifest, &manifest) == nil {
			r.SchemaHash = manifest.SchemaHash
		}
	}
}

// schemaOf returns the schema of a RunSpec's codec, or "" if the codec cannot be built
// without files.
func schemaOf(runSpec json.RawMessage) string {
	var spec struct {
		Window struct{ Dims, W, Stride int }
		Codec  struct {
			ID, Version string
			Params      map[string]any
		}
	}
	if json.Unmarshal(runSpec, &spec) != nil {
		return ""
	}
	params, err := codec.ParseParams(spec.Codec.Params)
	if err != nil || params.ManifestPath+params.GridPath+params.EntropyGridPath+params.LadderPath != "" {
		return ""
	}
	c, err := codec.New(codec.Spec{ID: spec.Codec.ID, Version: spec.Codec.Version, Params: params,
		Window: sensor.Shape{Dims: spec.Window.Dims, W: spec.Window.W, Stride: spec.Window.Stride}})
	if err != nil {
		return ""
	}
	return c.Schema()
}

// reconstruct adds the errors of the decoded windows to the runs of receivers.
func (s *Set) reconstruct(settings *Settings, matchers map[string]*runlog.Matcher) error {
	known := map[string]bool{} // run_ids of the data set
	for w, err := range dataset.SkipIncomplete(openWindows(settings.Dataset), nil) {
		if err != nil {
			return err
		}
		if len(known) < maxRunIDs {
			known[w.RunID] = true
		}
	}
	for _, r := range s.Runs {
		if !slices.Contains(r.Roles, link.RoleRX) {
			continue
		}
		id := pairID(r.RunID, link.RoleRX)
		only := ""
		for _, name := range []string{id, id + "_tx", r.RunID} {
			if known[name] {
				only = name
				break
			}
		}
		var err error
		m := r.meter
		m.mae, m.mse = nil, nil
		r.Reconstruction, err = settings.reconstruction(matchers[id], only, func(mae, mse float64) {
			m.mae, m.mse = append(m.mae, mae), append(m.mse, mse)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// maxRunIDs is how many run_ids of a data set are kept.
const maxRunIDs = 100_000

// MarshalJSON writes an object from run_id to SetRun, in order.
func (s *Set) MarshalJSON() ([]byte, error) {
	return marshalRuns(s.Runs, func(r *SetRun) any { return r })
}

// MetricsJSON returns what marshals to an object from run_id to [Metrics], as the
// reference's metrics are.
func (s *Set) MetricsJSON() json.Marshaler { return metricsOf{s} }

type metricsOf struct{ set *Set }

func (m metricsOf) MarshalJSON() ([]byte, error) {
	return marshalRuns(m.set.Runs, func(r *SetRun) any { return r.Metrics })
}

// marshalRuns writes an object from run_id to the value of each run.
func marshalRuns(runs []*SetRun, value func(*SetRun) any) ([]byte, error) {
	b := []byte{'{'}
	for i, r := range runs {
		key, err := json.Marshal(r.RunID)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(value(r))
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, key...), ':'), v...)
	}
	return append(b, '}'), nil
}

// maxReport is the largest size of a report in bytes.
const maxReport = 64 << 20

// OpenSet reads a file that [Set.MarshalJSON] or [Set.MetricsJSON] wrote, or the
// reference. Errors wrap [ErrReport].
func OpenSet(path string) (*Set, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("runreport: %w", err)
	}
	defer f.Close()
	return ReadSet(f, path)
}

// ReadSet does the same as [OpenSet] for a reader. File is the name for errors.
func ReadSet(r io.Reader, file string) (*Set, error) {
	data, err := readAll(r, file)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, unusable(file, "found no JSON object, want metrics or a phase 3 report: an object from run_id to figures")
	}
	s := new(Set)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, unusable(file, "%w", err)
		}
		id, _ := key.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, unusable(file, "%s: %w", id, err)
		}
		run, err := parseSetRun(id, value)
		if err != nil {
			return nil, unusable(file, "%w", err)
		}
		s.Runs = append(s.Runs, run)
	}
	if _, err := d.Token(); err != nil {
		return nil, unusable(file, "%w", err)
	}
	if len(s.Runs) == 0 {
		return nil, unusable(file, "found no runs, want metrics or a phase 3 report")
	}
	return s, nil
}

// parseSetRun parses a run's value: a SetRun, or Metrics alone.
func parseSetRun(id string, value json.RawMessage) (*SetRun, error) {
	var probe struct {
		Metrics json.RawMessage `json:"metrics"`
		Sent    *int            `json:"sent_count"`
	}
	run := &SetRun{RunID: id}
	err := json.Unmarshal(value, &probe)
	switch {
	case err != nil || probe.Metrics == nil && probe.Sent == nil:
		return nil, fmt.Errorf("%q: found no sent_count, want metrics or a phase 3 report: an object from run_id to figures", id)
	case probe.Metrics != nil:
		err = json.Unmarshal(value, run)
	default:
		err = json.Unmarshal(value, &run.Metrics)
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", id, err)
	}
	return run, nil
}

// readAll reads a file of at most maxReport bytes.
func readAll(r io.Reader, file string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	if err != nil {
		return nil, fmt.Errorf("runreport: %s: %w", file, err)
	}
	if len(data) > maxReport {
		return nil, unusable(file, "found more than %d bytes, want fewer", maxReport)
	}
	return data, nil
}

// unusable is an error about a file that wraps ErrReport.
func unusable(file, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %w", ErrReport, file, fmt.Errorf(format, args...))
}

// WriteTable writes the runs side by side.
func (s *Set) WriteTable(w io.Writer) {
	t := table.NewColumns(s.Runs...)
	count := func(name string, get func(*Metrics) int) {
		t.Row(name, func(r *SetRun) string { return fmt.Sprint(get(&r.Metrics)) })
	}
	figure := func(name string, get func(*Metrics) *Distribution, of func(*Distribution) float64, unit string) {
		t.Row(name, func(r *SetRun) string {
			d := get(&r.Metrics)
			if d == nil {
				return "-"
			}
			return table.Digits(of(d)) + unit
		})
	}
	mean := func(d *Distribution) float64 { return d.Mean }
	p50 := func(d *Distribution) float64 { return d.P50 }
	t.Row("", func(r *SetRun) string { return r.RunID })
	t.Row("windows sent", func(r *SetRun) string { return optional(r.Metrics.Windows) })
	t.Row("  acknowledged", func(r *SetRun) string { return optional(r.Metrics.Delivered) })
	count("  given up", func(m *Metrics) int { return m.Failed })
	count("frames sent", func(m *Metrics) int { return m.Sent })
	count("  retries", func(m *Metrics) int { return m.Retries })
	count("frames received", func(m *Metrics) int { return m.RxOK })
	count("ACKs sent", func(m *Metrics) int { return m.AcksSent })
	t.Row("PDR", func(r *SetRun) string { return fmt.Sprintf("%.4f", r.Metrics.PDR) })
	t.Row("ETX", func(r *SetRun) string { return fmt.Sprintf("%.3f", r.Metrics.ETX) })
	figure("payload, mean", func(m *Metrics) *Distribution { return m.PayloadBytes }, mean, " B")
	t.Row("time on air, estimated", func(r *SetRun) string { return fmt.Sprintf("%.3f s", r.Metrics.TimeOnAirMs/1000) })
	figure("offering to ACK, median", func(m *Metrics) *Distribution { return m.EndToEndMs }, p50, " ms")
	figure("signal strength, median", func(m *Metrics) *Distribution { return m.RSSIdBm }, p50, " dBm")
	figure("mean absolute error, median", func(m *Metrics) *Distribution { return m.ReconMAE }, p50, "")
	t.Write(w)
}

// optional returns the text of a number, "-" for nil.
func optional[T any](v *T) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprint(*v)
}
