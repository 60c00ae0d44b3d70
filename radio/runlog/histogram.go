package runlog

import "math"

// idSet counts distinct window ids with one bit each, in pages.
type idSet struct {
	n     int
	pages map[int64]*[64]uint64
}

// add adds id and reports whether it is new.
func (s *idSet) add(id int64) bool {
	page := s.pages[id>>12]
	if page == nil {
		if s.pages == nil {
			s.pages = map[int64]*[64]uint64{}
		}
		page = new([64]uint64)
		s.pages[id>>12] = page
	}
	word, bit := &page[id>>6&63], uint64(1)<<(id&63)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	s.n++
	return true
}

// histogram keeps milliseconds in buckets that grow by 2 % from 1 µs to 11 days.
type histogram struct {
	n       int
	sum     float64
	max     float64
	buckets [1400]uint32
}

const (
	histogramMin  = 1e-3
	histogramGrow = 1.02
)

func (h *histogram) add(x float64) {
	x = max(x, 0)
	h.n++
	h.sum += x
	h.max = max(h.max, x)
	i := 0
	if x > histogramMin {
		i = min(1+int(math.Log(x/histogramMin)/math.Log(histogramGrow)), len(h.buckets)-1)
	}
	h.buckets[i]++
}

func (h *histogram) quantiles() Quantiles {
	if h.n == 0 {
		return Quantiles{}
	}
	quantile := func(q float64) float64 {
		rank := max(int(math.Ceil(q*float64(h.n))), 1)
		for i, c := range h.buckets {
			if rank -= int(c); rank <= 0 {
				if i == 0 {
					return 0
				}
				return min(h.max, histogramMin*math.Pow(histogramGrow, float64(i)-0.5))
			}
		}
		return h.max
	}
	return Quantiles{N: h.n, Mean: h.sum / float64(h.n), P50: quantile(0.5), P95: quantile(0.95), P99: quantile(0.99), Max: h.max}
}
