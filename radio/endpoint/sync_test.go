package endpoint

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What is written is synced within 5 seconds, and only then; an error of that ends the run.
func TestSyncEveryFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		syncs := 0
		broken := errors.New("disk")
		s := startSyncer(func() error {
			if syncs++; syncs == 3 {
				return broken
			}
			return nil
		})
		for i := range 4 {
			if err := s.written(); (err != nil) != (i == 3) || i == 3 && !errors.Is(err, broken) {
				t.Errorf("write %d: %v", i, err)
			}
			time.Sleep(syncEvery + time.Second)
			synctest.Wait()
			if want := min(i+1, 3); syncs != want {
				t.Errorf("%d syncs after %d writes, want %d", syncs, i+1, want)
			}
			time.Sleep(time.Minute) // without writes
			synctest.Wait()
		}
		if syncs != 3 {
			t.Errorf("%d syncs, want 3", syncs)
		}
		s.close()
	})
}
