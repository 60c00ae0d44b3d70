package endpoint

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// State is what a sender stores from one run to the next: the sequence number (SEQ)
// and the window_id of the next window. It is a file of one short line. Each change
// overwrites the line by one write, so that a process that is killed leaves the old
// line or the new one. Its methods may be called by several goroutines at once.
//
// [Endpoint.Send] maintains it. A program that runs a link.Sender itself needs it, so
// that a receiver does not take the first windows of a run for repetitions of the last
// run's.
type State struct {
	mu       sync.Mutex
	f        *os.File
	seq      byte
	windowID int64
}

const stateFormat = "seq %03d window_id %019d\n"

// OpenState opens the state of the sender of a run_id: the file <run_id>_tx.state in
// the folder dir. It creates the folder and the file if they do not exist. If the file
// holds no valid state, the SEQ is random, and the window_id is 0.
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

// Seq returns the sequence number of the next window.
func (s *State) Seq() byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}

// WindowID returns the window_id of the next window.
func (s *State) WindowID() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.windowID
}

// SetSeq stores the sequence number of the next window.
func (s *State) SetSeq(next byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seq == next {
		return nil
	}
	s.seq = next
	return s.store()
}

// SetWindowID stores the window_id of the next window.
func (s *State) SetWindowID(next int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.windowID == next {
		return nil
	}
	s.windowID = next
	return s.store()
}

// store writes the line.
func (s *State) store() error {
	if _, err := s.f.WriteAt(fmt.Appendf(nil, stateFormat, s.seq, s.windowID), 0); err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	return nil
}

// Close closes the file. The state stays on disk.
func (s *State) Close() error { return s.f.Close() }
