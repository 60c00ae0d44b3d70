package codec_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

// script drives an encoder and a decoder. Words of a script:
//
//	s5    encode a window with SEQ 5
//	+5    it arrives, and must be decoded
//	!5    it arrives, and must not be decoded: it builds on what is not known
//	a5    it is acknowledged
//	g5    it is given up
//	T, R  the sender, the receiver restarts
//
// What s must give follows it: s5=2 builds on SEQ 3, s5=k is a key frame of another
// epoch than the last, s5=K one of the same.
func runScript(t *testing.T, params codec.Params, script string) {
	t.Helper()
	params.Tolerances = []float64{0.5, 3}
	c, err := codec.NewPredictive(sensor.Shape{Dims: 2, W: 1}, params, nil)
	if err != nil {
		t.Fatal(err)
	}
	epoch := uint16(0)
	next := func() uint16 { epoch += 257; return epoch }
	encoder, decoder := c.NewEncoder(next), c.NewDecoder()
	payloads, windows := map[byte][]byte{}, map[byte][]float64{}
	last := 0 // epoch
	for i, word := range strings.Fields(script) {
		var seq byte
		var want string
		if len(word) > 1 {
			number, rest, _ := strings.Cut(word[1:], "=")
			if _, err := fmt.Sscan(number, &seq); err != nil {
				t.Fatal(err)
			}
			want = rest
		}
		switch word[0] {
		case 's':
			windows[seq] = []float64{float64(i), float64(i * i % 100)}
			payload, err := encoder.AppendEncode(nil, seq, windows[seq])
			if err != nil {
				t.Fatal(err)
			}
			payloads[seq] = payload
			got := fmt.Sprint(c.Reference(payload))
			if got == "0" {
				e := int(payload[1]&15)<<12 | int(payload[2])<<4 | int(payload[3]>>4)
				got = "k"
				if e == last {
					got = "K"
				}
				last = e
			}
			if got != want {
				t.Errorf("word %d, %s: builds on %s", i, word, got)
			}
		case '+', '!':
			got, err := decoder.AppendDecode(nil, seq, slices.Clone(payloads[seq]))
			if word[0] == '!' {
				if !errors.Is(err, codec.ErrReference) {
					t.Errorf("word %d, %s: %v, want ErrReference", i, word, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("word %d, %s: %v", i, word, err)
				continue
			}
			within(t, c, windows[seq], got, c.Tolerances())
		case 'a':
			encoder.Acked(seq)
		case 'g':
			encoder.GivenUp(seq)
		case 'T':
			encoder = c.NewEncoder(next)
		case 'R':
			decoder = c.NewDecoder()
		}
	}
}

func TestPredictiveProtocol(t *testing.T) {
	twoWay := codec.Params{}
	for name, c := range map[string]struct {
		params codec.Params
		script string
	}{
		"stop-and-wait":                        {twoWay, "s0=k +0 a0 s1=1 +1 a1 s2=1 +2 a2"},
		"SEQ wraps":                            {twoWay, "s255=k +255 a255 s0=1 +0 a0 s1=1 +1"},
		"in flight":                            {twoWay, "s0=k s1=K s2=K +0 +1 +2 a0 s3=3 +3 a1 s4=3 +4 a4 s5=1 +5"},
		"ACKs out of order":                    {twoWay, "s0=k s1=K +0 +1 a1 a0 s2=1 +2"},
		"frames out of order":                  {twoWay, "s0=k +0 a0 s1=1 s2=2 s3=3 +3 +2 +1 a3 s4=1 +4"},
		"a window is given up":                 {twoWay, "s0=k +0 a0 s1=1 g1 s2=2 +2 a2 s3=1 +3"},
		"an ACK is lost":                       {twoWay, "s0=k +0 a0 s1=1 +1 g1 s2=2 +2 a2 s3=1 +3"},
		"three given up":                       {twoWay, "s0=k +0 a0 s1=1 g1 s2=2 g2 s3=3 g3 s4=k +4 a4 s5=1 +5"},
		"an ACK between":                       {twoWay, "s0=k +0 a0 s1=1 g1 s2=2 g2 s3=3 +3 a3 s4=1 g4 s5=2 g5 s6=3 +6"},
		"key_after 1":                          {codec.Params{KeyAfter: 1}, "s0=k +0 a0 s1=1 g1 s2=k +2 a2 s3=1"},
		"key frames until one is acknowledged": {twoWay, "s0=k g0 s1=K g1 s2=K g2 s3=K g3 s4=K +4 a4 s5=1 +5"},
		"a late key frame of the same epoch":   {twoWay, "s0=k g0 s1=K +1 a1 +0 s2=1 +2"},
		"a late key frame of another epoch":    {codec.Params{KeyAfter: 1}, "s0=k g0 s1=K +1 a1 s2=1 g2 s3=k +3 a3 s4=1 +0 !4 g4 s5=k +5"},
		"an ACK of another epoch":              {codec.Params{KeyAfter: 1}, "s0=k +0 a0 s1=1 s2=2 +2 g1 s3=k a2 s4=K +3 a3 s5=2 +5"},
		"too far":                              {twoWay, "s0=k +0 a0 s15=15 s16=k"},
		"far, and remembered":                  {twoWay, "s0=k +0 a0 s14=14 +14 s15=15 +15"},
		"another window in the same place":     {twoWay, "s0=k +0 a0 s15=15 +15 a15 s30=15 +30 a30 s32=2 a32 s33=1 !33"},
		"a late window of the same place":      {twoWay, "s0=k +0 a0 s4=4 +4 a4 s5=1 g5 s15=11 +15 a15 s30=15 +30 a30 s37=7 +37 a37 +5 s38=1 +38"},
		"the receiver restarts":                {twoWay, "s0=k +0 a0 R s1=1 !1 g1 s2=2 !2 g2 s3=3 !3 g3 s4=k +4 a4 s5=1 +5"},
		"the sender restarts":                  {twoWay, "s0=k +0 a0 s1=1 T s2=k +2 a2 !1 s3=1 +3"},
		"a window that was not sent":           {twoWay, "s0=k +0 a0 s1=1 s1=1 +1 a1 s2=1 +2"},
		"a key frame that was not sent":        {twoWay, "s0=k s0=K +0 a0 s1=1 +1"},
		"what was not sent is acknowledged":    {twoWay, "s0=k +0 a0 a7 g9 s1=1 +1"},
		"one-way, chain":                       {codec.Params{KeyEvery: 4}, "s0=k +0 s1=1 +1 a0 g0 s2=1 +2 s3=1 +3 s4=k +4 s5=1"},
		"one-way, chain, a loss":               {codec.Params{KeyEvery: 4}, "s0=k +0 s1=1 s2=1 !2 s3=1 !3 s4=k +4 s5=1 +5"},
		"one-way, from key":                    {codec.Params{KeyEvery: 4, PredictFrom: codec.FromKey}, "s0=k +0 s1=1 s2=2 +2 s3=3 +3 s4=k s5=1 !5 s6=2 !6"},
		"one-way, what was not sent":           {codec.Params{KeyEvery: 2}, "s0=k s0=k +0 s1=1 s1=1 +1 s2=k +2"},
		"only key frames":                      {codec.Params{KeyEvery: 1}, "s0=k +0 s1=k +1 s2=k +2"},
	} {
		t.Run(name, func(t *testing.T) { runScript(t, c.params, c.script) })
	}
}

// A receiver keeps what a window in flight may build on, however late it comes.
func TestPredictiveKeepsReferences(t *testing.T) {
	words := []string{"s0=k", "+0", "a0", "s1=1", "s2=2", "+2", "a2"} // 1 is late
	for i := 3; i <= 15; i++ {
		words = append(words, fmt.Sprintf("s%d=1 +%d a%d", i, i, i))
	}
	words = append(words, "+1")
	runScript(t, codec.Params{}, strings.Join(words, " "))
}

// A payload that is decoded in vain leaves the receiver as it was.
func TestPredictiveCorruptPayloads(t *testing.T) {
	c := newPredictive(t, 1, codec.Params{})
	encoder, decoder := c.NewEncoder(func() uint16 { return 99 }), c.NewDecoder()
	windows := [][]float64{make([]float64, 12), slices.Repeat([]float64{1}, 12), slices.Repeat([]float64{2}, 12)}
	for seq, w := range windows {
		payload, err := encoder.AppendEncode(nil, byte(seq), w)
		if err != nil {
			t.Fatal(err)
		}
		encoder.Acked(byte(seq))
		// Damage within eight successive bits is always found, and any payload that is cut
		// short or too long nearly always.
		for i := range 8 * len(payload) {
			for _, pattern := range []byte{1, 3, 0x81, 0xff} {
				damaged := slices.Clone(payload)
				if damaged[i/8] ^= pattern << (i % 8); damaged[i/8] == payload[i/8] {
					continue
				}
				if _, err := decoder.AppendDecode(nil, byte(seq), damaged); !errors.Is(err, codec.ErrCorrupt) {
					t.Fatalf("window %d, byte %d, pattern %#x: %v, want ErrCorrupt", seq, i/8, pattern<<(i%8), err)
				}
			}
		}
		if _, err := decoder.AppendDecode(nil, byte(seq)^4, payload); !errors.Is(err, codec.ErrCorrupt) {
			t.Errorf("another SEQ: %v, want ErrCorrupt", err)
		}
		for _, wrong := range [][]byte{nil, {0}, payload[:1], append(slices.Clone(payload), 0), make([]byte, 239)} {
			if out, err := decoder.AppendDecode([]float64{5}, byte(seq), wrong); !errors.Is(err, codec.ErrCorrupt) || len(out) != 1 {
				t.Errorf("% x: %v, %v, want ErrCorrupt", wrong, out, err)
			}
		}
		got, err := decoder.AppendDecode(nil, byte(seq), payload)
		if err != nil {
			t.Fatal(err)
		}
		within(t, c, w, got, c.Tolerances())
	}
	if payload, err := encoder.AppendEncode(nil, 3, windows[0]); err != nil {
		t.Fatal(err)
	} else if _, err := c.AppendDecode(nil, payload); !errors.Is(err, codec.ErrReference) {
		t.Errorf("without memory: %v, want ErrReference", err)
	}
}

// A decoder with all its references takes at most a mebibyte.
func TestPredictiveDecoderMemory(t *testing.T) {
	testenv.Long(t) // the race detector takes memory too
	c := newPredictive(t, 1, codec.Params{})
	encoder := c.NewEncoder(nil)
	var payloads [][]byte
	window := make([]float64, 12)
	for i := range 40 {
		window[i%12]++
		payload, err := encoder.AppendEncode(nil, byte(i), window)
		if err != nil {
			t.Fatal(err)
		}
		encoder.Acked(byte(i))
		payloads = append(payloads, payload)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	decoder := c.NewDecoder()
	for i, p := range payloads {
		if _, err := decoder.AppendDecode(window[:0], byte(i), p); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes, want at most %d", n, 1<<20)
	} else {
		t.Logf("%d bytes", n)
	}
}
