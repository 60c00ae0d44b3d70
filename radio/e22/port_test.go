package e22_test

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loralink/loralink-go/radio/e22"
)

// scripted is a port whose Reads are written down.
type scripted struct {
	reads   []read
	timeout time.Duration
	done    chan struct{}
}

// read is what one Read does: it takes a while, then returns bytes.
type read struct {
	takes time.Duration
	bytes []byte
}

func (p *scripted) Read(b []byte) (int, error) {
	if len(p.reads) == 0 {
		select {
		case <-p.done:
			return 0, io.EOF
		case <-time.After(p.timeout):
			return 0, nil
		}
	}
	next := p.reads[0]
	p.reads = p.reads[1:]
	time.Sleep(next.takes)
	return copy(b, next.bytes), nil
}

func (p *scripted) Write(b []byte) (int, error) { return len(b), nil }

func (p *scripted) SetReadTimeout(d time.Duration) error {
	p.timeout = d
	return nil
}

func (p *scripted) Close() error {
	close(p.done)
	return nil
}

// Only a Read that found nothing ends a burst: bytes that were read late because
// the program did not run belong to it.
func TestSilence(t *testing.T) {
	whole := frame(t, 4, 20)
	cases := []struct {
		name  string
		reads []read
		fails bool
	}{
		{"in one", []read{{0, whole}}, false},
		{"in two", []read{{0, whole[:7]}, {30 * time.Millisecond, whole[7:]}}, false},
		{"the second late", []read{{0, whole[:7]}, {300 * time.Millisecond, whole[7:]}}, false},
		{"each late", []read{{200 * time.Millisecond, whole[:7]}, {200 * time.Millisecond, whole[7:9]}, {200 * time.Millisecond, whole[9:]}}, false},
		{"a silence between", []read{{0, whole[:7]}, {40 * time.Millisecond, nil}, {0, whole}}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, err := e22.New(&scripted{reads: c.reads, done: make(chan struct{})}, e22.Settings{})
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				frames, failures := drain(t, r)
				if len(frames) != 1 || !bytes.Equal(frames[0].Frame, whole) {
					t.Errorf("frames %+v", frames)
				}
				if (len(failures) > 0) != c.fails {
					t.Errorf("failures %v, want any: %v", failures, c.fails)
				}
			})
		})
	}
}
