package endpoint_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testmodel"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/runspec"
)

// wire is a radio of the test's own: two of them exchange frames in memory. A
// frame takes a while, and some are lost.
type wire struct {
	peer  *wire
	input chan radio.Reception
	delay time.Duration
	lose  func(n int) bool // the nth frame, from 0; nil: none
	fail  error            // of Send; nil: none
	sent  int
	wg    sync.WaitGroup
}

func wires(delay time.Duration) (a, b *wire) {
	a, b = &wire{delay: delay, input: make(chan radio.Reception, 100)}, &wire{delay: delay, input: make(chan radio.Reception, 100)}
	a.peer, b.peer = b, a
	return a, b
}

func (w *wire) Send(_ context.Context, frame []byte) error {
	n := w.sent
	w.sent++
	if w.fail != nil || w.lose != nil && w.lose(n) {
		return w.fail
	}
	frame = slices.Clone(frame)
	w.wg.Go(func() {
		time.Sleep(w.delay)
		w.peer.input <- radio.Reception{Frame: frame, Time: time.Now(), RSSIdBm: -70, HasRSSI: true}
	})
	return nil
}

func (w *wire) Receive(ctx context.Context) (radio.Reception, error) {
	select {
	case r := <-w.input:
		return r, nil
	case <-ctx.Done():
		return radio.Reception{}, ctx.Err()
	}
}

func (w *wire) Close() error { return nil }

// slowWire is a wire that says how long it takes.
type slowWire struct{ *wire }

func (slowWire) Latency(frameLen int) time.Duration {
	return time.Duration(frameLen) * time.Millisecond
}

// three is a codec of the test's own: whole numbers of -128 to 127.
type three struct{}

func (three) ID() string                  { return "three" }
func (three) Version() string             { return "7" }
func (three) Schema() string              { return "three int8" }
func (three) WindowLen() int              { return 3 }
func (three) MaxPayloadLen() int          { return 3 }
func (three) ModelHash() string           { return "abc" }
func (three) DataStd() []float64          { return []float64{1, 2, 3} }
func (three) SensorSchema() sensor.Schema { return sensor.Named([]string{"ax", "ay", "az"}, nil) }

func (three) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	for _, v := range window {
		dst = append(dst, byte(int8(v)))
	}
	return dst, nil
}

func (three) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	if len(payload) != 3 {
		return dst, codec.ErrCorrupt
	}
	for _, b := range payload {
		dst = append(dst, float64(int8(b)))
	}
	return dst, nil
}

var _ codec.Codec = three{}

