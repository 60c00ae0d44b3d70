package rundir

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/numpy"
	"github.com/loralink/loralink-go/internal/table"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/runreport"
	"github.com/loralink/loralink-go/runspec"
)

// CheckSettings say what [Check] compares.
type CheckSettings struct {
	Logs     []string // paths of the logs, at least one
	RunSpec  string   // path of a RunSpec that the runs must have had; "": none
	Manifest string   // path of the file of hashes (artifacts.json) that the runs must have had; "": none
	Dataset  string   // path of the data set that was sent; "": none
}

// Report is the result of [Check]. Its JSON is an object from run_id to [RunCheck], as
// the reference's validation writes.
type Report struct {
	Runs []*RunCheck // in the order of the logs
}

// RunCheck is what [Check] found of one run_id. Errors are contradictions. Warnings
// are what could not be checked, or may have a harmless cause.
type RunCheck struct {
	RunID    string            `json:"-"`
	Roles    []link.Role       `json:"roles"`
	Metrics  runreport.Metrics `json:"metrics"`
	Dataset  *DatasetCheck     `json:"dataset"` // nil without a data set, and for a run that sent nothing
	Errors   []string          `json:"errors"`
	Warnings []string          `json:"warnings"`
}

// DatasetCheck compares the windows that a run sent with those of the data set.
type DatasetCheck struct {
	Path    string `json:"path"`
	Windows int    `json:"windows"` // of the run in the data set; all of them if it has none under the run's run_id
	Joined  int    `json:"joined"`  // windows that were sent and are in the data set
	Missing int    `json:"missing"` // windows that were sent and are not in the data set
	Unsent  int    `json:"unsent"`  // windows of the data set that were not sent
}

// MarshalJSON writes an object from run_id to RunCheck, in order.
func (r *Report) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, run := range r.Runs {
		key, err := json.Marshal(run.RunID)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(run)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, key...), ':'), value...)
	}
	return append(b, '}'), nil
}

// Count returns the numbers of errors and of warnings.
func (r *Report) Count() (errors, warnings int) {
	for _, run := range r.Runs {
		errors += len(run.Errors)
		warnings += len(run.Warnings)
	}
	return errors, warnings
}

// Check reads the logs of one run or of several and reports what does not fit together.
// The sender and the receiver of a run have the same run_id, or the same but for the
// endings _tx and _rx. The error is about files that cannot be read; faults of the
// runs are in the report.
func Check(s CheckSettings) (*Report, error) {
	c := &checker{ends: map[string]*end{}}
	if s.RunSpec != "" {
		spec, err := runspec.Load(s.RunSpec)
		if err != nil {
			return nil, err
		}
		b, err := json.Marshal(spec)
		if err != nil {
			return nil, fmt.Errorf("rundir: %s: %w", s.RunSpec, err)
		}
		c.spec, c.specPath = flatten(b), s.RunSpec
	}
	if s.Manifest != "" {
		var err error
		if c.manifest, err = artifacts.LoadHashes(s.Manifest); err != nil {
			return nil, err
		}
	}
	set, err := runreport.OpenLogs(s.Logs, &runreport.Settings{OnEntry: c.add})
	if err != nil {
		return nil, err
	}
	rep := new(Report)
	for _, r := range set.Runs {
		run := &RunCheck{RunID: r.RunID, Roles: r.Roles, Metrics: r.Metrics, Errors: []string{}, Warnings: []string{}}
		rep.Runs = append(rep.Runs, run)
		if r.BadLines > 0 {
			run.warn("%d lines are not an event", r.BadLines)
		}
		tx, rx := c.ends[key(r.RunID, link.RoleTX)], c.ends[key(r.RunID, link.RoleRX)]
		for _, e := range []*end{tx, rx} {
			if e != nil {
				c.checkEnd(run, e, r)
			}
		}
		if tx == nil && rx == nil {
			run.warn("found no events of role tx or rx")
			continue
		}
		c.checkPair(run, r.RunID, tx, rx)
		if s.Dataset != "" && tx != nil {
			if err := checkDataset(run, tx, s.Dataset); err != nil {
				return nil, err
			}
		}
	}
	return rep, nil
}

func (r *RunCheck) fault(format string, args ...any) {
	r.Errors = append(r.Errors, fmt.Sprintf(format, args...))
}

func (r *RunCheck) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// checker collects what the checks need from the entries.
type checker struct {
	ends     map[string]*end // by key
	spec     map[string]any  // the given RunSpec, flattened; nil: none
	specPath string
	manifest *artifacts.Hashes // nil: none
}

