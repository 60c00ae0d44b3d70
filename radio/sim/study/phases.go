package study

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/internal/table"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/sim"
	"github.com/loralink/loralink-go/runspec"
)

// stepsPerWindow is how long a run of Phase0 or Phase1 is. They repeat two simulations of the reference. Both ends run in steps of
// equal length over a channel without delay: a frame arrives in the step in which it was
// sent, and its ACK in the next one. A window is offered in each step. A run ends after
// stepsPerWindow steps per window, so that at SF7 and steps of 1 ms only a few of its
// windows are sent.
const stepsPerWindow = 10

// Losses are the losses of a simulated channel, in the form of the reference's files.
// AB is the direction from the sender to the receiver, BA the other one.
type Losses struct {
	LossRate    float64  `json:"loss_rate"`       // probability that a frame is lost
	DropPattern []bool   `json:"drop_pattern"`    // true: that frame is lost; it repeats. nil: LossRate counts
	LossRateAB  *float64 `json:"loss_rate_ab"`    // nil: LossRate
	LossRateBA  *float64 `json:"loss_rate_ba"`    // nil: LossRate
	DropAB      []bool   `json:"drop_pattern_ab"` // nil: DropPattern
	DropBA      []bool   `json:"drop_pattern_ba"` // nil: DropPattern
}

// Check returns an error that wraps [ErrSettings] if a probability is not in 0..1.
func (l *Losses) Check() error { return l.check("") }

// check does the work of Check. Where is the beginning of the text about a fault.
func (l *Losses) check(where string) error {
	for _, p := range []struct {
		key   string
		value *float64
	}{{"loss_rate", &l.LossRate}, {"loss_rate_ab", l.LossRateAB}, {"loss_rate_ba", l.LossRateBA}} {
		if p.value != nil && !(*p.value >= 0 && *p.value <= 1) {
			return fmt.Errorf("%w: %s%s is %v, want 0..1", ErrSettings, where, p.key, *p.value)
		}
	}
	return nil
}

// lossy returns a function that tells for each frame of a direction whether it is lost.
func lossy(rate float64, own *float64, pattern, ownPattern []bool, stream uint64) func() bool {
	if own != nil {
		rate, pattern = *own, nil
	}
	if ownPattern != nil {
		pattern = ownPattern
	}
	rng, n := rand.New(rand.NewPCG(1, stream)), 0
	return func() bool {
		if len(pattern) > 0 {
			n++
			return pattern[(n-1)%len(pattern)]
		}
		return rng.Float64() < rate
	}
}

// Profile is a PHY and the losses that come with it.
type Profile struct {
	ID  string          `json:"profile_id"`
	PHY json.RawMessage `json:"phy"` // as in a RunSpec
	Losses
}

// Sweep is a file for [Phase0]: profiles to try, and the PDR that is wanted.
type Sweep struct {
	RunSpec  json.RawMessage `json:"base_runspec"` // of the sender; each profile's PHY replaces its own
	Profiles []Profile       `json:"profiles"`
	Packets  int             `json:"packets_per_profile"` // windows; 0: 20
	Low      *float64        `json:"target_pdr_low"`      // nil: 0.45
	High     *float64        `json:"target_pdr_high"`     // nil: 0.55
	OutDir   string          `json:"out_dir"`             // folder for logs, in a folder for each profile; "": none
	StepMs   int             `json:"step_ms"`             // length of a step; 0: 1
}

// maxPhaseFile is the largest size of a file for Phase0 or Phase1, in bytes.
const maxPhaseFile = 1 << 20

