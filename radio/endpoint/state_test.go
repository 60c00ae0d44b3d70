package endpoint

import (
	"errors"
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
	if s := open(); s.Seq() != 3 || s.WindowID() != 1<<40 {
		t.Errorf("kept %d, %d", s.Seq(), s.WindowID())
	}
	if err := os.WriteFile(filepath.Join(dir, "walk_tx.state"), []byte("seq 999 window_id -000000000000000001\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s := open(); s.WindowID() != 0 {
		t.Errorf("took nonsense for %d", s.WindowID())
	}
}
