package endpoint

import (
	"sync/atomic"
	"time"
)

// syncEvery is the time between two syncs of a run's log and data set. A power loss loses
// what was written since the last one.
const syncEvery = 5 * time.Second

// syncer calls a function every syncEvery if there is something to sync.
type syncer struct {
	sync   func() error
	dirty  atomic.Bool
	failed atomic.Pointer[error]
	stop   chan struct{}
	done   chan struct{}
}

func startSyncer(sync func() error) *syncer {
	s := &syncer{sync: sync, stop: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *syncer) run() {
	defer close(s.done)
	ticker := time.NewTicker(syncEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			if !s.dirty.Swap(false) {
				continue
			}
			if err := s.sync(); err != nil {
				s.failed.Store(&err)
				return
			}
		}
	}
}

// written notes that there is something to sync. It returns the error of an earlier sync.
func (s *syncer) written() error {
	s.dirty.Store(true)
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// close ends the goroutine. It does not sync.
func (s *syncer) close() {
	close(s.stop)
	<-s.done
}
