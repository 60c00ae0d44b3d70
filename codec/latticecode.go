package codec

import "math/bits"

// A window's cells as bytes: an arithmetic code (Rissanen and Langdon 1979)
// with 64-bit integers, whose carries run back into the bytes already out. A
// code ends where zeros may follow for ever, so that a payload is a code filled
// up with zeros, and a decoder reads zeros past the end.

// Each table's frequencies sum to 1<<frequencyBits.
const (
	frequencyBits = 16
	// directCells is the largest distance in cells with a frequency of its own.
	directCells = 15
	// Larger distances are in classes that double: class k holds those of
	// 2^k-1 to 2^(k+1)-2 beyond the first.
	distanceClasses = 32
	// latticeTokens are the distances -directCells..directCells, and the
	// classes. Behind the token of a class of k follow k+1 plain bits: the
	// distance within the class, and its sign as the lowest bit.
	latticeTokens = 2*directCells + 1 + distanceClasses
)

// tokenOf is the token of a distance, and for a class the plain bits behind it
// and their number. The class of a distance that is too large is distanceClasses
// or more.
func tokenOf(d int64) (token int, plain uint64, n int) {
	if d >= -directCells && d <= directCells {
		return int(d) + directCells, 0, 0
	}
	sign := uint64(0)
	a := uint64(d)
	if d < 0 {
		sign, a = 1, -a
	}
	a -= directCells // 1 or more
	k := bits.Len64(a) - 1
	return 2*directCells + 1 + k, (a-1<<k)<<1 | sign, k + 1
}

// distanceOf undoes tokenOf.
func distanceOf(token int, plain uint64) int64 {
	if token <= 2*directCells {
		return int64(token) - directCells
	}
	k := token - 2*directCells - 1
	d := int64(1<<k+plain>>1) + directCells
	if plain&1 != 0 {
		return -d
	}
	return d
}

// plainBits is how many plain bits follow a token.
func plainBits(token int) int {
	return max(0, token-2*directCells)
}

// frequencies are those of tokens, as a code needs them.
type frequencies struct {
	cum  []uint32 // sums of what is before each token, and of all
	cost []int32  // of each token and its plain bits, in costUnit parts of a bit
}

const costUnit = 256

// newFrequencies takes frequencies of at least 1 that sum to 1<<frequencyBits.
func newFrequencies(f []int) frequencies {
	t := frequencies{cum: make([]uint32, len(f)+1), cost: make([]int32, len(f))}
	for i, n := range f {
		t.cum[i+1] = t.cum[i] + uint32(n)
		t.cost[i] = int32(costUnit*frequencyBits - log2(uint32(n)))
	}
	return t
}

// log2 is the binary logarithm of n, at least 1, in parts of 1/costUnit, by
// repeated squaring: the choice of a mode must not hang on a processor's
// floating point.
func log2(n uint32) int {
	whole := bits.Len32(n) - 1
	x := uint64(n) << (31 - whole) // 1..2, times 1<<31
	part := 0
	for unit := costUnit / 2; unit > 0; unit /= 2 {
		if x = x * x >> 31; x >= 1<<32 {
			x >>= 1
			part += unit
		}
	}
	return whole*costUnit + part
}

// rangeEncoder narrows the interval [low, low+size), in parts of 2^-64 below
// the last byte of out.
type rangeEncoder struct {
	low, size uint64
	out       []byte
}

func (e *rangeEncoder) reset() { *e = rangeEncoder{0, 1<<64 - 1, e.out[:0]} }

// put codes the part first..first+n-1 of 1<<total.
func (e *rangeEncoder) put(first, n uint64, total int) {
	unit := e.size >> total
	e.add(first * unit)
	e.size = n * unit
	for e.size < 1<<56 {
		e.out = append(e.out, byte(e.low>>56))
		e.low <<= 8
		e.size <<= 8
	}
}

func (e *rangeEncoder) add(n uint64) {
	before := e.low
	if e.low += n; e.low < before {
		for i := len(e.out) - 1; ; i-- { // the interval is below 1, so some byte is not 255
			if e.out[i]++; e.out[i] != 0 {
				return
			}
		}
	}
}

func (e *rangeEncoder) token(f *frequencies, t int) {
	e.put(uint64(f.cum[t]), uint64(f.cum[t+1]-f.cum[t]), frequencyBits)
}

// finish ends the code with the fewest bytes that lie in the interval.
func (e *rangeEncoder) finish() {
	for n := 0; ; n++ {
		rest := ^uint64(0) >> (8 * n) // 0 from 8 bytes on
		if up := -e.low & rest; up < e.size {
			e.add(up)
			for ; n > 0; n-- {
				e.out = append(e.out, byte(e.low>>56))
				e.low <<= 8
			}
			break
		}
	}
	for len(e.out) > 0 && e.out[len(e.out)-1] == 0 {
		e.out = e.out[:len(e.out)-1]
	}
}

// rangeDecoder reads what rangeEncoder wrote.
type rangeDecoder struct {
	offset, size uint64 // of the code within the interval; the interval's
	in           []byte
}

func (d *rangeDecoder) reset(in []byte) {
	*d = rangeDecoder{0, 1<<64 - 1, in}
	for range 8 {
		d.shift()
	}
}

func (d *rangeDecoder) shift() {
	d.offset <<= 8
	if len(d.in) > 0 {
		d.offset |= uint64(d.in[0])
		d.in = d.in[1:]
	}
}

// at is the place of the code among 1<<total parts; it is beyond them where no
// encoder wrote it.
func (d *rangeDecoder) at(total int) uint64 { return d.offset / (d.size >> total) }

// take narrows the interval to the part first..first+n-1.
func (d *rangeDecoder) take(first, n uint64, total int) {
	unit := d.size >> total
	d.offset -= first * unit
	for d.size = n * unit; d.size < 1<<56; d.size <<= 8 {
		d.shift()
	}
}

// token reads a token; it is -1 where no encoder wrote one.
func (d *rangeDecoder) token(f *frequencies) int {
	at := d.at(frequencyBits)
	if at >= 1<<frequencyBits {
		return -1
	}
	low, high := 0, len(f.cum)-1 // cum[low] <= at < cum[high]
	for high-low > 1 {
		if mid := (low + high) / 2; uint64(f.cum[mid]) <= at {
			low = mid
		} else {
			high = mid
		}
	}
	d.take(uint64(f.cum[low]), uint64(f.cum[low+1]-f.cum[low]), frequencyBits)
	return low
}

// plain reads n bits; ok is false where no encoder wrote them.
func (d *rangeDecoder) plain(n int) (v uint64, ok bool) {
	if v = d.at(n); v >= 1<<n {
		return 0, false
	}
	d.take(v, 1, n)
	return v, true
}
