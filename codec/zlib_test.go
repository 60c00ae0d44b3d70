package codec_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/loralink/loralink-go/codec"
)

// A payload is one block and no empty one after it, whatever the window and the level,
// and any decoder of zlib streams reads it.
func TestZlibIsOneBlock(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for level := -1; level <= 9; level++ {
		for _, n := range []int{1, 2, 12, 24, 120} {
			c, err := codec.NewZlib(n, codec.DefaultRawScale, level)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := codec.NewRaw(n, codec.DefaultRawScale)
			if err != nil {
				t.Fatal(err)
			}
			for round := range 200 {
				window := make([]float64, n)
				for i := range window {
					window[i] = rng.Float64()*2 - 1
					if rng.IntN(10) < round%10 {
						window[i] = float64(rng.IntN(3) - 1)
					}
				}
				plain, err := raw.AppendEncode(nil, window)
				if err != nil {
					t.Fatal(err)
				}
				payload, err := c.AppendEncode([]byte("before"), window)
				if err != nil || string(payload[:6]) != "before" {
					t.Fatal(err)
				}
				payload = payload[6:]
				if payload[2]&1 == 0 {
					t.Fatalf("level %d, %d values: the first block of %x is not the last", level, n, payload)
				}
				r, err := zlib.NewReader(bytes.NewReader(payload))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("level %d, %d values: %x inflates to %x, %v, want %x", level, n, payload, got, err, plain)
				}
				if _, err := c.AppendDecode(nil, payload); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// Windows of equal values become 14 and 12 bytes; zlib's own library makes 14 and 13.
func TestZlibLengths(t *testing.T) {
	c, err := codec.NewZlib(12, codec.DefaultRawScale, codec.DefaultZlibLevel)
	if err != nil {
		t.Fatal(err)
	}
	for first, want := range []int{14, 12} {
		window := make([]float64, 12)
		for i := range window {
			window[i] = float64(first + i)
		}
		if got, err := c.AppendEncode(nil, window); err != nil || len(got) != want {
			t.Errorf("window from %d: %d bytes, %v, want %d", first, len(got), err, want)
		}
	}
}