// end is one end of a run.
type end struct {
	runID  string
	role   link.Role
	starts []runlog.Start

	windows   map[int64]*window // sent, by window_id
	bySeq     [256]seqCount
	payloads  map[uint64]struct{} // hashes of SEQ and payload
	strangers int                 // ACKs of windows that were not sent
	sizes     int                 // frames whose length is not that of their payload plus the header
	longest   int                 // length of the longest payload
	rxOK      int
	acksSent  int
	recons    int
	parseable []received // frames received, for the comparison of payloads
}

// window is what the sender's log says of a window.
type window struct {
	sent, acks int
	failed     bool
	attempts   int // as tx_failed states
}

// seqCount counts the events of a SEQ.
type seqCount struct{ sent, acked, received int }

// received is a frame that a receiver got with its payload.
type received struct {
	seq  byte
	hash uint64
}

// key returns the key of an end in checker.ends.
func key(runID string, role link.Role) string { return runID + "\x00" + string(role) }

// partner returns the run_id that the other end of a run may have instead of the same.
func partner(runID string, role link.Role) string {
	stem, ok := strings.CutSuffix(runID, "_"+string(role))
	if !ok {
		return runID
	}
	if role == link.RoleTX {
		return stem + "_rx"
	}
	return stem + "_tx"
}

var seed = maphash.MakeSeed()

func payloadHash(e *runlog.Entry) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteByte(e.Seq)
	h.Write(e.Payload)
	return h.Sum64()
}

// add adds an entry to its end.
func (c *checker) add(entry runlog.Entry) {
	if entry.Role != link.RoleTX && entry.Role != link.RoleRX {
		return
	}
	k := key(entry.RunID, entry.Role)
	e := c.ends[k]
	if e == nil {
		e = &end{runID: entry.RunID, role: entry.Role, windows: map[int64]*window{}, payloads: map[uint64]struct{}{}}
		c.ends[k] = e
	}
	switch entry.Kind {
	case runlog.EventRunStart:
		e.starts = append(e.starts, *entry.Start)
	case link.EventTxSent:
		e.window(entry.WindowID).sent++
		e.bySeq[entry.Seq].sent++
		e.size(&entry)
		if len(entry.Payload) > 0 {
			e.payloads[payloadHash(&entry)] = struct{}{}
		}
	case link.EventAckReceived:
		if w := e.windows[entry.WindowID]; w != nil && w.sent > 0 {
			w.acks++
		} else {
			e.strangers++
		}
		e.bySeq[entry.Seq].acked++
	case link.EventTxFailed:
		w := e.window(entry.WindowID)
		w.failed, w.attempts = true, entry.Attempt
	case link.EventRxOK:
		e.rxOK++
		e.bySeq[entry.Seq].received++
		e.size(&entry)
		if len(entry.Payload) > 0 {
			e.parseable = append(e.parseable, received{entry.Seq, payloadHash(&entry)})
		}
	case link.EventAckSent:
		e.acksSent++
	case link.EventReconDone, link.EventReconFailed:
		e.recons++
	}
}

func (e *end) window(id int64) *window {
	w := e.windows[id]
	if w == nil {
		w = new(window)
		e.windows[id] = w
	}
	return w
}

// size notes the lengths of a frame.
func (e *end) size(entry *runlog.Entry) {
	e.longest = max(e.longest, entry.PayloadBytes)
	if entry.FrameBytes != 0 && entry.PayloadBytes != 0 && entry.FrameBytes != entry.PayloadBytes+radio.HeaderLen {
		e.sizes++
	}
}

