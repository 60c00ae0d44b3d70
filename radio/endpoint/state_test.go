package endpoint

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

func TestState(t *testing.T) {
	dir := t.TempDir()
	open := func() *State {
		t.Helper()
		s, err := OpenState(dir, "walk")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := open()
	seq := first.Seq()
	first.Close()
	again := open()
	if again.Seq() != seq || again.WindowID() != 0 {
		t.Errorf("started with %d, went on with %d, %d", seq, again.Seq(), again.WindowID())
	}
	if err := errors.Join(again.SetSeq(255), again.SetWindowID(1<<40), again.SetSeq(3), again.Close()); err != nil {
		t.Fatal(err)
	}
	s := open()
	if s.Seq() != 3 || s.WindowID() != 1<<40 {
		t.Errorf("kept %d, %d", s.Seq(), s.WindowID())
	}
	s.Close()
	if err := os.WriteFile(filepath.Join(dir, "walk_tx.state"), []byte("seq 999 window_id -000000000000000001\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s := open(); s.WindowID() != 0 {
		t.Errorf("took nonsense for %d", s.WindowID())
	}
}

// A file that loses power: what was not synced may be there or not.
type losingFile struct {
	rng          *rand.Rand
	disk, cached []byte
	syncs        int
}

func (f *losingFile) ReadAt(b []byte, _ int64) (int, error) {
	if n := copy(b, f.cached); n < len(b) {
		return n, io.EOF
	}
	return len(b), nil
}

func (f *losingFile) WriteAt(b []byte, _ int64) (int, error) {
	f.cached = append([]byte(nil), b...)
	if f.rng.IntN(2) == 0 {
		f.disk = f.cached
	}
	return len(b), nil
}

func (f *losingFile) Sync() error {
	f.syncs++
	f.disk = f.cached
	return nil
}

func (f *losingFile) Close() error { return nil }

// lose ends the process and the power.
func (f *losingFile) lose() { f.cached = f.disk }

// No SEQ and no window_id comes twice, wherever the power goes, and a sync comes once in
// some dozens of windows.
func TestReservedSEQSurvivesPowerLoss(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	f := &losingFile{rng: rng}
	used, lastID, frames := byte(0), int64(-1), 0
	for run := range 2000 {
		s, err := newState(f)
		if err != nil {
			t.Fatal(err)
		}
		if ahead := s.Seq() - used; run > 0 && (ahead < 1 || ahead > seqBlock+1) {
			t.Fatalf("run %d starts with SEQ %d after %d", run, s.Seq(), used)
		}
		if skipped := s.WindowID() - lastID; skipped < 1 || skipped > idBlock+1 {
			t.Fatalf("run %d starts with window_id %d after %d", run, s.WindowID(), lastID)
		}
		seq, id := s.Seq(), s.WindowID()
		if run == 0 {
			used = seq - 1
		}
		for range rng.IntN(300) {
			if err := s.SetWindowID(id + 1); err != nil {
				t.Fatal(err)
			}
			lastID = id
			id++
			if rng.IntN(10) == 0 {
				continue // the queue dropped it
			}
			if err := s.SetSeq(seq + 1); err != nil {
				t.Fatal(err)
			}
			used = seq
			seq++
			frames++
		}
		if rng.IntN(3) == 0 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if f.lose(); string(f.disk) == "" {
				t.Fatal("nothing on disk")
			}
			again, err := newState(f)
			if err != nil || again.Seq() != seq || again.WindowID() != id {
				t.Fatalf("closed with %d, %d, found %d, %d", seq, id, again.Seq(), again.WindowID())
			}
			continue
		}
		f.lose()
	}
	if perFrame := float64(f.syncs) / float64(frames); perFrame > 0.06 {
		t.Errorf("%.3f syncs a frame", perFrame)
	}
}
