package predict

import "math/bits"

// The flag that says whether a value's residual is zero takes most of the
// bits, so its probability is corrected by what the mixture of one value does
// not see: how many of the other values have moved in this step and the step
// before. The correction is a logistic regression that learns as it goes: in
// the logistic domain, features times weights are added, one set of weights
// shared by all values and one of each value's own.

const (
	features = 4
	minProb  = 16 // of probOne
	maxProb  = probOne - minProb
)

// stretch is the natural logarithm of p/(probOne-p), in parts of 1/256.
func stretch(p int) int {
	return (log2(uint32(p)) - log2(uint32(probOne-p))) * 177 >> 8
}

// log2 is the binary logarithm of n, in parts of 1/256, by repeated squaring.
func log2(n uint32) int {
	whole := bits.Len32(n) - 1
	x := uint64(n) << (25 - whole) // 1..2, times 2^25
	part := 0
	for half := 128; half > 0; half /= 2 {
		if x = x * x >> 25; x >= 1<<26 {
			x >>= 1
			part += half
		}
	}
	return whole*256 + part
}

const squashStep = 16 // of the table, in parts of 1/256

// squashTable is the inverse of stretch from -12 to 12.
var squashTable = func() (t [24*256/squashStep + 1]int) {
	for i := range t {
		low, high := 1, probOne-1
		for low < high {
			if p := (low + high) / 2; stretch(p) >= i*squashStep-12*256 {
				high = p
			} else {
				low = p + 1
			}
		}
		t[i] = low
	}
	return t
}()

// squash is the inverse of stretch, within minProb and maxProb.
func squash(x int) int {
	x = min(max(x, -11*256), 11*256) + 12*256
	i, rest := x/squashStep, x%squashStep
	p := squashTable[i] + (squashTable[i+1]-squashTable[i])*rest/squashStep
	return min(max(p, minProb), maxProb)
}

// flag is the work space for a step's flags.
type flag struct {
	learned  *learned
	moved    int // values that have moved so far, times probOne
	expected int // the sum of what the mixtures gave to that, likewise
	feature  [features]int
	mixed    int // the mixture's probability of zero
	prob     int // the corrected one
}

// surprise is how many more values have moved than were expected, by that
// number, in parts of 1/256.
func (f *flag) surprise() int {
	return min(max((f.moved-f.expected)*256/(f.expected+probOne/2), -1024), 1024)
}

// predict returns the corrected probability that value j does not move.
func (f *flag) predict(s *State, j, mixed int) int {
	f.mixed = mixed
	x := stretch(mixed)
	f.feature = [features]int{256, (x - 512) * 77 >> 8, f.surprise(), int(s.surprise)}
	own := f.learned.flagWeights[(j+1)*features:]
	sum := int64(0)
	for i, v := range f.feature {
		sum += int64(v) * int64(f.learned.flagWeights[i]+own[i])
	}
	f.prob = squash(x + int(sum>>16))
	return f.prob
}

// update learns from the flag of value j.
func (f *flag) update(j int, moved bool) {
	hit := probOne
	if moved {
		hit = 0
		f.moved += probOne
	}
	miss := hit - f.prob
	own := f.learned.flagWeights[(j+1)*features:]
	for i, v := range f.feature {
		own[i] = clampWeight(own[i] + int32(miss*v*10>>16))
		f.learned.flagWeights[i] = clampWeight(f.learned.flagWeights[i] + int32(miss*v*3>>16))
	}
	f.expected += probOne - f.mixed
}

func clampWeight(w int32) int32 { return min(max(w, -1<<20), 1<<20) }

// certain is predict where nothing is left to correct: update learns nothing.
func (f *flag) certain() {
	f.mixed, f.prob, f.feature = maxProb, maxProb, [features]int{}
}