// checkEnd checks one end by itself.
func (c *checker) checkEnd(run *RunCheck, e *end, r *runreport.SetRun) {
	if len(e.starts) == 0 {
		run.warn("%s: no run_start: its RunSpec and model are unknown", e.role)
	}
	specs := e.specs()
	for _, spec := range specs[min(1, len(specs)):] {
		if d := differences(specs[0], spec, func(string) bool { return true }); len(d) > 0 {
			run.fault("%s: its starts have unlike RunSpecs: %s", e.role, strings.Join(d, ", "))
		}
	}
	if c.spec != nil && len(specs) > 0 {
		same := sharedByEnds
		if c.spec["role"] == string(e.role) {
			same = func(name string) bool { return name != "artifacts_manifest" && !strings.HasPrefix(name, "logging.") }
		}
		want := c.spec
		// The simulated phases of the reference append to the run_id.
		if id, ok := want["run_id"].(string); ok && strings.HasPrefix(e.runID, id+"_") {
			want = maps.Clone(want)
			want["run_id"] = e.runID
		}
		if d := differences(want, specs[0], same); len(d) > 0 {
			run.fault("%s: the RunSpec is not %s: %s", e.role, c.specPath, strings.Join(d, ", "))
		}
	}
	for _, s := range e.starts {
		c.checkManifest(run, e, s, r)
	}
	if e.sizes > 0 {
		run.fault("%s: %d frames have a frame_bytes that is not payload_bytes + %d", e.role, e.sizes, radio.HeaderLen)
	}
	if len(specs) > 0 {
		if limit, ok := specs[0]["max_payload_bytes"].(float64); ok && float64(e.longest) > limit {
			run.fault("%s: found a payload of %d bytes, want at most %v as in the RunSpec", e.role, e.longest, limit)
		}
	}
	if e.role == link.RoleRX {
		if e.acksSent > e.rxOK {
			run.fault("rx: %d ACKs were sent for %d frames received", e.acksSent, e.rxOK)
		}
		if e.recons > e.rxOK {
			run.fault("rx: %d windows were decoded of %d frames received", e.recons, e.rxOK)
		}
		return
	}
	e.checkWindows(run, specs)
}

// checkWindows checks that the counts of a sender's windows add up.
func (e *end) checkWindows(run *RunCheck, specs []map[string]any) {
	var pending, both, attempts int
	for _, w := range e.windows {
		switch {
		case w.acks > 0 && w.failed:
			both++
		case w.acks == 0 && !w.failed:
			pending++
		}
		if w.failed && w.attempts != w.sent {
			attempts++
		}
	}
	inFlight := 1.0
	if len(specs) > 0 {
		if n, ok := specs[0]["tx.max_inflight"].(float64); ok {
			inFlight = n
		}
	}
	if pending > int(inFlight)*max(len(e.starts), 1) {
		run.fault("tx: %d of %d windows sent were neither acknowledged nor given up, want at most %v in flight at the end", pending, len(e.windows), inFlight)
	}
	if e.strangers > 0 {
		run.fault("tx: %d ACKs are of windows that were not sent", e.strangers)
	}
	if both > 0 {
		run.fault("tx: %d windows were acknowledged and given up", both)
	}
	if attempts > 0 {
		run.fault("tx: %d windows were given up after another number of sendings than the log has", attempts)
	}
}

// checkManifest compares the hashes that a run started with.
func (c *checker) checkManifest(run *RunCheck, e *end, s runlog.Start, r *runreport.SetRun) {
	var logged *artifacts.Artifacts
	if s.Manifest != nil {
		logged = new(artifacts.Artifacts)
		if err := json.Unmarshal(s.Manifest, logged); err != nil {
			run.fault("%s: artifacts_manifest of run_start: %v", e.role, err)
			return
		}
		if f := logged.Fingerprint(); s.ManifestFingerprint != nil && *s.ManifestFingerprint != f {
			run.fault("%s: manifest_fingerprint is %s, but artifacts_manifest gives %s", e.role, short(*s.ManifestFingerprint), short(f))
		}
		if r.Schema != nil && artifacts.SchemaHash(*r.Schema) != logged.PayloadSchemaHash {
			run.fault("%s: payload_schema_hash of artifacts_manifest is %s, want %s of %s", e.role, short(logged.PayloadSchemaHash), short(artifacts.SchemaHash(*r.Schema)), *r.Schema)
		}
	}
	if c.manifest == nil {
		return
	}
	want := c.manifest
	switch {
	case s.ManifestFingerprint == nil && s.ModelHash == nil:
		run.warn("%s: run_start has no manifest_fingerprint to compare with %s", e.role, want.File)
	case s.ModelHash != nil && want.ModelHash != "":
		if *s.ModelHash != want.ModelHash {
			run.fault("%s: model_hash is %s, want %s as in %s", e.role, short(*s.ModelHash), short(want.ModelHash), want.File)
		}
	case s.ManifestFingerprint != nil && *s.ManifestFingerprint == want.Fingerprint():
	case logged != nil && logged.CodecID == want.CodecID && logged.CodecVersion == want.CodecVersion &&
		logged.PayloadSchemaHash == want.PayloadSchemaHash && equal(logged.NormParamsHash, want.NormParamsHash):
		// The files differ in created_at or git_commit only.
		run.warn("%s: the artifacts_manifest is another file than %s, with the same codec, schema and norm", e.role, want.File)
	case s.ManifestFingerprint != nil:
		run.fault("%s: manifest_fingerprint is %s, want %s of %s", e.role, short(*s.ManifestFingerprint), short(want.Fingerprint()), want.File)
	}
}