// ends returns both endpoints of a RunSpec with the test's codec.
func ends(t testing.TB, dir, more string) (tx, rx *endpoint.Endpoint) {
	t.Helper()
	end := func(role string) *endpoint.Endpoint {
		spec, err := runspec.Parse(fmt.Appendf(nil, `{run_id: own, role: %s, mode: LATENT, phy: {profile: e22_62.5k},
window: {dims: 3, W: 1, sample_hz: 1}, codec: {id: three, version: "7"},
tx: {guard_ms: 2, ack_timeout_ms: auto, max_retries: 9%s}, logging: {out_dir: %q}}`, role, more, dir))
		if err != nil {
			t.Fatal(err)
		}
		e, err := endpoint.New(spec, &endpoint.Settings{Codec: three{}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	return end(runspec.RoleTX), end(runspec.RoleRX)
}

// counting yields n windows.
func counting(n int) func(context.Context) iter.Seq2[dataset.Window, error] {
	return func(context.Context) iter.Seq2[dataset.Window, error] {
		return func(yield func(dataset.Window, error) bool) {
			for i := range n {
				if !yield(dataset.Window{TsMs: int64(i), Values: []float64{float64(i % 100), -1, 2}}, nil) {
					return
				}
			}
		}
	}
}

// Any radio.Radio and any codec.Codec will do. Time is virtual.
func TestOwnRadioAndCodec(t *testing.T) {
	for _, c := range []struct {
		name string
		wrap func(*wire) radio.Radio
	}{
		{"a radio", func(w *wire) radio.Radio { return w }},
		{"one that knows its latency", func(w *wire) radio.Radio { return slowWire{w} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				tx, rx := ends(t, dir, "")
				if err := tx.CheckPeer(rx); err != nil {
					t.Fatal(err)
				}
				a, b := wires(3 * time.Millisecond)
				a.lose = func(n int) bool { return n%5 == 4 }
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				var got []float64
				var rssi int
				go func() {
					_, err := rx.Receive(ctx, c.wrap(b), &endpoint.ReceiveSettings{
						Dataset: filepath.Join(dir, "rebuilt.jsonl"),
						OnDelivery: func(_ context.Context, d link.Delivery) error {
							got, rssi = append(got, d.Window[0]), d.RSSIdBm
							return nil
						},
					})
					ended <- err
				}()
				sent := 0
				m, err := tx.Send(t.Context(), c.wrap(a), counting(250), &endpoint.SendSettings{OnEvent: func(e link.Event) {
					if e.Kind == link.EventTxSent {
						sent++
					}
				}})
				if err != nil {
					t.Fatal(err)
				}
				stop()
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Errorf("receiver: %v", err)
				}
				a.wg.Wait()
				b.wg.Wait()
				if m.Acked != 250 || m.Failed != 0 || m.Retries == 0 || sent != m.Sent || len(got) != 250 || rssi != -70 {
					t.Errorf("%+v, heard of %d frames and %d windows at %d dBm", m, sent, len(got), rssi)
				}
				for i, v := range got {
					if v != float64(i%100) {
						t.Fatalf("window %d is %v", i, v)
					}
				}
				rebuilt := read(t, filepath.Join(dir, "rebuilt.jsonl"))
				if len(rebuilt) != 250 || strings.Join(rebuilt[0].Order, " ") != "ax ay az" || rebuilt[0].Units["az"] != "m/s^2" {
					t.Errorf("%d windows in the data set, the first %+v", len(rebuilt), rebuilt[0])
				}
				for e, err := range runlog.OpenEntries(tx.LogPath()) {
					if err != nil || e.Start == nil || *e.Start.ModelHash != "abc" {
						t.Errorf("the log starts with %+v, %v", e, err)
					}
					break
				}
			})
		})
	}
}

// Numbers go on where the last run left off, whatever the windows say.
func TestRunsContinue(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		tx, rx := ends(t, dir, ", max_windows: 7")
		a, b := wires(time.Millisecond)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = rx.Receive(ctx, b, nil) })
		var first [3]struct {
			seq byte
			id  int64
		}
		set := filepath.Join(dir, "sent.jsonl")
		for i := range first {
			if _, err := tx.Send(t.Context(), a, counting(100), &endpoint.SendSettings{Dataset: set,
				OnStart: func(seq byte, id int64) { first[i].seq, first[i].id = seq, id }}); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		wg.Wait()
		a.wg.Wait()
		b.wg.Wait()
		for i, f := range first {
			if f.id != int64(7*i) || f.seq != first[0].seq+byte(7*i) {
				t.Errorf("run %d starts at SEQ %d, window_id %d, the first at %d", i, f.seq, f.id, first[0].seq)
			}
		}
		for i, w := range read(t, set) {
			if w.ID != int64(i) || w.RunID != "own" {
				t.Fatalf("record %d is %+v", i, w)
			}
		}
	})
}

// A second sender with the run_id, or with the data set, of one that is running ends at
// once and changes no file.
func TestTwoTxWithOneRunID(t *testing.T) {
	for _, c := range []struct {
		name      string
		sameRunID bool
		set       string
		want      string
	}{
		{"one run_id", true, "second.jsonl", "own_tx.state: in use by another process: found a sender with the run_id own that is running, want one at a time"},
		{"one data set", false, "first.jsonl", "first.jsonl: in use by another process: found a run with this data set that is running, want one at a time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				first, _ := ends(t, dir, "")
				other := dir
				if !c.sameRunID {
					other = filepath.Join(dir, "other")
				}
				second, _ := ends(t, other, "")
				a, _ := wires(time.Millisecond)
				ctx, stop := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				started := make(chan struct{})
				wg.Go(func() {
					waits := func(ctx context.Context) iter.Seq2[dataset.Window, error] {
						return func(func(dataset.Window, error) bool) { <-ctx.Done() }
					}
					_, _ = first.Send(ctx, a, waits, &endpoint.SendSettings{Dataset: filepath.Join(dir, "first.jsonl"), OnStart: func(byte, int64) { close(started) }})
				})
				<-started
				_, err := second.Send(t.Context(), a, counting(3), &endpoint.SendSettings{Dataset: filepath.Join(dir, c.set)})
				if !errors.Is(err, endpoint.ErrInUse) || !strings.HasSuffix(err.Error(), c.want) {
					t.Errorf("%v, want %s", err, c.want)
				}
				stop()
				wg.Wait()
				// The files are free again.
				_, err = second.Send(t.Context(), &wire{lose: func(int) bool { return true }, input: a.input}, counting(0), &endpoint.SendSettings{Dataset: filepath.Join(dir, c.set)})
				if err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		})
	}
}

