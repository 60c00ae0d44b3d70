package link

import "time"

// budget keeps the share of time on the air within a limit, over any hour.
// Airtime is kept in steps of ten seconds and leaves the sum an hour after its
// step has ended, so the budget errs by a step to the safe side.
type budget struct {
	limit time.Duration // of airtime in an hour; 0 is no limit
	used  time.Duration
	steps [dutyHour/dutyStep + 1]time.Duration
	first int64 // number of the oldest step that counts
}

const (
	dutyHour = time.Hour
	dutyStep = 10 * time.Second
)

func newBudget(share float64) *budget {
	return &budget{limit: time.Duration(share * float64(dutyHour))}
}

func stepOf(t time.Time) int64 { return max(t.UnixNano(), 0) / int64(dutyStep) }

// advance forgets what is more than an hour old.
func (b *budget) advance(now time.Time) {
	oldest := stepOf(now) - int64(len(b.steps)) + 1
	if oldest-b.first >= int64(len(b.steps)) {
		clear(b.steps[:])
		b.used = 0
		b.first = max(oldest, b.first)
		return
	}
	for ; b.first < oldest; b.first++ {
		i := b.first % int64(len(b.steps))
		b.used -= b.steps[i]
		b.steps[i] = 0
	}
}

// freeAt returns when airtime may be spent: now, or later.
func (b *budget) freeAt(now time.Time, airtime time.Duration) time.Time {
	if b.limit == 0 {
		return now
	}
	b.advance(now)
	used := b.used
	for step := b.first; used+airtime > b.limit; step++ {
		used -= b.steps[step%int64(len(b.steps))]
		if used+airtime <= b.limit {
			return time.Unix(0, (step+int64(len(b.steps)))*int64(dutyStep))
		}
		if step-b.first >= int64(len(b.steps)) {
			break // more than the budget ever holds
		}
	}
	return now
}

func (b *budget) spend(now time.Time, airtime time.Duration) {
	if b.limit == 0 {
		return
	}
	b.advance(now)
	b.steps[stepOf(now)%int64(len(b.steps))] += airtime
	b.used += airtime
}
