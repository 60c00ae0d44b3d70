package dataset

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Timing describes the times of a recording's samples: the time between the first and
// the last, the intervals between samples, and the gaps. The zero value has no samples.
// It is not safe for concurrent use.
type Timing struct {
	n           int
	first, last int64         // ms
	intervals   map[int64]int // number of occurrences of each interval, in ms
}

// Add adds the time of the next sample, in ms since 1970.
func (t *Timing) Add(ms int64) {
	if t.intervals == nil {
		t.intervals = map[int64]int{}
	}
	if t.n == 0 {
		t.first = ms
	} else {
		t.intervals[ms-t.last]++
	}
	t.last = ms
	t.n++
}

// Samples returns the number of samples whose times were added.
func (t *Timing) Samples() int { return t.n }

// gapFactor times the median interval is the longest interval that is not a gap, if
// WriteText is given no longest gap.
const gapFactor = 5

// WriteText writes the time between the first and the last sample, the median and the
// longest interval, the number of gaps, which are intervals longer than maxGapMs (0:
// five times the median), and how often time goes back. With fewer than two samples it
// writes nothing. It ignores errors of w.
func (t *Timing) WriteText(w io.Writer, maxGapMs int64) {
	if t.n < 2 {
		return
	}
	lengths := slices.Sorted(maps.Keys(t.intervals))
	var median int64
	for i, seen := 0, 0; i < len(lengths) && seen <= (t.n-1)/2; i++ {
		median = lengths[i]
		seen += t.intervals[median]
	}
	limit := maxGapMs
	if limit == 0 {
		limit = gapFactor * median
	}
	gaps, back := 0, 0
	for length, n := range t.intervals {
		if length > limit {
			gaps += n
		}
		if length < 0 {
			back += n
		}
	}
	longest := lengths[len(lengths)-1]
	fmt.Fprintf(w, "time      %s to %s: %v\n", stamp(t.first), stamp(t.last), span(t.last-t.first))
	fmt.Fprintf(w, "interval  %v (median), the longest %v\n", span(median), span(longest))
	switch {
	case maxGapMs > 0:
		fmt.Fprintf(w, "gaps      %d longer than %v; no window spans them\n", gaps, span(limit))
	case gaps > 0:
		fmt.Fprintf(w, "gaps      %d longer than %d times the median; windows of several samples span them unless --max-gap-ms is set\n", gaps, gapFactor)
	}
	if back > 0 {
		fmt.Fprintf(w, "warning   time goes back %d times; no window spans that\n", back)
	}
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05Z") }

func span(ms int64) time.Duration {
	d := time.Duration(ms) * time.Millisecond
	if d >= time.Hour || d <= -time.Hour {
		return d.Round(time.Second)
	}
	return d
}
