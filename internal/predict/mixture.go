package predict

import "math"

// A mixture is the distribution of a value's next change: for each prediction
// of it, Student t distributions with four degrees of freedom at several
// scales around it. Everything is in whole numbers: places in X// 2^-unitBits of a quantisation step, probabilities in parts of 2^tailBits,
// weights in parts of about 2^weightBits. No sum or product takes more than 53
// bits.
const (
	unitBits   = 16
	unit       = 1 << unitBits
	tailBits   = 26
	tailOne    = 1 << tailBits
	weightBits = 20
	tableBits  = 4 // the tail table has 2^tableBits entries a unit of scale
	tableLen   = 64 << tableBits
	minor      = 1 << (weightBits - 8) // a weight below it does not move the centre
	maxMean    = 1 << 30               // the furthest prediction, in units from the last value
)

// scaleBits are the binary logarithms of the scales in quantisation steps.
var scaleBits = [...]int{-5, -4, -3, -2, -1, 0, 1, 2, 3, 5, 7, 10, 13}

const scales = len(scaleBits)

// tableShift is by how many bits units are more than entries of the tail table,
// at each scale.
var tableShift = func() (s [scales]uint8) {
	for i, b := range scaleBits {
		s[i] = uint8(unitBits - tableBits + b)
	}
	return s
}()

// tail[i] is the probability that a t variable exceeds i/2^tableBits. It is
// linear between, and zero beyond the table.
var tail = func() (t [tableLen + 1]uint32) {
	for i := range tableLen {
		z := float64(i) / (1 << tableBits)
		u := z / math.Sqrt(4+float64(z*z))
		cube := float64(u * float64(u*u))
		t[i] = uint32(math.Floor(float64(tailOne*(0.5-float64(0.75*u)+float64(0.25*cube))) + 0.5))
	}
	return t
}()

// mixture is the work space for one value.
type mixture struct {
	weights []uint32 // of the value: predictions × scales
	means   []int64  // predictions
	total   uint64   // of the weights
	near    []uint32 // parts of the components beyond an edge
	far     []uint32
}

func newMixture(predictions int) mixture {
	n := predictions * scales
	return mixture{means: make([]int64, predictions), near: make([]uint32, n), far: make([]uint32, n)}
}

// center is the mean of the predictions, each weighed by the weights of its
// components divided by their scales. It also leaves the total of the weights.
func (m *mixture) center() int64 {
	m.total = 0
	var sum, weight int64
	for i, mean := range m.means {
		var v int64
		for j, w := range (*[scales]uint32)(m.weights[i*scales:]) {
			m.total += uint64(w)
			v += int64(max(w, minor)-minor) >> (scaleBits[j] - scaleBits[0])
		}
		sum += v * mean
		weight += v
	}
	return floorDiv(sum, max(weight, 1))
}

// beyond leaves in dst what part of each component lies beyond the edge, above
// it for a positive sign and below it for a negative one, and returns their
// weighted sum.
func (m *mixture) beyond(dst []uint32, sign, edge int64) uint64 {
	var sum uint64
	for i, mean := range m.means {
		y := sign * (edge - mean)
		a := uint64(max(y, -y))
		weights := (*[scales]uint32)(m.weights[i*scales:])
		dst := (*[scales]uint32)(dst[i*scales:])
		for j, shift := range tableShift {
			var t uint32
			if at := a >> (shift & 63); at < tableLen {
				rest := a & (1<<(shift&63) - 1)
				t = tail[at] - uint32(uint64(tail[at]-tail[at+1])*rest>>(shift&63))
			}
			if y < 0 {
				t = tailOne - t
			}
			dst[j] = t
			sum += uint64(weights[j]) * uint64(t)
		}
	}
	return sum
}

// update weighs the components anew by the parts that they gave to what came,
// which it finds in near. Afterwards a small part of each weight goes to the
// neighbouring scales, and a smaller one is shared by all.
func (m *mixture) update() {
	var sum uint64
	for i, w := range m.weights {
		p := max(m.near[i], 1)
		m.near[i] = p
		sum += uint64(w) * uint64(p)
	}
	norm := max(sum>>weightBits, 1)
	least := uint32(1 << (weightBits - 9) / len(m.weights))
	for i := 0; i < len(m.weights); i += scales {
		weights := (*[scales]uint32)(m.weights[i:])
		near := (*[scales]uint32)(m.near[i:])
		var before uint32 // what the scale below hands up
		for j, w := range weights {
			w = uint32(uint64(w) * uint64(near[j]) / norm)
			weights[j] = w
		}
		for j, w := range weights {
			leak := w >> 7
			keep := w - w>>9 + least + before
			if j > 0 {
				keep -= leak
				weights[j-1] += leak
			}
			if before = 0; j < scales-1 {
				keep -= leak
				before = leak
			}
			weights[j] = keep
		}
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
