package link

import (
	"fmt"
	"time"
)

// budget keeps the share of time on air within the duty cycle, a limit over any
// hour. It adds up times on air in steps of ten seconds. A step counts until an hour
// after its end, so the budget errs on the safe side by at most one step.
type budget struct {
	limit time.Duration // of time on air per hour; 0: no limit
	used  time.Duration // the sum of steps
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

// checkDuty checks a duty cycle against the time on air of the longest frame.
func checkDuty(share float64, longest time.Duration) error {
	if !(share >= 0 && share <= 1) {
		return fmt.Errorf("%w: DutyCycle is %v, want 0..1", ErrSettings, share)
	}
	if share > 0 && longest > time.Duration(share*float64(dutyHour)) {
		return fmt.Errorf("%w: DutyCycle is %v, which allows %v on the air per hour, want the %v of one frame or more",
			ErrSettings, share, time.Duration(share*float64(dutyHour)), longest)
	}
	return nil
}

// stepOf returns the number of the step that t is in.
func stepOf(t time.Time) int64 { return max(t.UnixNano(), 0) / int64(dutyStep) }

// advance drops the steps that ended more than an hour ago.
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

// freeTime returns when a time on air may be spent: now or later.
func (b *budget) freeTime(now time.Time, timeOnAir time.Duration) time.Time {
	if b.limit == 0 {
		return now
	}
	b.advance(now)
	used := b.used
	for step := b.first; used+timeOnAir > b.limit; step++ {
		used -= b.steps[step%int64(len(b.steps))]
		if used+timeOnAir <= b.limit {
			return time.Unix(0, (step+int64(len(b.steps)))*int64(dutyStep))
		}
		if step-b.first >= int64(len(b.steps)) {
			break // timeOnAir exceeds the whole budget
		}
	}
	return now
}

// spend adds a time on air.
func (b *budget) spend(now time.Time, timeOnAir time.Duration) {
	if b.limit == 0 {
		return
	}
	b.advance(now)
	b.steps[stepOf(now)%int64(len(b.steps))] += timeOnAir
	b.used += timeOnAir
}
