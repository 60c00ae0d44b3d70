// Package killtest kills programs at random times, and checks that what they leave can
// be used. LORALINK_KILLS is the number of kills of each program; without it the tests
// are skipped:
//
//	LORALINK_KILLS=20 go test ./internal/killtest
//
// The programs are built with the tag slowdisk, which makes the steps of writing slow, so
// that many kills hit them.
package killtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/udp"
	"github.com/loralink/loralink-go/runspec"
)

// radioKills returns the number of kills, or skips the test.
func radioKills(t *testing.T) int {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no SIGKILL")
	}
	return testenv.Kills(t)
}

// radioBench is a link over UDP, one of whose ends is a program that is killed.
type radioBench struct {
	dir            string
	bin            string // the program
	args           []string
	random         *rand.Rand
	txAddr, rxAddr string
}

const radioSpec = `run_id: walk
role: %s
mode: LATENT
phy: {profile: e22_62.5k, tx_power_dbm: 22}
window: {dims: 12, W: 1, stride: 1, sample_hz: 1.0}
codec: {id: sensor12_packed, version: "1"}
tx: {guard_ms: 2, ack_timeout_ms: 150, max_retries: 1000, max_inflight: 1}
logging: {out_dir: %q}
`

// newRadioBench builds examples/role.
func newRadioBench(t *testing.T, role string) *radioBench {
	t.Helper()
	b := &radioBench{dir: t.TempDir(), random: rand.New(rand.NewPCG(1, 2))}
	b.bin = filepath.Join(b.dir, role)
	build := exec.Command("go", "build", "-tags", "slowdisk", "-o", b.bin, "./examples/"+role)
	build.Dir = testenv.Repo()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./examples/%s: %v\n%s", role, err, out)
	}
	var addr [2]string
	for i := range addr {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		addr[i] = c.LocalAddr().String()
	}
	b.txAddr, b.rxAddr = addr[0], addr[1]
	local, remote := b.txAddr, b.rxAddr
	if role == runspec.RoleRX {
		local, remote = remote, local
	}
	b.args = []string{"--runspec", b.spec(t, role), "--udp-local", local, "--udp-remote", remote}
	return b
}

