package link

import (
	"fmt"
	"time"
)

// Spent is time on air of an earlier run, which counts towards the duty cycle.
type Spent struct {
	Age       time.Duration // how long ago, at the first Step; from 0
	TimeOnAir time.Duration
}

// budget keeps the share of time on air within the duty cycle, a limit over any
// hour. It adds up times on air in steps of ten seconds. A step counts until an hour
// after its end, so the budget errs on the safe side by at most one step. It measures
// time from the first call, so that it follows the monotonic clock if its caller's times
// have one.
type budget struct {
	limit  time.Duration // of time on air per hour; 0: no limit
	used   time.Duration // the sum of steps
	steps  [dutySteps]time.Duration
	first  int64     // number of the oldest step that counts
	origin time.Time // when step 0 began, more than an hour before the first call; zero: there was none
	spent  []Spent   // by earlier runs, until origin is known
}

const (
	dutyHour  = time.Hour
	dutyStep  = 10 * time.Second
	dutySteps = int64(dutyHour/dutyStep + 1)
)

func newBudget(share float64, spent []Spent) *budget {
	return &budget{limit: time.Duration(share * float64(dutyHour)), spent: spent}
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
func (b *budget) stepOf(t time.Time) int64 { return int64(t.Sub(b.origin) / dutyStep) }

// start returns when a step begins.
func (b *budget) start(step int64) time.Time { return b.origin.Add(time.Duration(step) * dutyStep) }

// advance drops the steps that ended more than an hour ago. The first call adds what
// earlier runs spent.
func (b *budget) advance(now time.Time) {
	if b.origin.IsZero() {
		// Steps begin at whole multiples of their length since 1970, so that they are the
		// same in each run.
		b.origin = now.Add(-time.Duration(now.UnixNano()%int64(dutyStep)) - time.Duration(dutySteps)*dutyStep)
		b.first = b.stepOf(now) - dutySteps + 1
		for _, s := range b.spent {
			if age := max(s.Age, 0); s.TimeOnAir > 0 && age <= dutyHour+dutyStep {
				if step := b.stepOf(now.Add(-age)); step >= b.first {
					b.steps[step%dutySteps] += s.TimeOnAir
					b.used += s.TimeOnAir
				}
			}
		}
		b.spent = nil
		return
	}
	oldest := b.stepOf(now) - dutySteps + 1
	if oldest-b.first >= dutySteps {
		clear(b.steps[:])
		b.used = 0
		b.first = max(oldest, b.first)
		return
	}
	for ; b.first < oldest; b.first++ {
		i := b.first % dutySteps
		b.used -= b.steps[i]
		b.steps[i] = 0
	}
}

// appendSpent appends the time on air of the last hour to dst. The age of a step is that
// of its last millisecond.
func (b *budget) appendSpent(dst []Spent, now time.Time) []Spent {
	if b.limit == 0 {
		return dst
	}
	b.advance(now)
	for step := b.first; step < b.first+dutySteps; step++ {
		if t := b.steps[step%dutySteps]; t > 0 {
			dst = append(dst, Spent{Age: max(now.Sub(b.start(step+1).Add(-time.Millisecond)), 0), TimeOnAir: t})
		}
	}
	return dst
}

// freeTime returns when a time on air may be spent: now or later.
func (b *budget) freeTime(now time.Time, timeOnAir time.Duration) time.Time {
	if b.limit == 0 {
		return now
	}
	b.advance(now)
	used := b.used
	for step := b.first; used+timeOnAir > b.limit; step++ {
		used -= b.steps[step%dutySteps]
		if used+timeOnAir <= b.limit {
			return b.start(step + dutySteps)
		}
		if step-b.first >= dutySteps {
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
	b.steps[b.stepOf(now)%dutySteps] += timeOnAir
	b.used += timeOnAir
}