// A flood of bytes that are no frames does not fill the log, which says what it left out.
func TestFloodIsLimitedInTheLog(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		_, rx := ends(t, dir, "")
		_, b := wires(time.Millisecond)
		ctx, stop := context.WithCancel(t.Context())
		var metrics runlog.Metrics
		var wg sync.WaitGroup
		wg.Go(func() { metrics, _ = rx.Receive(ctx, b, nil) })
		const floods, pause = 100_000, 20 * time.Second
		for i := range floods + 1 {
			if i == floods {
				time.Sleep(pause) // and then one more
			}
			b.input <- radio.Reception{Err: radio.ErrStray, Time: time.Now()}
			time.Sleep(10 * time.Microsecond)
		}
		stop()
		wg.Wait()
		var meter runlog.Meter
		lines, omitted := 0, 0
		for _, e := range logged(t, rx.LogPath()) {
			meter.Add(link.RoleRX, e)
			if e.Kind == link.EventRxParseFail {
				lines++
				omitted += e.Omitted
			}
		}
		if lines < 100 || lines > 130 || lines+omitted != floods+1 || metrics.ParseFails != floods+1 || meter.Metrics().ParseFails != floods+1 {
			t.Errorf("%d lines, %d left out, %d counted, want %d in all", lines, omitted, metrics.ParseFails, floods+1)
		}
	})
}

// Three starts in a minute have one budget.
func TestDutyCycleSurvivesRestart(t *testing.T) {
	for _, role := range []string{"tx", "rx"} {
		t.Run(role, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				tx, rx := ends(t, dir, ", duty_cycle: 0.0005, queue_len: 4, queue: drop_newest")
				const budget = 1800 * time.Millisecond
				var onAir time.Duration
				for range 3 {
					a, b := wires(time.Millisecond)
					a.lose = func(int) bool { return true }
					b.lose = a.lose
					var wg sync.WaitGroup
					ctx, stop := context.WithCancel(t.Context())
					var metrics runlog.Metrics
					wg.Go(func() {
						if role == "rx" {
							metrics, _ = rx.Receive(ctx, b, nil)
						}
					})
					if role == "tx" {
						short, cancel := context.WithTimeout(ctx, 19*time.Second)
						metrics, _ = tx.Send(short, a, flood, &endpoint.SendSettings{Flush: link.NoFlush})
						cancel()
						onAir += time.Duration(metrics.TimeOnAirS * float64(time.Second))
					} else {
						for i := range 1000 {
							b.input <- radio.Reception{Frame: []byte{3, byte(i), byte(i >> 8), 1, 2}, Time: time.Now()}
							time.Sleep(10 * time.Millisecond)
						}
					}
					time.Sleep(time.Second)
					stop()
					wg.Wait()
					a.wg.Wait()
					b.wg.Wait()
					if role == "rx" {
						onAir += time.Duration(metrics.AckTimeOnAirS * float64(time.Second))
					}
				}
				if onAir > budget || onAir < budget*9/10 {
					t.Errorf("%v on the air in three runs, want at most %v", onAir, budget)
				}
			})
		})
	}
}

// flood yields 1000 windows in 20 seconds, as fast as a sensor that is never waited for.
func flood(ctx context.Context) iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		for w := range counting(1000)(ctx) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
			if !yield(w, nil) {
				return
			}
		}
	}
}