func equal(a, b *string) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// short shortens a hash for a message.
func short(hash string) string { return hash[:min(len(hash), 12)] }

// checkPair compares the two ends of a run. Each fault is reported once, with the
// sender's run_id.
func (c *checker) checkPair(run *RunCheck, runID string, tx, rx *end) {
	if tx == nil {
		if c.ends[key(partner(runID, link.RoleRX), link.RoleTX)] == nil {
			run.warn("found no log of the sender: what was received is not compared with what was sent")
		}
		return
	}
	if rx == nil {
		if rx = c.ends[key(partner(runID, link.RoleTX), link.RoleRX)]; rx == nil {
			run.warn("found no log of the receiver: what was sent is not compared with what was received")
			return
		}
	}
	a, b := tx.specs(), rx.specs()
	if len(a) > 0 && len(b) > 0 {
		if d := differences(a[0], b[0], sharedByEnds); len(d) > 0 {
			run.fault("the ends have unlike RunSpecs, tx and rx: %s", strings.Join(d, ", "))
		}
	}
	if len(tx.starts) > 0 && len(rx.starts) > 0 {
		for _, h := range []struct {
			name   string
			tx, rx *string
		}{{"manifest_fingerprint", tx.starts[0].ManifestFingerprint, rx.starts[0].ManifestFingerprint}, {"model_hash", tx.starts[0].ModelHash, rx.starts[0].ModelHash}} {
			if h.tx != nil && h.rx != nil && *h.tx != *h.rx {
				run.fault("the ends have unlike models: %s is %s at tx and %s at rx", h.name, short(*h.tx), short(*h.rx))
			}
		}
	}
	var unsent, unreceived int
	for seq := range tx.bySeq {
		t, r := tx.bySeq[seq], rx.bySeq[seq]
		if t.sent == 0 {
			unsent += r.received
		}
		unreceived += max(t.acked-r.received, 0)
	}
	if unsent > 0 {
		run.fault("%d frames were received with a SEQ that the sender's log does not have", unsent)
	}
	if unreceived > 0 {
		run.fault("%d windows were acknowledged that the receiver's log does not have", unreceived)
	}
	corrupt := 0
	if len(tx.payloads) > 0 {
		for _, f := range rx.parseable {
			if _, ok := tx.payloads[f.hash]; !ok && tx.bySeq[f.seq].sent > 0 {
				corrupt++
			}
		}
	}
	if corrupt > 0 {
		run.fault("%d frames were received with a payload that was not sent under that SEQ", corrupt)
	}
}

// checkDataset compares the windows that were sent with those of a data set.
func checkDataset(run *RunCheck, tx *end, path string) error {
	open := dataset.OpenWindows
	if numpy.IsFile(path) {
		open = numpy.OpenWindows
	}
	stem := strings.TrimSuffix(tx.runID, "_tx")
	own, all := map[int64]bool{}, map[int64]bool{}
	for w, err := range dataset.NotEmpty(dataset.SkipIncomplete(open(path, dataset.WindowSettings{}), nil), path) {
		if err != nil {
			return err
		}
		if w.RunID == tx.runID || w.RunID == stem {
			own[w.ID] = true
		}
		all[w.ID] = true
	}
	if len(own) == 0 {
		own = all
	}
	d := &DatasetCheck{Path: path, Windows: len(own)}
	var missing []int64
	for _, id := range slices.Sorted(maps.Keys(tx.windows)) {
		if own[id] {
			d.Joined++
		} else {
			missing = append(missing, id)
		}
	}
	d.Missing, d.Unsent = len(missing), len(own)-d.Joined
	run.Dataset = d
	if d.Missing > 0 {
		run.fault("%d of %d windows sent are not in %s, the first with window_id %d", d.Missing, len(tx.windows), path, missing[0])
	}
	if d.Unsent > 0 {
		run.warn("%d of %d windows of %s were not sent", d.Unsent, d.Windows, path)
	}
	return nil
}

// specs returns the RunSpecs of the starts, flattened.
func (e *end) specs() (all []map[string]any) {
	for _, s := range e.starts {
		if b, ok := s.RunSpec.(json.RawMessage); ok {
			if m := flatten(b); m != nil {
				all = append(all, m)
			}
		}
	}
	return all
}

