package predict

import "math/bits"

// The first value of a key frame is coded as k, its distance from a centre in
// quantisation steps: the length of k in bits, by a table of how likely each
// length is, then its sign and its lower bits.

// lengths is how many lengths a table has. The last one is that of no value.
const lengths = 40

// firstCode is the code of one value.
type firstCode struct {
	center int64        // in units
	stop   [lengths]int // the probability of a length where all shorter ones are ruled out
}

// plainLengths are the parts of lengths where nothing is known: three quarters
// for those below 8, and the rest for all others.
func plainLengths() (parts [lengths]float64) {
	for i := range parts {
		if i < 8 {
			parts[i] = 0.75 / 8
		} else {
			parts[i] = 0.25 / (lengths - 8)
		}
	}
	return parts
}

// newFirstCode makes a code from the parts of all lengths, of any sum.
func newFirstCode(center int64, parts [lengths]float64) firstCode {
	f := firstCode{center: center}
	rest := 0.0
	for i := lengths - 1; i >= 0; i-- {
		rest += parts[i]
		stop := 0
		if rest > 0 {
			stop = int(float64(probOne * (parts[i] / rest)))
		}
		f.stop[i] = min(max(stop, minProb), maxProb)
	}
	return f
}

// upTo is the probability of all lengths up to this one: a wider step makes one
// of them.
func (f *firstCode) upTo(length int) int {
	rest := probOne
	for _, stop := range f.stop[:min(length, lengths-1)+1] {
		rest -= rest * stop >> probBits
	}
	return min(max(probOne-rest, minProb), maxProb)
}

// code codes k, a number of quantisation steps of this width, and returns it.
func (f *firstCode) code(c *coder, k, width int64) int64 {
	const longest = 62
	n := bits.Len64(uint64(max(k, -k)))
	// The table is for steps of two tolerances; finer ones make k longer.
	longer := unitBits + 1 - bits.Len64(uint64(width))
	for i := 0; ; i++ {
		if i == longest {
			return 1 << longest // further than any value
		}
		stop := probOne / 16
		if at := i - longer; i == 0 && at > 0 {
			stop = f.upTo(at)
		} else if at >= 0 {
			stop = f.stop[min(at, lengths-1)]
		}
		if c.bit(b2i(n > i), stop) == 0 {
			n = i
			break
		}
	}
	if n == 0 {
		return 0
	}
	sign := c.bit(b2i(k < 0), probOne/2)
	k = int64(c.bits(uint64(max(k, -k)), n-1)) | 1<<(n-1)
	if sign != 0 {
		return -k
	}
	return k
}
