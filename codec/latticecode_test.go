package codec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever tokens follow each other, the decoder reads them again, and the code
// is as short as their frequencies say.
func TestLatticeCoder(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		p := make([]float64, latticeTokens)
		sum, steep := 0.0, math.Exp(rng.Float64()*4)
		for i := range p {
			p[i] = math.Pow(rng.Float64(), steep)
			sum += p[i]
		}
		for i := range p {
			p[i] /= sum
		}
		f := newFrequencies(wholeFrequencies(p))
		var e rangeEncoder
		e.reset()
		tokens := make([]int, rng.IntN(60))
		plains := make([]uint64, len(tokens))
		cost := 0
		for i := range tokens {
			switch tokens[i] = rng.IntN(latticeTokens); rng.IntN(3) {
			case 0:
				tokens[i] = 0
			case 1:
				tokens[i] = latticeTokens - 1
			}
			e.token(&f, tokens[i])
			n := plainBits(tokens[i])
			if plains[i] = rng.Uint64() & (1<<n - 1); n > 0 {
				e.put(plains[i], 1, n)
			}
			cost += int(f.cost[tokens[i]]) + n*costUnit
		}
		e.finish()
		if most := (cost/costUnit+2+7)/8 + 1; len(e.out) > most {
			t.Errorf("%d bytes for %d/%d bits, want at most %d", len(e.out), cost, costUnit, most)
		}
		var d rangeDecoder
		d.reset(append(slices.Clone(e.out), make([]byte, rng.IntN(3))...))
		for i, want := range tokens {
			got := d.token(&f)
			plain, ok := uint64(0), true
			if n := plainBits(want); n > 0 {
				plain, ok = d.plain(n)
			}
			if got != want || plain != plains[i] || !ok {
				t.Fatalf("token %d of %d: %d %d, want %d %d", i, len(tokens), got, plain, want, plains[i])
			}
		}
	}
}

func TestLatticeTokens(t *testing.T) {
	for _, a := range []int64{0, 1, 15, 16, 17, 18, 19, 29, 30, 31, 1 << 20, 1<<32 + 14} {
		for _, d := range []int64{a, -a} {
			token, plain, n := tokenOf(d)
			if got := distanceOf(token, plain); got != d || token < 0 || token >= latticeTokens || n != plainBits(token) || plain>>n != 0 {
				t.Errorf("%d is token %d, %d in %d bits, which is %d", d, token, plain, n, got)
			}
		}
	}
	for _, v := range []struct {
		n    uint32
		want float64
	}{{1, 0}, {2, 1}, {3, math.Log2(3)}, {65535, 16}, {65536, 16}, {1000, math.Log2(1000)}} {
		if got := float64(log2(v.n)) / costUnit; math.Abs(got-v.want) > 1.0/costUnit {
			t.Errorf("log2(%d) is %g, want %g", v.n, got, v.want)
		}
	}
}
