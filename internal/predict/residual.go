package predict

// A prediction residual is coded as k, the number of quantisation steps that
// is closest to it: whether k is zero, its sign, which class of magnitudes that
// double (1, 2..3, 4..7, …), and where in the class, by halves. The mixture
// gives the probability of each of these decisions.

// codeResidual codes k, the residual around center in quantisation steps of
// this width, and returns it. It leaves in the mixture what each component gave
// to it. offset is how far from the middle of the interval that k stands for
// the value probably is.
func (w *work) codeResidual(s *State, j int, k, center, width int64) (got, offset int64) {
	x, c := &w.mixture, &w.coder
	half := width / 2
	below := x.beyond(x.far, -1, center-half)
	above := x.beyond(x.near, 1, center+half)
	prob := maxProb
	if below+above > 0 {
		moved := int((below + above) / max(x.total<<(tailBits-probBits), 1))
		prob = w.flag.predict(s, j, min(max(probOne-moved, minProb), maxProb))
	} else {
		w.flag.certain()
	}
	moved := c.bit(b2i(k != 0), prob) != 0
	w.flag.update(j, moved)
	if !moved {
		for i, v := range x.near {
			x.near[i] = tailOne - v - x.far[i]
		}
		return 0, 0
	}
	sign, rest := int64(1), above
	if c.bit(b2i(k < 0), share(above, below)) != 0 {
		sign, rest = -1, below
		k = -k
	}
	// past is what lies beyond the edge before n, on this side.
	past := func(dst []uint32, n int64) uint64 { return x.beyond(dst, sign, center+sign*(n*width-half)) }
	low, high := int64(1), int64(2) // of the class: low <= k < high
	var end uint64                  // what lies past high
	for i := 0; ; i++ {
		end = min(past(x.near, high), rest)
		if high > 4*maxValue/width { // further than any value
			break
		}
		p := min(share(rest-end, end), classLimit[min(i, len(classLimit)-1)])
		if c.bit(b2i(k >= high), p) == 0 {
			break
		}
		rest = end
		low, high = high, 2*high
	}
	rest -= end
	for high-low > 1 { // rest is what lies from low to high
		middle := (low + high) / 2
		upper := past(x.near, middle)
		upper = min(upper-min(end, upper), rest)
		if c.bit(b2i(k >= middle), share(rest-upper, upper)) == 0 {
			high = middle
			rest -= upper
			end += upper
		} else {
			low = middle
			rest = upper
		}
	}
	outside := past(x.near, low)
	inside := x.beyond(x.far, sign, center+sign*low*width)
	beyond := past(x.far, high)
	for i, v := range x.far {
		x.near[i] -= min(v, x.near[i])
	}
	// The mean of a density that is linear within the interval.
	upper, lower := int64(inside-beyond), int64(outside-inside)
	offset = sign * ((upper - lower) * 32 / max(upper+lower, 1)) * width / (3 * 32)
	return sign * low, offset
}

// classLimit is the largest probability that a magnitude is in its class and no
// further one, so that a jump beyond all components costs few bits.
var classLimit = [...]int{probOne * 255 / 256, probOne * 63 / 64, probOne * 15 / 16, probOne * 3 / 4}

// share is a's part of a and b as a probability.
func share(a, b uint64) int {
	all := (a + b) >> probBits
	if all == 0 {
		return probOne / 2
	}
	return int(min(max(a/all, minProb), maxProb))
}

// nearest is the number of quantisation steps that is closest to a distance.
func nearest(distance, width int64) int64 { return floorDiv(2*distance+width, 2*width) }