// What ends a run, and that a source which waits is told.
func TestSendEnds(t *testing.T) {
	broken := errors.New("broken")
	waits := func(ctx context.Context) iter.Seq2[dataset.Window, error] {
		return func(yield func(dataset.Window, error) bool) {
			for w := range counting(1)(ctx) {
				yield(w, nil)
			}
			<-ctx.Done()
		}
	}
	for _, c := range []struct {
		name    string
		windows func(context.Context) iter.Seq2[dataset.Window, error]
		flush   time.Duration
		change  func(a *wire, cancel func())
		want    error
		takes   time.Duration // at most
	}{
		{"the radio", waits, 0, func(a *wire, _ func()) { a.fail = broken }, broken, 0},
		{"the windows", func(context.Context) iter.Seq2[dataset.Window, error] {
			return func(yield func(dataset.Window, error) bool) { yield(dataset.Window{}, broken) }
		}, 0, func(*wire, func()) {}, broken, 0},
		{"the caller, with nobody to acknowledge", waits, 0, func(_ *wire, cancel func()) { time.AfterFunc(time.Second, cancel) }, context.Canceled, 6 * time.Second},
		{"the caller, at once", waits, link.NoFlush, func(_ *wire, cancel func()) { time.AfterFunc(10*time.Millisecond, cancel) }, context.Canceled, 10 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				tx, _ := ends(t, dir, "")
				a, _ := wires(time.Millisecond)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c.change(a, cancel)
				start := time.Now()
				m, err := tx.Send(ctx, a, c.windows, &endpoint.SendSettings{Flush: c.flush})
				if !errors.Is(err, c.want) {
					t.Errorf("ended with %v", err)
				}
				if took := time.Since(start); took > c.takes {
					t.Errorf("took %v", took)
				}
				if c.want == context.Canceled && (m.Sent == 0 || m.Failed != 1) {
					t.Errorf("%+v", m)
				}
				a.wg.Wait()
			})
		})
	}
}

func TestReceiveEnds(t *testing.T) {
	broken := errors.New("broken")
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		_, rx := ends(t, dir, "")
		a, b := wires(time.Millisecond)
		frame, err := radio.AppendFrame(nil, 1, []byte{1, 2, 3})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Send(t.Context(), frame); err != nil {
			t.Fatal(err)
		}
		m, err := rx.Receive(t.Context(), b, &endpoint.ReceiveSettings{OnDelivery: func(context.Context, link.Delivery) error { return broken }})
		if !errors.Is(err, broken) || m.RxOK != 1 || m.AcksSent != 0 {
			t.Errorf("%+v, %v", m, err)
		}
		a.wg.Wait()
	})
}

func TestRolesAreKept(t *testing.T) {
	tx, rx := ends(t, t.TempDir(), "")
	a, _ := wires(0)
	if _, err := rx.Send(t.Context(), a, counting(1), nil); !errors.Is(err, endpoint.ErrSettings) {
		t.Errorf("the receiver sends: %v", err)
	}
	if _, err := tx.Receive(t.Context(), a, nil); !errors.Is(err, endpoint.ErrSettings) {
		t.Errorf("the sender receives: %v", err)
	}
}

func TestLatency(t *testing.T) {
	tx, _ := ends(t, t.TempDir(), "")
	a, _ := wires(0)
	if l := tx.Timing(a).Latency; l != nil {
		t.Errorf("a radio that does not say: %v", l(8))
	}
	if l := tx.Timing(slowWire{a}).Latency; l == nil || l(8) != 8*time.Millisecond {
		t.Error("the radio's own is not used")
	}
	own, err := endpoint.New(tx.Spec(), &endpoint.Settings{Codec: three{}, Latency: func(int) time.Duration { return time.Hour }})
	if err != nil {
		t.Fatal(err)
	}
	if l := own.Timing(slowWire{a}).Latency; l(8) != time.Hour {
		t.Error("the settings' one is not used")
	}
}