// spec writes the RunSpec of a role and returns its path.
func (b *radioBench) spec(t *testing.T, role string) string {
	t.Helper()
	path := filepath.Join(b.dir, role+".yaml")
	if err := os.WriteFile(path, fmt.Appendf(nil, radioSpec, role, b.dir), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// open returns the end that is not a program, and its radio.
func (b *radioBench) open(t *testing.T, role string) (*endpoint.Endpoint, *udp.Radio) {
	t.Helper()
	e, err := endpoint.Open(b.spec(t, role), role, nil)
	if err != nil {
		t.Fatal(err)
	}
	local, remote := b.txAddr, b.rxAddr
	if role == runspec.RoleRX {
		local, remote = remote, local
	}
	r, err := udp.Open(udp.Settings{Local: local, Remote: remote})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return e, r
}

// kill runs the program, and kills it after a random time, which is counted from its
// start or from its first line.
func (b *radioBench) kill(t *testing.T) {
	t.Helper()
	cmd := exec.Command(b.bin, b.args...)
	cmd.Dir, cmd.Stderr = testenv.Repo(), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if b.random.IntN(4) > 0 {
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Errorf("the program ended by itself: %q, %v", line, err)
		}
	}
	time.Sleep(time.Duration(b.random.IntN(300)) * time.Millisecond)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}

// windows returns the windows of a data set.
func (b *radioBench) windows(t *testing.T, name string) (all []dataset.Window) {
	t.Helper()
	for w, err := range dataset.OpenWindows(filepath.Join(b.dir, name), dataset.WindowSettings{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

// A receiver is killed wherever it stands: each window that the sender counts as
// acknowledged is in the receiver's data set, once.
func TestKillRX(t *testing.T) {
	kills := radioKills(t)
	b := newRadioBench(t, runspec.RoleRX)
	b.args = append(b.args, "--dataset-out", filepath.Join(b.dir, "received.jsonl"))
	tx, r := b.open(t, runspec.RoleTX)
	var stop atomic.Bool
	sent := 0
	source := func(context.Context) iter.Seq2[dataset.Window, error] {
		return func(yield func(dataset.Window, error) bool) {
			for !stop.Load() {
				w := dataset.Window{Values: make([]float64, 12)}
				w.Values[2] = float64(sent) // the altitude tells windows apart
				if sent++; !yield(w, nil) {
					return
				}
			}
		}
	}
	var metrics runlog.Metrics
	var wg sync.WaitGroup
	wg.Go(func() {
		var err error
		if metrics, err = tx.Send(context.Background(), r, source, nil); err != nil {
			t.Errorf("tx: %v", err)
		}
	})
	for range kills {
		b.kill(t)
	}
	// A last run ends in order, after the sender.
	last := exec.Command(b.bin, b.args...)
	last.Dir, last.Stderr = testenv.Repo(), os.Stderr
	if err := last.Start(); err != nil {
		t.Fatal(err)
	}
	stop.Store(true)
	wg.Wait()
	if err := errors.Join(last.Process.Signal(os.Interrupt), last.Wait()); err != nil {
		t.Errorf("rx: %v", err)
	}
	if metrics.Acked != sent {
		t.Errorf("%d windows sent, %d acknowledged", sent, metrics.Acked)
	}
	count := map[int]int{}
	for _, w := range b.windows(t, "received.jsonl") {
		count[int(w.Values[2]+0.5)]++
	}
	lost, twice := 0, 0
	for i := range sent {
		switch n := count[i]; {
		case n == 0:
			lost++
		case n > 1:
			twice++
		}
	}
	if lost > 0 || twice > 0 || len(count) != sent {
		t.Errorf("of %d windows that were acknowledged, %d are missing and %d come twice; %d are in the data set", sent, lost, twice, len(count))
	}
	t.Logf("%d kills, %d windows", kills, sent)
}

// A sender is killed wherever it stands: no window_id comes twice, and the receiver takes
// no window of a run for one of an earlier run.
func TestKillTX(t *testing.T) {
	kills := radioKills(t)
	b := newRadioBench(t, runspec.RoleTX)
	b.args = append(b.args, "--dataset-out", filepath.Join(b.dir, "sent.jsonl"), "--sensor-path", testenv.Repo("testdata", "walk.jsonl"), "--sensor-loop", "--max-seconds", "60")
	rx, r := b.open(t, runspec.RoleRX)
	delivered := map[string]bool{}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := rx.Receive(ctx, r, &endpoint.ReceiveSettings{OnDelivery: func(_ context.Context, d link.Delivery) error {
			delivered[string(d.Payload)] = true
			return nil
		}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("rx: %v", err)
		}
	})
	for range kills {
		b.kill(t)
		s, err := endpoint.OpenState(b.dir, "walk")
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	// A last run that ends in order repairs what the last kill left.
	b.args[len(b.args)-1] = "1.5"
	last := exec.Command(b.bin, b.args...)
	last.Dir = testenv.Repo()
	if out, err := last.CombinedOutput(); err != nil {
		t.Errorf("tx: %v\n%s", err, out)
	}
	stop()
	wg.Wait()

	id, ids := int64(-1), map[int64]bool{}
	for _, w := range b.windows(t, "sent.jsonl") {
		if w.ID <= id {
			t.Fatalf("window_id %d after %d", w.ID, id)
		}
		id, ids[w.ID] = w.ID, true
	}
	first, payloads, acked := map[int64]int{}, map[int64]string{}, 0
	for e, err := range runlog.OpenEntries(filepath.Join(b.dir, "walk_tx.jsonl")) {
		if err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case link.EventTxSent:
			payloads[e.WindowID] = string(e.Payload)
			if e.Attempt == 1 {
				first[e.WindowID]++
			}
			if first[e.WindowID] > 1 || !ids[e.WindowID] {
				t.Fatalf("window_id %d was sent by %d runs, in the data set: %v", e.WindowID, first[e.WindowID], ids[e.WindowID])
			}
		case link.EventAckReceived:
			acked++
			if !delivered[payloads[e.WindowID]] {
				t.Fatalf("window_id %d was acknowledged and not delivered", e.WindowID)
			}
		}
	}
	if acked == 0 {
		t.Error("nothing was acknowledged")
	}
	t.Logf("%d kills, %d windows acknowledged", kills, acked)
}
