package link

// interleaving detects that new windows come from two counters in turn.
//
// It follows two progressions of SEQ. A window that is up to span behind the current
// progression is late, and belongs to it. Otherwise a window belongs to a progression if
// its SEQ is 1 to 8 ahead of that progression's last one. A window that belongs to neither
// begins a progression, in place of the one that was not continued last. Each time that
// the other progression is continued instead of the current one, there is a change;
// after four changes without a new progression in between, there are two senders. A
// restart of one sender, a wrap of SEQ, lost windows and windows that come late within
// span do not change back and forth. Two counters within span of each other are not
// detected until they drift apart; their windows conflict instead.
type interleaving struct {
	span           byte // by how much a window may be late
	current, other byte // the last SEQ of each progression
	progressions   int  // 0..2
	changes        int
}

const (
	maxStep        = 8  // from one SEQ of a progression to the next
	changesToTell  = 4  // changes that prove two senders
	changesBetween = 64 // changes from one report to the next
)

// add adds the SEQ of a new window. It returns true when there is something to report.
func (s *interleaving) add(seq byte) bool {
	follows := func(last byte) byte { // 1..maxStep, or more if seq does not follow last
		if step := seq - last; step >= 1 && step <= maxStep {
			return step
		}
		return maxStep + 1
	}
	current, other := byte(maxStep+1), byte(maxStep+1)
	if s.progressions > 0 {
		current = follows(s.current)
	}
	if s.progressions > 1 {
		other = follows(s.other)
	}
	switch {
	case s.progressions > 0 && s.current-seq >= 1 && s.current-seq <= s.span:
		// late
	case other < current:
		s.current, s.other = seq, s.current
		s.changes++
		return s.changes%changesBetween == changesToTell
	case current <= maxStep:
		s.current = seq
	default:
		s.current, s.other = seq, s.current
		s.progressions = min(s.progressions+1, 2)
		s.changes = 0
	}
	return false
}
