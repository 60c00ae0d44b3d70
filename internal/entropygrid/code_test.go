package entropygrid

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever symbols follow each other, the decoder reads them again, and the code
// is as short as their frequencies say.
func TestCoder(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		p := make([]float64, Symbols)
		sum, steep := 0.0, math.Exp(rng.Float64()*4)
		for i := range p {
			p[i] = math.Pow(rng.Float64(), steep)
			sum += p[i]
		}
		for i := range p {
			p[i] /= sum
		}
		f := newFrequencies(WholeFrequencies(p))
		var e rangeEncoder
		e.reset()
		symbols := make([]int, rng.IntN(60))
		bypasses := make([]uint64, len(symbols))
		cost := 0
		for i := range symbols {
			switch symbols[i] = rng.IntN(Symbols); rng.IntN(3) {
			case 0:
				symbols[i] = 0
			case 1:
				symbols[i] = Symbols - 1
			}
			e.symbol(&f, symbols[i])
			n := bypassBits(symbols[i])
			if bypasses[i] = rng.Uint64() & (1<<n - 1); n > 0 {
				e.put(bypasses[i], 1, n)
			}
			cost += int(f.cost[symbols[i]]) + n*CostUnit
		}
		e.finish()
		if most := (cost/CostUnit+2+7)/8 + 1; len(e.out) > most {
			t.Errorf("%d bytes for %d/%d bits, want at most %d", len(e.out), cost, CostUnit, most)
		}
		var d rangeDecoder
		d.reset(append(slices.Clone(e.out), make([]byte, rng.IntN(3))...))
		for i, want := range symbols {
			got := d.symbol(&f)
			bypass, ok := uint64(0), true
			if n := bypassBits(want); n > 0 {
				bypass, ok = d.bypass(n)
			}
			if got != want || bypass != bypasses[i] || !ok {
				t.Fatalf("symbol %d of %d: %d %d, want %d %d", i, len(symbols), got, bypass, want, bypasses[i])
			}
		}
	}
}

func TestSymbols(t *testing.T) {
	for _, a := range []int64{0, 1, 15, 16, 17, 18, 19, 29, 30, 31, 1 << 20, 1<<32 + 14} {
		for _, d := range []int64{a, -a} {
			symbol, bypass, n := SymbolOf(d)
			if got := distanceOf(symbol, bypass); got != d || symbol < 0 || symbol >= Symbols || n != bypassBits(symbol) || bypass>>n != 0 {
				t.Errorf("%d is symbol %d, %d in %d bits, which is %d", d, symbol, bypass, n, got)
			}
		}
	}
	for _, v := range []struct {
		n    uint32
		want float64
	}{{1, 0}, {2, 1}, {3, math.Log2(3)}, {65535, 16}, {65536, 16}, {1000, math.Log2(1000)}} {
		if got := float64(log2(v.n)) / CostUnit; math.Abs(got-v.want) > 1.0/CostUnit {
			t.Errorf("log2(%d) is %g, want %g", v.n, got, v.want)
		}
	}
}