func TestNew(t *testing.T) {
	walk := testenv.Repo("testdata", "walk.jsonl")
	manifest := testmodel.Train(t, walk)
	load := func(change func(*runspec.RunSpec)) *runspec.RunSpec {
		spec, err := runspec.Load(testenv.Repo("testdata", "runspecs", "tx_sf7.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		change(spec)
		return spec
	}
	with := func(manifest, artifacts string) func(*runspec.RunSpec) {
		return func(s *runspec.RunSpec) {
			s.Codec.Params["manifest_path"], s.ArtifactsManifest = manifest, artifacts
		}
	}
	hashes := filepath.Join(filepath.Dir(manifest), "artifacts.json")
	elsewhere, other := filepath.Join(t.TempDir(), "hashes.json"), filepath.Join(t.TempDir(), "other.json")
	text, err := os.ReadFile(hashes)
	if err != nil {
		t.Fatal(err)
	}
	norm := regexp.MustCompile(`"norm_params_hash": "[0-9a-f]{64}"`)
	for path, text := range map[string][]byte{
		elsewhere: text,
		other:     norm.ReplaceAll(text, []byte(`"norm_params_hash": "`+strings.Repeat("0", 64)+`"`)),
	} {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name     string
		change   func(*runspec.RunSpec)
		settings *endpoint.Settings
		want     string // "": no error
	}{
		{"a manifest given", func(*runspec.RunSpec) {}, &endpoint.Settings{BAMManifest: manifest}, ""},
		{"the RunSpec's manifest", with(manifest, hashes), nil, ""},
		{"hashes elsewhere", with(manifest, elsewhere), nil, ""},
		{"hashes of another model", with(manifest, other), nil, other + ": norm_params_hash: "},
		{"hashes that do not exist", with(manifest, "elsewhere/artifacts.json"), nil, "elsewhere/artifacts.json: "},
		{"hashes given", with(manifest, "elsewhere/artifacts.json"), &endpoint.Settings{Hashes: elsewhere}, ""},
		{"hashes given beside a model", with("none/bam_manifest.json", "none/artifacts.json"), &endpoint.Settings{Hashes: hashes}, ""},
		{"hashes of another codec", func(s *runspec.RunSpec) {
			s.Codec.ID, s.Codec.Version, s.Codec.Params, s.ArtifactsManifest = "raw", "1", nil, hashes
		}, nil, hashes + ": codec_id: mismatch: found codec \"bam\" version \"0\", want \"raw\" \"1\""},
		{"no model", with("none/bam_manifest.json", ""), nil, "none/bam_manifest.json"},
		{"a parameter that no codec has", func(s *runspec.RunSpec) { s.Codec.Params["colour"] = 1 }, nil, "colour"},
		{"a codec of another name", func(*runspec.RunSpec) {}, &endpoint.Settings{Codec: three{}}, `Codec is three version "7", want bam version "0"`},
		{"a codec of other windows", func(s *runspec.RunSpec) { s.Codec.ID, s.Codec.Version = "three", "7" }, &endpoint.Settings{Codec: three{}}, "windows of 3 values, want 12"},
		{"a codec of long payloads", func(s *runspec.RunSpec) {
			s.Codec.ID, s.Codec.Version, s.Window.Dims, s.MaxPayloadBytes = "three", "7", 3, 2
		}, &endpoint.Settings{Codec: three{}}, "payloads of up to 3 bytes, want at most 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := endpoint.New(load(c.change), c.settings)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %s", err, c.want)
				}
				return
			}
			if err != nil || len(e.ModelHash()) != 64 || len(e.DataStd()) != 12 || !e.SensorSchema().IsMotion() {
				t.Errorf("%v, %v", e, err)
			}
		})
	}
}