// sharedByEnds reports whether both ends of a link need the same value of a RunSpec's
// key. Paths may differ between hosts.
func sharedByEnds(name string) bool {
	switch {
	case name == "phy.tx_power_dbm" || name == "phy.profile" || strings.HasSuffix(name, "_path"):
		return false
	case name == "tx.max_retries" || name == "tx.max_inflight" || name == "tx.guard_ms" || name == "tx.ack_timeout_ms":
		return true // the receiver computes from them how long to remember a SEQ
	}
	group, _, _ := strings.Cut(name, ".")
	return group == "phy" || group == "window" || group == "codec" || name == "max_payload_bytes"
}

// flatten returns the values of a RunSpec by their dotted keys, without null and auto,
// which are defaults, and with cr as 1..4. It returns nil for what is no object.
func flatten(spec []byte) map[string]any {
	var node map[string]any
	if json.Unmarshal(spec, &node) != nil {
		return nil
	}
	flat := map[string]any{}
	var walk func(prefix string, node map[string]any)
	walk = func(prefix string, node map[string]any) {
		for k, v := range node {
			switch v := v.(type) {
			case nil:
			case map[string]any:
				walk(prefix+k+".", v)
			case string:
				if v != "auto" {
					flat[prefix+k] = v
				}
			case float64:
				if prefix+k == "phy.cr" && v >= 5 {
					v -= 4
				}
				flat[prefix+k] = v
			default:
				flat[prefix+k] = fmt.Sprint(v)
			}
		}
	}
	walk("", node)
	// What the reference's RunSpecs do not have.
	for name, value := range map[string]any{"tx.queue": runspec.QueueBlock, "tx.queue_len": 64.0, "max_payload_bytes": 238.0,
		"window.dims": 12.0, "window.stride": 1.0, "tx.max_inflight": 1.0} {
		if _, ok := flat[name]; !ok {
			flat[name] = value
		}
	}
	return flat
}

// differences returns texts such as "phy.sf is 7 and 9" for the keys that count.
func differences(a, b map[string]any, counts func(name string) bool) (list []string) {
	names := slices.Sorted(maps.Keys(a))
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	text := func(m map[string]any, name string) string {
		if v, ok := m[name]; ok {
			return fmt.Sprint(v)
		}
		return "unset"
	}
	for _, name := range names {
		if counts(name) && a[name] != b[name] {
			list = append(list, fmt.Sprintf("%s is %s and %s", name, text(a, name), text(b, name)))
		}
	}
	return list
}

// WriteTable writes how many faults each run has, and then the faults.
func (r *Report) WriteTable(w io.Writer) {
	rows := []string{"run\troles\terrors\twarnings"}
	for _, run := range r.Runs {
		roles := make([]string, len(run.Roles))
		for i, role := range run.Roles {
			roles[i] = string(role)
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%d\t%d", run.RunID, strings.Join(roles, ", "), len(run.Errors), len(run.Warnings)))
	}
	table.Write(w, rows...)
	for _, run := range r.Runs {
		for _, text := range run.Errors {
			fmt.Fprintf(w, "error: %s: %s\n", run.RunID, text)
		}
		for _, text := range run.Warnings {
			fmt.Fprintf(w, "warning: %s: %s\n", run.RunID, text)
		}
	}
}

// RegisterFlags adds the flags --log, --runspec, --manifest and --dataset.
func (s *CheckSettings) RegisterFlags(fs *flag.FlagSet) {
	registerLog(fs, &s.Logs)
	fs.StringVar(&s.RunSpec, "runspec", "", "RunSpec that the runs must have had")
	fs.StringVar(&s.Manifest, "manifest", "", "file of hashes, such as artifacts.json, that the runs must have had")
	fs.StringVar(&s.Dataset, "dataset", "", "data set of the windows that were sent")
}

// registerLog adds the flag --log, which may be given several times.
func registerLog(fs *flag.FlagSet, dst *[]string) {
	fs.Func("log", "log of a sender or a receiver; may be given several times", func(path string) error {
		*dst = append(*dst, path)
		return nil
	})
}

// ErrFailed is wrapped by the error of [Report.Err].
var ErrFailed = errors.New("rundir: runs have faults")

// Err returns an error that wraps [ErrFailed] and says how many faults there are, or
// nil if there are none. If strict is set, warnings are faults.
func (r *Report) Err(strict bool) error {
	faults, warnings := r.Count()
	if strict && warnings > 0 || faults > 0 {
		return fmt.Errorf("%w: %d errors, %d warnings", ErrFailed, faults, warnings)
	}
	return nil
}
