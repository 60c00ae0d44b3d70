package endpoint

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// State is what a sender carries from one run to the next: the SEQ and the
// window id that come next. It is a file of one short line beside the log,
// rewritten in place by one write, so that a killed process leaves the old line
// or the new one. Its methods may be called from several goroutines.
type State struct {
	mu       sync.Mutex
	f        *os.File
	seq      byte
	windowID int64
}

const stateFormat = "seq %03d window_id %019d\n"

// OpenState opens the state of a run's sender in a folder, which it makes if
// need be. Where there is none, or none that can be read, SEQ is drawn at random
// and the window id is zero.
func OpenState(dir, runID string) (*State, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, runID+"_tx.state"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	s := &State{f: f}
	line := make([]byte, len(fmt.Sprintf(stateFormat, 0, 0)))
	n, _ := f.ReadAt(line, 0)
	var seq, id int64
	if _, err := fmt.Sscanf(string(line[:n]), stateFormat, &seq, &id); err == nil && n == len(line) && seq >= 0 && seq < 256 && id >= 0 {
		s.seq, s.windowID = byte(seq), id
		return s, nil
	}
	var b [1]byte
	rand.Read(b[:])
	s.seq = b[0]
	return s, s.store()
}

// Seq is the number the next window is to carry.
func (s *State) Seq() byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}

// WindowID is the lowest id that was not used yet.
func (s *State) WindowID() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.windowID
}

// SetSeq stores the number that comes next.
func (s *State) SetSeq(next byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seq == next {
		return nil
	}
	s.seq = next
	return s.store()
}

// SetWindowID stores the id that comes next.
func (s *State) SetWindowID(next int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.windowID == next {
		return nil
	}
	s.windowID = next
	return s.store()
}

func (s *State) store() error {
	if _, err := s.f.WriteAt(fmt.Appendf(nil, stateFormat, s.seq, s.windowID), 0); err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	return nil
}

// Close closes the file.
func (s *State) Close() error { return s.f.Close() }
