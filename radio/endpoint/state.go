package endpoint

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/loralink/loralink-go/internal/filelock"
)

// ErrInUse is wrapped by the error of a run whose files another run writes. A run has its
// files for itself until it ends, however it ends.
var ErrInUse = filelock.ErrInUse

// State is what a sender stores from one run to the next: the sequence number (SEQ)
// and the window_id of the next window. It is a file of one short line. Its methods may be
// called by several goroutines at once.
//
// Numbers are reserved on disk before they are used, some dozens at a time, so that neither
// a killed process nor a power loss makes the next run use a number again. Close stores the
// exact numbers; after a run that did not reach Close, the next run skips what was reserved,
// up to 32 SEQs and 64 window_ids.
//
// [Endpoint.Send] maintains it. A program that runs a link.Sender itself needs it, so
// that a receiver does not take the first windows of a run for repetitions of the last
// run's.
type State struct {
	mu       sync.Mutex
	f        stateFile
	seq      byte
	windowID int64
	// The file holds these numbers. Those before them may be in use.
	reservedSeq byte
	reservedID  int64
}

// stateFile has the methods of *os.File that a State uses, so that tests can lose power.
type stateFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
}

const (
	stateFormat = "seq %03d window_id %019d\n"
	seqBlock    = 32 // SEQs that are reserved at once
	idBlock     = 64 // window_ids that are reserved at once
)

// OpenState opens the state of the sender of a run_id: the file <run_id>_tx.state in
// the folder dir. It creates the folder and the file if they do not exist. If the file
// holds no valid state, the SEQ is random, and the window_id is 0. If another State of the
// file is open, in this process or another one, the error wraps [ErrInUse].
func OpenState(dir, runID string) (*State, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	f, err := openLocked(filepath.Join(dir, runID+"_tx.state"), fmt.Sprintf("a sender with the run_id %s", runID))
	if err != nil {
		return nil, err
	}
	s, err := newState(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// openLocked opens a file that one run at a time may write; user says who does.
func openLocked(path, user string) (*os.File, error) {
	f, err := filelock.Open(path)
	if errors.Is(err, ErrInUse) {
		return nil, fmt.Errorf("endpoint: %s: %w: found %s that is running, want one at a time", path, ErrInUse, user)
	}
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	return f, nil
}

// newState reads the state in f.
func newState(f stateFile) (*State, error) {
	s := &State{f: f}
	line := make([]byte, len(fmt.Sprintf(stateFormat, 0, 0)))
	n, _ := f.ReadAt(line, 0)
	var seq, id int64
	if _, err := fmt.Sscanf(string(line[:n]), stateFormat, &seq, &id); err == nil && n == len(line) && seq >= 0 && seq < 256 && id >= 0 {
		s.seq, s.windowID = byte(seq), id
		s.reservedSeq, s.reservedID = s.seq, s.windowID
		return s, nil
	}
	var b [1]byte
	rand.Read(b[:])
	s.seq = b[0]
	return s, s.store(s.seq, s.windowID)
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

// SetSeq sets the sequence number of the next window. Call it before the one before it is
// used: when SetSeq returns, the disk holds that it is in use.
func (s *State) SetSeq(next byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	left, used := s.reservedSeq-s.seq, next-s.seq
	s.seq = next
	if used <= left {
		return nil
	}
	return s.reserve()
}

// SetWindowID sets the window_id of the next window. Call it before a lower one is used:
// when SetWindowID returns, the disk holds that lower ones are in use.
func (s *State) SetWindowID(next int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.windowID = next
	if next <= s.reservedID {
		return nil
	}
	return s.reserve()
}

// reserve stores numbers ahead of those in use.
func (s *State) reserve() error {
	return s.store(s.seq+seqBlock, max(s.windowID+idBlock, s.reservedID))
}

// store writes the line and waits until it is on disk.
func (s *State) store(seq byte, id int64) error {
	if _, err := s.f.WriteAt(fmt.Appendf(nil, stateFormat, seq, id), 0); err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	pause()
	if err := s.f.Sync(); err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	pause()
	s.reservedSeq, s.reservedID = seq, id
	return nil
}

// Close stores the exact numbers and closes the file.
func (s *State) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.store(s.seq, s.windowID)
	return errors.Join(err, s.f.Close())
}