// readPhaseFile decodes a JSON file into v. If strict is set, unknown keys are faults.
func readPhaseFile(path string, v any, strict bool) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPhaseFile+1))
	switch {
	case err != nil:
		return fmt.Errorf("study: %w", err)
	case len(data) > maxPhaseFile:
		return fmt.Errorf("%w: %s: found more than %d bytes, want fewer", ErrSettings, path, maxPhaseFile)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if strict {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %s: %s", ErrSettings, path, strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// OpenSweep reads a Sweep from a JSON file.
func OpenSweep(path string) (*Sweep, error) {
	s := new(Sweep)
	if err := readPhaseFile(path, s, true); err != nil {
		return nil, err
	}
	return s, s.Check()
}

// Check returns an error that wraps [ErrSettings] if a field is out of range.
func (s *Sweep) Check() error {
	switch {
	case len(s.RunSpec) == 0:
		return fmt.Errorf("%w: base_runspec is missing, want a RunSpec", ErrSettings)
	case len(s.Profiles) == 0:
		return fmt.Errorf("%w: profiles is empty, want at least one", ErrSettings)
	case s.Packets < 0 || s.Packets > maxPackets:
		return fmt.Errorf("%w: packets_per_profile is %d, want 1..%d", ErrSettings, s.Packets, maxPackets)
	case s.StepMs < 0 || s.StepMs > 1e6:
		return fmt.Errorf("%w: step_ms is %d, want 1..1000000", ErrSettings, s.StepMs)
	}
	if low, high := s.target(); !(low >= 0 && low <= high && high <= 1) {
		return fmt.Errorf("%w: the target PDR is %v..%v, want a range within 0..1", ErrSettings, low, high)
	}
	seen := map[string]bool{}
	for i, p := range s.Profiles {
		switch {
		case p.ID == "" || p.ID == "." || p.ID == ".." || strings.ContainsAny(p.ID, `/\`):
			return fmt.Errorf("%w: profiles[%d].profile_id is %q, want a name without path separators", ErrSettings, i, p.ID)
		case seen[p.ID]:
			return fmt.Errorf("%w: profiles[%d].profile_id is %s for the second time, want each once", ErrSettings, i, p.ID)
		case len(p.PHY) == 0:
			return fmt.Errorf("%w: profiles[%d].phy is missing, want a PHY as in a RunSpec", ErrSettings, i)
		}
		seen[p.ID] = true
		if err := p.Losses.check(fmt.Sprintf("profiles[%d].", i)); err != nil {
			return err
		}
	}
	return nil
}

// target returns the PDRs between which one is wanted.
func (s *Sweep) target() (low, high float64) {
	low, high = 0.45, 0.55
	if s.Low != nil {
		low = *s.Low
	}
	if s.High != nil {
		high = *s.High
	}
	return low, high
}

// PhaseMetrics are the figures of a run of [Phase0] or [Phase1].
type PhaseMetrics struct {
	Sent        int     `json:"sent_count"`  // data frames, repetitions included
	Acked       int     `json:"acked_count"` // windows acknowledged
	Retries     int     `json:"retries_total"`
	PDR         float64 `json:"pdr"`          // Acked / Sent; 0 if nothing was sent
	ETX         float64 `json:"etx"`          // Sent / Acked; 0 if nothing was acknowledged
	TimeOnAirMs float64 `json:"total_toa_ms"` // of the data frames, estimated
}

// Phase0Profile is the result of one profile.
type Phase0Profile struct {
	ID      string          `json:"profile_id"`
	PHY     json.RawMessage `json:"phy"`
	Metrics PhaseMetrics    `json:"metrics"`
	Losses
}

// Phase0Report is the result of [Phase0]. Its JSON is the reference's.
type Phase0Report struct {
	// Selected is the profile whose PDR is nearest to the middle of the target, or nil if
	// none is in it.
	Selected *Phase0Profile   `json:"selected"`
	Results  []*Phase0Profile `json:"results"`
}

// Phase0 runs each profile of a sweep and selects the one that loses as many frames as
// wanted. It writes the logs of both ends as <out_dir>/<profile_id>/<run_id>_<role>.jsonl,
// with the run_id <base run_id>_<profile_id>_tx or _rx, over old ones. The windows are
// made up: value j of step i is i + j.
func Phase0(ctx context.Context, s *Sweep) (*Phase0Report, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	low, high := s.target()
	rep := new(Phase0Report)
	nearest := math.Inf(1)
	for _, p := range s.Profiles {
		spec, err := withPHY(s.RunSpec, p.PHY)
		if err != nil {
			return nil, fmt.Errorf("study: profile %s: %w", p.ID, err)
		}
		run := phaseRun{spec: spec, name: p.ID, losses: p.Losses, windows: s.Packets, step: time.Duration(max(s.StepMs, 1)) * time.Millisecond}
		if s.OutDir != "" {
			run.dir = filepath.Join(s.OutDir, p.ID)
		}
		if run.windows == 0 {
			run.windows = defaultPackets
		}
		m, err := run.run(ctx)
		if err != nil {
			return nil, fmt.Errorf("study: profile %s: %w", p.ID, err)
		}
		result := &Phase0Profile{p.ID, p.PHY, m, p.Losses}
		rep.Results = append(rep.Results, result)
		if d := math.Abs(m.PDR - (low+high)/2); m.PDR >= low && m.PDR <= high && d < nearest {
			nearest, rep.Selected = d, result
		}
	}
	return rep, nil
}

const (
	defaultPackets = 20
	maxPackets     = 100_000 // the logs are kept in memory until a run is over
)

// withPHY returns the RunSpec with another PHY.
func withPHY(spec, phy json.RawMessage) (*runspec.RunSpec, error) {
	var node map[string]json.RawMessage
	if err := json.Unmarshal(spec, &node); err != nil || node == nil {
		return nil, fmt.Errorf("%w: found a RunSpec that is no object", ErrSettings)
	}
	node["phy"] = phy
	b, err := json.Marshal(node)
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	return runspec.Parse(b)
}

// WriteTable writes the profiles, one per row.
func (r *Phase0Report) WriteTable(w io.Writer) {
	rows := []string{"profile\tPDR\tETX\tframes\tacknowledged\ttime on air"}
	for _, p := range r.Results {
		name := p.ID
		if r.Selected != nil && p.ID == r.Selected.ID {
			name += " (selected)"
		}
		rows = append(rows, fmt.Sprintf("%s\t%.4f\t%.3f\t%d\t%d\t%.1f ms", name, p.Metrics.PDR, p.Metrics.ETX, p.Metrics.Sent, p.Metrics.Acked, p.Metrics.TimeOnAirMs))
	}
	table.Write(w, rows...)
	if r.Selected == nil {
		fmt.Fprintln(w, "no profile has a PDR within the target")
	}
}

// OpenPhase0 reads a Phase0Report from a JSON file, for its selected profile. If none
// is selected, the error wraps [ErrSettings].
func OpenPhase0(path string) (*Phase0Report, error) {
	r := new(Phase0Report)
	if err := readPhaseFile(path, r, false); err != nil {
		return nil, err
	}
	if r.Selected == nil || len(r.Selected.PHY) == 0 {
		return nil, fmt.Errorf("%w: %s: found no selected profile, want a report of phase 0 with one", ErrSettings, path)
	}
	return r, r.Selected.Losses.Check()
}

// Phase1Report is the result of [Phase1]. Its JSON is the reference's.
type Phase1Report struct {
	PHY    json.RawMessage `json:"phy"`
	Raw    PhaseMetrics    `json:"raw"`
	Latent PhaseMetrics    `json:"latent"`
	Delta  PhaseDelta      `json:"delta"` // latent less raw
}

// PhaseDelta holds differences of figures of PhaseMetrics.
type PhaseDelta struct {
	PDR         float64 `json:"pdr"`
	ETX         float64 `json:"etx"`
	TimeOnAirMs float64 `json:"total_toa_ms"`
}

// Phase1 runs two RunSpecs with the PHY and the losses of a profile: one with raw
// payloads, one with others. It writes the logs of both ends into the folder of each
// RunSpec, with the run_ids <run_id>_raw_tx, _raw_rx, _latent_tx and _latent_rx, over
// old ones. Windows are those of [Phase0], as many as tx.max_windows says, or 20. A step
// is 1 ms.
func Phase1(ctx context.Context, profile *Phase0Profile, raw, latent *runspec.RunSpec) (*Phase1Report, error) {
	rep := &Phase1Report{PHY: profile.PHY}
	for _, r := range []struct {
		name string
		spec *runspec.RunSpec
		dst  *PhaseMetrics
	}{{"raw", raw, &rep.Raw}, {"latent", latent, &rep.Latent}} {
		b, err := json.Marshal(r.spec)
		if err != nil {
			return nil, fmt.Errorf("study: %w", err)
		}
		spec, err := withPHY(b, profile.PHY)
		if err != nil {
			return nil, fmt.Errorf("study: %s: %w", r.name, err)
		}
		run := phaseRun{spec: spec, name: r.name, losses: profile.Losses, windows: spec.TX.MaxWindows, step: time.Millisecond, dir: spec.Logging.OutDir}
		if run.windows == 0 {
			run.windows = defaultPackets
		}
		if run.windows > maxPackets {
			return nil, fmt.Errorf("%w: %s: tx.max_windows is %d, want at most %d", ErrSettings, r.name, run.windows, maxPackets)
		}
		if *r.dst, err = run.run(ctx); err != nil {
			return nil, fmt.Errorf("study: %s: %w", r.name, err)
		}
	}
	rep.Delta = PhaseDelta{rep.Latent.PDR - rep.Raw.PDR, rep.Latent.ETX - rep.Raw.ETX, rep.Latent.TimeOnAirMs - rep.Raw.TimeOnAirMs}
	return rep, nil
}

// WriteTable writes the two runs side by side.
func (r *Phase1Report) WriteTable(w io.Writer) {
	t := table.NewColumns(r.Raw, r.Latent)
	names := []string{"raw", "latent"}
	t.Row("", func(PhaseMetrics) string { name := names[0]; names = names[1:]; return name })
	t.Row("frames sent", func(m PhaseMetrics) string { return fmt.Sprint(m.Sent) })
	t.Row("windows acknowledged", func(m PhaseMetrics) string { return fmt.Sprint(m.Acked) })
	t.Row("PDR", func(m PhaseMetrics) string { return fmt.Sprintf("%.4f", m.PDR) })
	t.Row("ETX", func(m PhaseMetrics) string { return fmt.Sprintf("%.3f", m.ETX) })
	t.Row("time on air", func(m PhaseMetrics) string { return fmt.Sprintf("%.1f ms", m.TimeOnAirMs) })
	t.Write(w)
}

// phaseRun is one run of Phase0 or Phase1.
type phaseRun struct {
	spec    *runspec.RunSpec
	name    string // of the profile or of the codec, for the run_id
	losses  Losses
	windows int
	step    time.Duration
	dir     string // for the logs; "": none

	ends map[link.Role]*endpoint.Endpoint
	logs map[link.Role]*bytes.Buffer
	m    PhaseMetrics
	err  error // of a log
}

func (r *phaseRun) run(ctx context.Context) (PhaseMetrics, error) {
	r.ends, r.logs = map[link.Role]*endpoint.Endpoint{}, map[link.Role]*bytes.Buffer{}
	for _, role := range []link.Role{link.RoleTX, link.RoleRX} {
		spec := *r.spec
		spec.Role, spec.RunID = string(role), r.spec.RunID+"_"+r.name+"_"+string(role)
		e, err := endpoint.New(&spec, nil)
		if err != nil {
			return r.m, err
		}
		r.ends[role], r.logs[role] = e, new(bytes.Buffer)
		start := runlog.Start{RunSpec: &spec}
		if hash := e.ModelHash(); hash != "" {
			start.ModelHash = &hash
		}
		r.log(role, runlog.Entry{Event: link.Event{Kind: runlog.EventRunStart, Time: sim.Epoch}, Start: &start})
	}
	if err := r.steps(ctx); err != nil {
		return r.m, err
	}
	if r.m.Sent > 0 {
		r.m.PDR = float64(r.m.Acked) / float64(r.m.Sent)
	}
	if r.m.Acked > 0 {
		r.m.ETX = float64(r.m.Sent) / float64(r.m.Acked)
	}
	if r.dir == "" {
		return r.m, r.err
	}
	if err := os.MkdirAll(r.dir, 0o777); err != nil {
		return r.m, fmt.Errorf("study: %w", err)
	}
	for role, b := range r.logs {
		if err := atomicfile.WriteBytes(filepath.Join(r.dir, r.ends[role].LogHeader().FileName()), b.Bytes()); err != nil {
			return r.m, errors.Join(r.err, fmt.Errorf("study: %w", err))
		}
	}
	return r.m, r.err
}

// log appends an entry to the log of an end.
func (r *phaseRun) log(role link.Role, e runlog.Entry) {
	e.Header = r.ends[role].LogHeader()
	line, err := e.AppendJSON(nil)
	r.err = errors.Join(r.err, err)
	r.logs[role].Write(line)
}

// steps runs both ends until the last step, or until the sender is done.
func (r *phaseRun) steps(ctx context.Context) error {
	sender, err := link.NewSender(r.ends[link.RoleTX].SenderSettings(nil))
	if err != nil {
		return err
	}
	receiver, err := link.NewReceiver(r.ends[link.RoleRX].ReceiverSettings(nil))
	if err != nil {
		return err
	}
	l := r.losses
	dropData := lossy(l.LossRate, l.LossRateAB, l.DropPattern, l.DropAB, 0)
	dropAck := lossy(l.LossRate, l.LossRateBA, l.DropPattern, l.DropBA, 1)
	var acks [][]byte // on their way to the sender
	offered := 0
	for step := range r.windows * stepsPerWindow {
		if step%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		now := sim.Epoch.Add(time.Duration(step) * r.step)
		var inputs []link.Input
		for _, ack := range acks {
			inputs = append(inputs, link.Received(radio.Reception{Frame: ack, Time: now}))
		}
		acks = acks[:0]
		if offered < r.windows && sender.QueueSpace() > 0 {
			inputs = append(inputs, link.Offer(link.Outbound{ID: int64(offered), SensorMs: int64(offered), Values: r.window(offered)}))
			offered++
		}
		for _, input := range append(inputs, link.Tick()) {
			actions, _ := sender.Step(now, input, nil)
			for _, frame := range r.do(link.RoleTX, actions) {
				if dropData() {
					continue
				}
				actions, _ := receiver.Step(now, link.Received(radio.Reception{Frame: frame, Time: now}), nil)
				for _, ack := range r.do(link.RoleRX, actions) {
					if !dropAck() {
						acks = append(acks, ack)
					}
				}
			}
		}
		if offered == r.windows && sender.Pending() == 0 {
			break
		}
	}
	return nil
}

// do does the actions of an end and returns copies of the frames that it sends.
func (r *phaseRun) do(role link.Role, actions []link.Action) (frames [][]byte) {
	for _, a := range actions {
		switch a.Kind {
		case link.ActionSend:
			frames = append(frames, bytes.Clone(a.Frame))
		case link.ActionLog:
			r.log(role, runlog.Entry{Event: a.Event})
			switch a.Event.Kind {
			case link.EventTxSent:
				r.m.Sent++
				r.m.TimeOnAirMs += millis(a.Event.TimeOnAir)
				if a.Event.Attempt > 1 {
					r.m.Retries++
				}
			case link.EventAckReceived:
				r.m.Acked++
			}
		}
	}
	return frames
}

// window returns the values of window n.
func (r *phaseRun) window(n int) []float64 {
	w := r.spec.Window
	values := make([]float64, 0, w.Dims*w.W)
	for i := range w.W {
		for j := range w.Dims {
			values = append(values, float64(n*w.Stride+i+j))
		}
	}
	return values
}