func TestCheckPeer(t *testing.T) {
	dir := t.TempDir()
	tx, rx := ends(t, dir, "")
	change := func(f func(*runspec.RunSpec)) *endpoint.Endpoint {
		spec := *rx.Spec()
		f(&spec)
		e, err := endpoint.New(&spec, &endpoint.Settings{Codec: three{}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, c := range []struct {
		name string
		peer *endpoint.Endpoint
		want string
	}{
		{"power may differ", change(func(s *runspec.RunSpec) { s.PHY.TxPowerDBm = 10 }), ""},
		{"spreading factor", change(func(s *runspec.RunSpec) { s.PHY.SF = 9 }), "the ends differ in phy.sf (tx has 5, rx has 9)"},
		{"both", change(func(s *runspec.RunSpec) { s.PHY.SF, s.Window.Stride = 9, 2 }), "the ends differ in phy.sf (tx has 5, rx has 9), window.stride (tx has 1, rx has 2)"},
		{"stride", change(func(s *runspec.RunSpec) { s.Window.Stride = 2 }), "the ends differ in window.stride (tx has 1, rx has 2)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := tx.CheckPeer(c.peer)
			if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, endpoint.ErrSettings) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Settings by flags: what is refused, and that zero values pass.
func TestSettings(t *testing.T) {
	type settings interface {
		RegisterFlags(*flag.FlagSet)
		Check() error
	}
	newRadio := func() settings { return &endpoint.RadioSettings{} }
	newSampler := func() settings { return &endpoint.SamplerSettings{} }
	newSource := func() settings { return &endpoint.SourceSettings{} }
	for _, c := range []struct {
		name string
		new  func() settings
		args string
		want string // in the text with flags; "": they pass
	}{
		{"radio, nothing", newRadio, "", ""},
		{"radio, a module", newRadio, "--radio uart --uart-port /dev/ttyUSB0 --uart-baud 115200 --uart-rssi-byte", ""},
		{"radio, none such", newRadio, "--radio wifi", `--radio is "wifi", want udp, uart or mock`},
		{"radio, no port", newRadio, "--radio uart", "--uart-port is missing"},
		{"radio, no such speed", newRadio, "--radio uart --uart-port x --uart-baud 1000", "--uart-baud is 1000, want one of 1200"},
		{"radio, a flag of the module", newRadio, "--uart-port x", "are for --radio uart, want them unset with udp"},
		{"radio, a flag of UDP", newRadio, "--radio uart --uart-port x --udp-loss 0.1", "--udp-local, --udp-remote and --udp-loss are for --radio udp"},
		{"radio, a network", newRadio, "--udp-remote 10.0.0.1:7", `--udp-remote is "10.0.0.1:7", want an address on loopback`},
		{"radio, loss", newRadio, "--udp-loss 1.5", "--udp-loss is 1.5, want 0..1"},
		{"sampler, a recording", newSampler, "--sensor-path x --sensor-loop --fill hold --max-gap-ms 9", ""},
		{"sampler, a simulation", newSampler, "--sampler simulate --seed 3", ""},
		{"sampler, none such", newSampler, "--sampler xml", `--sampler is "xml", want jsonl, csv, simulate or dummy`},
		{"sampler, no recording", newSampler, "", "--sensor-path is missing"},
		{"sampler, a simulation of a file", newSampler, "--sampler simulate --sensor-path x", "--sensor-path, --sensor-loop and --sensor-follow are for recordings"},
		{"sampler, a seed for a recording", newSampler, "--sensor-path x --seed 3", "--seed is for --sampler simulate"},
		{"sampler, both ends", newSampler, "--sensor-path x --sensor-loop --sensor-follow", "found both --sensor-loop and --sensor-follow"},
		{"sampler, columns", newSampler, "--sensor-path x --columns temp:degC=T,hum", ""},
		{"sampler, columns of a simulation", newSampler, "--sampler dummy --columns temp", "--columns is for recordings, want it unset with --sampler dummy"},
		{"sampler, a negative gap", newSampler, "--sensor-path x --max-gap-ms -5", "--max-gap-ms is -5"},
		{"source, samples", newSource, "--samples x", ""},
		{"source, columns", newSource, "--samples x --columns temp:degC=T,hum", ""},
		{"source, columns of a data set", newSource, "--dataset x --columns temp", "--columns is for --samples, want it unset with a data set, which has names of its own"},
		{"source, nothing", newSource, "", "want --samples FILE or --dataset FILE"},
		{"source, both", newSource, "--samples x --dataset y", "not both"},
		{"source, a numpy file", newSource, "--dataset a.npz", "--dataset is a.npz, a numpy file, want JSONL: convert it with examples/samples --dataset a.npz --out a.jsonl"},
		{"source, a negative gap", newSource, "--samples x --max-gap-ms -5", "--max-gap-ms is -5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.new()
			fs := flag.NewFlagSet("test", flag.ContinueOnError)
			fs.SetOutput(io.Discard)
			s.RegisterFlags(fs)
			if err := fs.Parse(strings.Fields(c.args)); err != nil {
				t.Fatal(err)
			}
			err := s.Check()
			if c.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			var flags interface{ FlagText() string }
			if !errors.Is(err, endpoint.ErrSettings) || strings.Contains(err.Error(), "--") && !strings.Contains(c.name, "numpy") || strings.Count(err.Error(), "invalid settings") != 1 {
				t.Errorf("got %v", err)
			}
			if !errors.As(err, &flags) || !strings.Contains(flags.FlagText(), c.want) {
				t.Errorf("got %v, want %q", flags, c.want)
			}
		})
	}
}

// Data sets of runs are JSONL.
func TestNumpyDatasetsAreRefused(t *testing.T) {
	tx, rx := ends(t, t.TempDir(), "")
	a, _ := wires(0)
	_, sendErr := tx.Send(t.Context(), a, counting(1), &endpoint.SendSettings{Dataset: "x.npz"})
	_, receiveErr := rx.Receive(t.Context(), a, &endpoint.ReceiveSettings{Dataset: "x.NPY"})
	for _, err := range []error{sendErr, receiveErr} {
		if !errors.Is(err, endpoint.ErrSettings) || !strings.Contains(err.Error(), "want a name for JSONL") {
			t.Errorf("got %v", err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	tx := testenv.Repo("testdata", "runspecs", "tx_sf7.yaml")
	missing := &endpoint.Settings{BAMManifest: "none/bam_manifest.json"}
	for _, c := range []struct {
		name, path, role string
		want             error
		text             string
	}{
		{"no such role", tx, "x", endpoint.ErrSettings, `endpoint: invalid settings: role is "x", want tx or rx`},
		{"the other role", tx, runspec.RoleRX, endpoint.ErrSettings, "endpoint: " + tx + ": invalid settings: role is tx, want rx"},
		{"no model", tx, runspec.RoleTX, codec.ErrNotFound, "endpoint: " + tx + ": none/bam_manifest.json: not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := endpoint.Open(c.path, c.role, missing); !errors.Is(err, c.want) || err.Error() != c.text {
				t.Errorf("got %v, want %s", err, c.text)
			}
		})
	}
}

func TestRadioSettingsOpen(t *testing.T) {
	tx, _ := ports(t)
	r, err := tx.Open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for _, s := range []*endpoint.RadioSettings{{Kind: "wifi"}, {Kind: endpoint.RadioUART, Port: filepath.Join(t.TempDir(), "tty")}} {
		if r, err := s.Open(t.Context(), nil); r != nil || err == nil {
			t.Errorf("%+v opens %v, %v", s, r, err)
		}
	}
}

// sourced passes over the windows of a source twice and returns those of the second pass.
func sourced(t *testing.T, s *endpoint.SourceSettings, spec *runspec.RunSpec, limit int) (windows []dataset.Window, err error) {
	t.Helper()
	seq, err := s.Windows(t.Context(), spec, limit)
	if err != nil {
		return nil, err
	}
	for range 2 {
		windows = nil
		for w, err := range seq {
			if err != nil {
				return nil, err
			}
			windows = append(windows, w)
		}
	}
	return windows, nil
}

// A context ends the reading of windows.
func TestSourceEndsWithItsContext(t *testing.T) {
	spec, err := runspec.Load(testenv.Repo("testdata", "runspecs", "tx_sf7.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seq, err := (&endpoint.SourceSettings{Samples: testenv.Repo("testdata", "walk.jsonl")}).Windows(ctx, spec, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err = range seq {
		if n++; n == 5 {
			cancel()
		}
	}
	if n > 6 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d windows, %v", n, err)
	}
}

func TestSource(t *testing.T) {
	walk := testenv.Repo("testdata", "walk.jsonl")
	spec, err := runspec.Load(testenv.Repo("testdata", "runspecs", "tx_sf7.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	set, incomplete, empty := filepath.Join(dir, "set.jsonl"), filepath.Join(dir, "incomplete.jsonl"), filepath.Join(dir, "empty.jsonl")
	windows, err := sourced(t, &endpoint.SourceSettings{Samples: walk}, spec, 10)
	if err != nil || len(windows) != 10 {
		t.Fatalf("%d windows, %v", len(windows), err)
	}
	if _, err := dataset.WriteFile(set, func(yield func(dataset.Window, error) bool) {
		for _, w := range windows {
			if !yield(w, nil) {
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(set)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(incomplete, b[:len(b)-20], 0o644), os.WriteFile(empty, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	limited := *spec
	limited.TX.MaxWindows = 4
	flat := *spec
	flat.Window.Dims = 6
	six := dataset.Columns{{Name: "ax"}, {Name: "ay"}, {Name: "az"}, {Name: "gx"}, {Name: "gy"}, {Name: "gz"}}
	for _, c := range []struct {
		name   string
		source endpoint.SourceSettings
		spec   *runspec.RunSpec
		limit  int
		n      int
		warned bool
		want   string
	}{
		{"a data set", endpoint.SourceSettings{Dataset: set}, spec, 0, 10, false, ""},
		{"limited by the caller", endpoint.SourceSettings{Dataset: set}, spec, 3, 3, false, ""},
		{"limited by the RunSpec", endpoint.SourceSettings{Samples: walk}, &limited, 9, 4, false, ""},
		{"an incomplete data set", endpoint.SourceSettings{Dataset: incomplete}, spec, 0, 9, true, ""},
		{"nothing in it", endpoint.SourceSettings{Samples: empty}, spec, 0, 0, false, "empty.jsonl"},
		{"no such file", endpoint.SourceSettings{Samples: empty + "x"}, spec, 0, 0, false, "no such file"},
		{"neither", endpoint.SourceSettings{}, spec, 0, 0, false, "want Samples or Dataset"},
		{"samples of another length", endpoint.SourceSettings{Samples: walk}, &flat, 0, 0, false, "window.dims is 6, want the 12 values of motion samples, or columns with the names of 6 values (--columns)"},
		{"six columns", endpoint.SourceSettings{Samples: walk, Columns: six}, &flat, 5, 5, false, ""},
		{"five columns", endpoint.SourceSettings{Samples: walk, Columns: six[:5]}, &flat, 0, 0, false, "window.dims is 6, want 5, the number of columns with values"},
		{"a column that is not there", endpoint.SourceSettings{Samples: walk, Columns: append(six[:5:5], dataset.Column{Name: "g"})}, &flat, 0, 0, false, "g: found no value, want a number; the line has the keys ts_ms, lat,"},
		{"columns twice", endpoint.SourceSettings{Samples: walk, Columns: append(six[:5:5], six[0])}, &flat, 0, 0, false, `Columns: two columns have the name "ax"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			warned := false
			c.source.Warn = func(error) { warned = true }
			got, err := sourced(t, &c.source, c.spec, c.limit)
			if len(got) != c.n || warned != c.warned || c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%d windows, warned %v, %v", len(got), warned, err)
			}
		})
	}
}

func TestWindowsRefused(t *testing.T) {
	dir := t.TempDir()
	short, noRecording := filepath.Join(dir, "short.jsonl"), filepath.Join(dir, "file")
	b, err := os.ReadFile(testenv.Repo("testdata", "walk.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	if err := errors.Join(os.WriteFile(short, []byte(first+"\n"), 0o644), os.WriteFile(noRecording, []byte("x\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	spec, err := runspec.Load(testenv.Repo("testdata", "runspecs", "tx_sf7.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	spec.Window.W = 2
	for _, c := range []struct {
		name, path, want string
		late             bool // found as it is read
	}{
		{"no such recording", filepath.Join(dir, "none.jsonl"), "none.jsonl", false},
		{"no recording at all", noRecording, "file:1: found", true},
		{"too short", short, "found too few samples for a window, want at least 2", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			windows, err := (&endpoint.SamplerSettings{Path: c.path}).Windows(spec)
			if c.late && err == nil {
				for _, err = range windows(t.Context()) {
				}
			}
			if (windows == nil) == c.late || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
