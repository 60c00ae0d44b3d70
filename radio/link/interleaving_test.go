package link

import (
	"math/rand/v2"
	"testing"
	"time"
)

// What one sender does is no sign of a second one; two counters are.
func TestInterleaving(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	one := func(n int, next func(i int, seq byte) byte) (seqs []byte) {
		seq := byte(250)
		for i := range n {
			seq = next(i, seq)
			seqs = append(seqs, seq)
		}
		return seqs
	}
	two := func(distance byte, loss float64) (seqs []byte) {
		for i := range 2000 {
			if rng.Float64() >= loss {
				seqs = append(seqs, byte(i/2)+byte(i%2)*distance)
			}
		}
		return seqs
	}
	for _, c := range []struct {
		name string
		span byte
		seqs []byte
		told bool
	}{
		{"one counter, which wraps", 2, one(2000, func(_ int, s byte) byte { return s + 1 }), false},
		{"losses", 2, one(2000, func(_ int, s byte) byte { return s + 1 + byte(rng.IntN(6)) }), false},
		{"restarts with a random SEQ", 2, one(2000, func(i int, s byte) byte {
			if i%10 == 0 {
				return byte(rng.Uint32())
			}
			return s + 1
		}), false},
		{"restarts with an older SEQ", 2, one(2000, func(i int, s byte) byte {
			if i%20 == 0 {
				return s - 12
			}
			return s + 1
		}), false},
		{"neighbours swapped", 2, one(2000, func(i int, _ byte) byte { return byte(i ^ 1) }), false},
		{"late within the span", 20, one(2000, func(i int, _ byte) byte {
			if i%5 == 0 {
				return byte(i - 15)
			}
			return byte(i)
		}), false},
		{"two counters", 2, two(100, 0), true},
		{"two counters half a round apart, with losses", 2, two(128, 0.4), true},
		{"two counters with losses", 2, two(30, 0.4), true},
		{"two equal counters", 2, two(0, 0), true},
	} {
		s := interleaving{span: c.span}
		told := 0
		for _, seq := range c.seqs {
			if s.add(seq) {
				told++
			}
		}
		if told > 0 != c.told {
			t.Errorf("%s: told %d times in %d windows, want it told: %v", c.name, told, len(c.seqs), c.told)
		}
	}
}

// A frame with the SEQ of a delivered window and another payload is a window of its own.
func TestConflictIsNoRepetition(t *testing.T) {
	r := newReceiver(t, nil)
	for _, c := range []struct{ payload, want string }{
		{"ab", "rx_ok deliver:6162 ack_sent send:010009"},
		{"cd", "rx_ok rx_conflict deliver:6364 ack_sent send:010109"},
		{"ab", "rx_ok ack_sent send:010209"},
		{"cd", "rx_ok ack_sent send:010309"},
	} {
		if got := kinds(r, time.Second, data(9, c.payload)); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.payload, got, c.want)
		}
	}
}
