package predict

import "math/bits"

// The first value of a key frame is coded as a whole number of cells from a
// centre: the length of the number in bits, by a table of how likely each
// length is, then its sign and its lower bits.

// lengths is how many lengths the table has. The last one is that of no value.
const lengths = 40

// firstCode is the table of one value.
type firstCode struct {
	center int64        // in units
	stop   [lengths]int // the probability of a length once all shorter ones are ruled out
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

// newFirstCode makes the table from the parts of all lengths, of any sum.
func newFirstCode(center int64, parts [lengths]float64) firstCode {
	f := firstCode{center: center}
	rest := 0.0
	for i := lengths - 1; i >= 0; i-- {
		rest += parts[i]
		stop := minProb
		if rest > 0 {
			stop = int(float64(probOne * (parts[i] / rest)))
		}
		f.stop[i] = min(max(stop, minProb), maxProb)
	}
	return f
}

// value codes k, a number of cells.
func (f *firstCode) value(c *coder, k, cell int64) int64 {
	const longest = 62
	a := max(k, -k)
	n := bits.Len64(uint64(a))
	// The table is of whole steps; finer cells make lengths longer.
	longer := unitBits + 1 - bits.Len64(uint64(cell))
	for i := 0; ; i++ {
		if i == longest {
			return 1 << longest // further than any value
		}
		stop := probOne / 16
		if at := i - longer; at >= 0 {
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
	a = int64(c.bits(uint64(a), n-1)) | 1<<(n-1)
	if sign != 0 {
		return -a
	}
	return a
}
