package endpoint

import (
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// rateLimit keeps noise from filling the log: it admits a hundred events, and then ten a
// second. The event after those that were left out says how many they were.
type rateLimit struct {
	spent   int // events admitted beyond the rate
	since   time.Time
	omitted int
	last    link.Event // that was left out
}

const (
	rateBurst = 100
	rateEvery = 100 * time.Millisecond
)

// admit reports whether an event is to be logged, and sets its Omitted.
func (r *rateLimit) admit(e *link.Event) bool {
	if n := int(min(e.Time.Sub(r.since)/rateEvery, rateBurst)); n > 0 {
		r.spent = max(r.spent-n, 0)
		r.since = e.Time
	}
	if r.spent == rateBurst {
		r.omitted++
		r.last = *e
		return false
	}
	r.spent++
	e.Omitted, r.omitted = r.omitted, 0
	return true
}

// rest returns an event for those that were left out last, or nil if there are none.
func (r *rateLimit) rest() *link.Event {
	if r.omitted == 0 {
		return nil
	}
	e := r.last
	e.Omitted, r.omitted = r.omitted-1, 0
	return &e
}
