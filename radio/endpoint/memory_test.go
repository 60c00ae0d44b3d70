package endpoint

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
)

// errKilled ends a receiver at a step of a delivery.
var errKilled = errors.New("killed")

// A receiver is killed 2,000 times, at every step of a delivery, while its sender repeats
// what is not acknowledged. It delivers 20,000 windows, none of them twice, and loses none
// that it acknowledged. With a call, a window can be delivered again only if the call had
// not returned.
func TestRestartedReceiverRemembers(t *testing.T) {
	for _, c := range []struct {
		name          string
		dataset, call bool
	}{
		{"data set", true, false},
		{"function", false, true},
		{"neither", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			const windows, kills = 20_000, 2000
			rng := rand.New(rand.NewPCG(1, 2))
			f, err := os.Create(filepath.Join(t.TempDir(), "walk_rx.state"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			set := ""
			if c.dataset {
				set = "set.jsonl"
			}
			phy := radio.PHY{SF: 7, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, CRC: true, ExplicitHeader: true}
			now := time.Unix(1_700_000_000, 0)
			size := int64(100)
			delivered := make([]int, windows)
			var m *memory
			var r *link.Receiver
			restart := func() {
				m = newMemory(f, set)
				old, err := m.delivered(now, size)
				if err != nil {
					t.Fatal(err)
				}
				if r, err = link.NewReceiver(link.ReceiverSettings{Timing: link.Timing{PHY: phy}, Delivered: old}); err != nil {
					t.Fatal(err)
				}
			}
			restart()
			killed := 0
			// receive passes a frame to the receiver, which may be killed at a step, and returns
			// whether its ACK was sent.
			receive := func(i int, frame []byte, kill bool) (acked bool, err error) {
				step := rng.IntN(4)
				if !c.dataset && !c.call {
					step = 2 + step/2
				}
				if !kill {
					step = -1
				}
				actions, _ := r.Step(now, link.Received(radio.Reception{Frame: frame}), nil)
				for _, a := range actions {
					switch a.Kind {
					case link.ActionDeliver:
						var write, call func() error
						if c.dataset {
							write = func() error {
								if step == 0 {
									return errKilled // before the write
								}
								size += 50
								delivered[i]++
								if step == 1 {
									return errKilled // after it
								}
								return nil
							}
						}
						if c.call {
							call = func() error {
								if step == 0 || step == 1 {
									return errKilled // before the call has done anything
								}
								delivered[i]++
								return nil
							}
						}
						if !c.dataset && !c.call {
							delivered[i]++
						}
						if err := m.deliver(a.Delivery, func() (int64, error) { return size, nil }, write, call); err != nil {
							return false, err
						}
						if step == 2 {
							return false, errKilled // before the ACK
						}
					case link.ActionSend:
						if step == 3 {
							return true, errKilled // after the ACK
						}
						return true, nil
					}
				}
				if kill {
					return false, errKilled
				}
				return false, nil
			}
			for i := range windows {
				frame, err := radio.AppendFrame(nil, byte(i), []byte{byte(i % 7), 1}) // few payloads, so that they come again
				if err != nil {
					t.Fatal(err)
				}
				for try := 0; ; try++ {
					now = now.Add(time.Duration(50+rng.IntN(100)) * time.Millisecond)
					acked, err := receive(i, frame, killed < kills && rng.IntN(windows/kills) == 0)
					if errors.Is(err, errKilled) {
						killed++
						now = now.Add(time.Duration(rng.IntN(1000)) * time.Millisecond)
						restart()
					} else if err != nil {
						t.Fatal(err)
					}
					if acked && rng.IntN(5) > 0 { // the others are lost on the air
						break
					}
					if try == 50 {
						t.Fatalf("window %d is never acknowledged", i)
					}
				}
			}
			if lost := slices.Index(delivered, 0); lost >= 0 {
				t.Errorf("window %d was acknowledged and not delivered", lost)
			}
			twice := 0
			for _, n := range delivered {
				twice += max(n-1, 0)
			}
			if twice > 0 || killed < kills*9/10 {
				t.Errorf("%d windows delivered twice in %d restarts", twice, killed)
			}
		})
	}
}

// A clock that is set back does not make a receiver forget, and a damaged slot or a data
// set that lacks the window does.
func TestMemoryDoubts(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		name    string
		later   time.Duration
		size    int64
		dataset string
		damage  bool
		kept    bool
	}{
		{"as it was", time.Second, 150, "set", false, true},
		{"clock set back", -time.Hour, 150, "set", false, true},
		{"not written to the data set", time.Second, 100, "set", false, false},
		{"another data set", time.Second, 150, "other", false, false},
		{"damaged", time.Second, 150, "set", true, false},
	} {
		f, err := os.Create(filepath.Join(t.TempDir(), "rx.state"))
		if err != nil {
			t.Fatal(err)
		}
		d := link.Delivery{Seq: 7, Payload: []byte{1, 2}, Time: now}
		nothing := func() error { return nil }
		if err := newMemory(f, "set").deliver(d, func() (int64, error) { return 100, nil }, nothing, nil); err != nil {
			t.Fatal(err)
		}
		if c.damage {
			if _, err := f.WriteAt([]byte{1}, 7*memoryDepth*memorySlot+40); err != nil {
				t.Fatal(err)
			}
		}
		at := now.Add(c.later)
		got, err := newMemory(f, c.dataset).delivered(at, c.size)
		if err != nil || len(got) == 1 != c.kept || c.kept && (got[0].Time.After(at) || got[0].Payload != link.DigestOf(d.Payload)) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
		f.Close()
	}
}

// A clock that jumps between two runs neither grants more than the time that it skips nor
// locks for more than an hour.
func TestAirtimeClockJumps(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	const spent = 3 * time.Second
	write := []link.Spent{{Age: 10 * time.Minute, TimeOnAir: spent}}
	for _, c := range []struct {
		name   string
		later  time.Duration
		damage int64 // where a byte is changed; 0: none
		age    time.Duration
		onAir  time.Duration
	}{
		{"a minute later", time.Minute, 0, 11 * time.Minute, spent},
		{"set back a day", -24 * time.Hour, 0, 10 * time.Minute, spent},
		{"half an hour forward", 30 * time.Minute, 0, 40 * time.Minute, spent},
		{"damaged: all is spent now", time.Minute, 9, 0, 36 * time.Second},
	} {
		f, err := os.Create(filepath.Join(t.TempDir(), "tx.airtime"))
		if err != nil {
			t.Fatal(err)
		}
		a := &airtime{f: f}
		if err := a.store(now, func(dst []link.Spent, _ time.Time) []link.Spent { return append(dst, write...) }); err != nil {
			t.Fatal(err)
		}
		if c.damage > 0 {
			if _, err := f.WriteAt([]byte{0xff}, c.damage); err != nil {
				t.Fatal(err)
			}
		}
		got, err := (&airtime{f: f}).load(now.Add(c.later), 36*time.Second)
		if err != nil || len(got) != 1 || got[0] != (link.Spent{Age: c.age, TimeOnAir: c.onAir}) {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
		f.Close()
	}
}
