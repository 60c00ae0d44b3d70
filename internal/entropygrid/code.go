package entropygrid

import "math/bits"

// The range coder: arithmetic coding (Rissanen and Langdon 1979) with 64-bit
// integers. Carries run back into the bytes already written. A code ends so that
// any number of zeros may follow it: a payload is a code filled up with zeros, and
// a decoder reads zeros past the end.

// Symbols of a distance.
const (
	// FrequencyBits is the binary logarithm of what each table's frequencies
	// sum to.
	FrequencyBits = 16
	// DirectSteps is the largest distance, in quantisation steps, that has a
	// symbol of its own.
	DirectSteps = 15
	// Classes of larger distances double in size: class k holds distances of
	// 2^k-1 to 2^(k+1)-2 beyond the first.
	Classes = 32
	// Symbols are the distances -DirectSteps..DirectSteps, then the classes.
	// Behind the symbol of class k follow k+1 bypass bits, which are not entropy
	// coded: the distance within the class, and its sign as the lowest bit.
	Symbols = 2*DirectSteps + 1 + Classes
)

// SymbolOf returns the symbol of a distance, and for a class the bypass bits
// behind it and their number. The class of a distance that is too large is
// Classes or more.
func SymbolOf(distance int64) (symbol int, bypass uint64, n int) {
	if distance >= -DirectSteps && distance <= DirectSteps {
		return int(distance) + DirectSteps, 0, 0
	}
	sign := uint64(0)
	a := uint64(distance)
	if distance < 0 {
		sign, a = 1, -a
	}
	a -= DirectSteps // 1 or more
	k := bits.Len64(a) - 1
	return 2*DirectSteps + 1 + k, (a-1<<k)<<1 | sign, k + 1
}

// distanceOf undoes SymbolOf.
func distanceOf(symbol int, bypass uint64) int64 {
	if symbol <= 2*DirectSteps {
		return int64(symbol) - DirectSteps
	}
	k := symbol - 2*DirectSteps - 1
	d := int64(1<<k+bypass>>1) + DirectSteps
	if bypass&1 != 0 {
		return -d
	}
	return d
}

// bypassBits is how many bypass bits follow a symbol.
func bypassBits(symbol int) int { return max(0, symbol-2*DirectSteps) }

// frequencies are those of symbols, as the coder needs them.
type frequencies struct {
	cum  []uint32 // sums of the frequencies before each symbol, and of all
	cost []int32  // of each symbol without its bypass bits, in parts of a bit
}

// CostUnit is how many parts costs divide a bit into.
const CostUnit = 256

// newFrequencies takes frequencies of at least 1 that sum to 1<<FrequencyBits.
func newFrequencies(f []int) frequencies {
	t := frequencies{cum: make([]uint32, len(f)+1), cost: make([]int32, len(f))}
	for i, n := range f {
		t.cum[i+1] = t.cum[i] + uint32(n)
		t.cost[i] = int32(CostUnit*FrequencyBits - log2(uint32(n)))
	}
	return t
}

// log2 is the binary logarithm of n, at least 1, in parts of 1/CostUnit, by
// repeated squaring of integers: the choice of a component must be the same on
// every processor.
func log2(n uint32) int {
	whole := bits.Len32(n) - 1
	x := uint64(n) << (31 - whole) // 1..2, times 1<<31
	part := 0
	for unit := CostUnit / 2; unit > 0; unit /= 2 {
		if x = x * x >> 31; x >= 1<<32 {
			x >>= 1
			part += unit
		}
	}
	return whole*CostUnit + part
}

// rangeEncoder narrows the interval [low, low+size). Low and size count in parts
// of 2^-64 of what the last byte of out stands for.
type rangeEncoder struct {
	low, size uint64
	out       []byte
}

func (e *rangeEncoder) reset() { *e = rangeEncoder{0, 1<<64 - 1, e.out[:0]} }

// put narrows the interval to the parts first..first+n-1 of 1<<total.
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

func (e *rangeEncoder) symbol(f *frequencies, n int) {
	e.put(uint64(f.cum[n]), uint64(f.cum[n+1]-f.cum[n]), FrequencyBits)
}

// finish ends the code with the fewest bytes that give a number in the interval.
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
	offset, size uint64 // of the code within the interval; of the interval
	src          []byte
}

func (d *rangeDecoder) reset(src []byte) {
	*d = rangeDecoder{0, 1<<64 - 1, src}
	for range 8 {
		d.shift()
	}
}

func (d *rangeDecoder) shift() {
	d.offset <<= 8
	if len(d.src) > 0 {
		d.offset |= uint64(d.src[0])
		d.src = d.src[1:]
	}
}

// at says in which of 1<<total parts of the interval the code lies; it is beyond
// them in a code that no encoder writes.
func (d *rangeDecoder) at(total int) uint64 { return d.offset / (d.size >> total) }

// take narrows the interval to the part first..first+n-1.
func (d *rangeDecoder) take(first, n uint64, total int) {
	unit := d.size >> total
	d.offset -= first * unit
	for d.size = n * unit; d.size < 1<<56; d.size <<= 8 {
		d.shift()
	}
}

// symbol reads a symbol; it is -1 in a code that no encoder writes.
func (d *rangeDecoder) symbol(f *frequencies) int {
	at := d.at(FrequencyBits)
	if at >= 1<<FrequencyBits {
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
	d.take(uint64(f.cum[low]), uint64(f.cum[low+1]-f.cum[low]), FrequencyBits)
	return low
}

// bypass reads n bits; ok is false in a code that no encoder writes.
func (d *rangeDecoder) bypass(n int) (v uint64, ok bool) {
	if v = d.at(n); v >= 1<<n {
		return 0, false
	}
	d.take(v, 1, n)
	return v, true
}
