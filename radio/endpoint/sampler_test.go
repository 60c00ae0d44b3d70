package endpoint

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/runspec"
)

const line = `{"ts_ms": TS, "lat": 37, "lon": 127, "alt": 40, "ax": 0, "ay": 0, "az": 9.8, "gx": 0, "gy": 0, "gz": 0, "roll": 0, "pitch": 0, "yaw": 0}`

func samplerSpec(t *testing.T, hz float64, queue string) *runspec.RunSpec {
	t.Helper()
	spec, err := runspec.Load(testenv.Repo("testdata", "runspecs", "tx_sf7.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	spec.Window.SampleHz, spec.TX.Queue = hz, queue
	return spec
}

func TestSamplers(t *testing.T) {
	walk := testenv.Repo("testdata", "walk.jsonl")
	csv := filepath.Join(t.TempDir(), "recording") // no extension
	if err := os.WriteFile(csv, []byte("ts_ms,lat,lon,alt,ax,ay,az,gx,gy,gz,roll,pitch,yaw\n1,37,127,40,0,0,9.8,0,0,0,0,0,0\n2,37,127,40,0,0,9.8,0,0,0,0,0,0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		sampler SamplerSettings
		queue   string
		samples int // after which the context ends, or the samples
		ends    bool
		takes   time.Duration
	}{
		{"a recording waits for the queue", SamplerSettings{Path: walk}, runspec.QueueBlock, 900, true, 0},
		{"a queue that drops gets it at its pace", SamplerSettings{Kind: "jsonl", Path: walk}, runspec.QueueDropOldest, 900, true, 89900 * time.Millisecond},
		{"again and again", SamplerSettings{Kind: "jsonl", Path: walk, Loop: true}, runspec.QueueBlock, 5000, false, 0},
		{"CSV by another name", SamplerSettings{Kind: "csv", Path: csv}, runspec.QueueBlock, 2, true, 0},
		{"simulated", SamplerSettings{Kind: "simulate"}, runspec.QueueBlock, 50, false, 4900 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, n := time.Now(), 0
				for _, err := range c.sampler.Samples(t.Context(), samplerSpec(t, 10, c.queue)) {
					if err != nil {
						t.Fatal(err)
					}
					if n++; n == c.samples && !c.ends {
						break
					}
				}
				if n != c.samples {
					t.Errorf("%d samples, want %d", n, c.samples)
				}
				if took := time.Since(start).Round(time.Millisecond); took != c.takes {
					t.Errorf("took %v, want %v", took, c.takes)
				}
			})
		})
	}
}

func TestFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "growing.jsonl")
	synctest.Test(t, func(t *testing.T) {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		ctx, cancel := context.WithCancel(t.Context())
		sample := func(ts string) string { return strings.Replace(line, "TS", ts, 1) + "\n" }
		go func() {
			for i, part := range []string{sample("1"), sample("2")[:30], sample("2")[30:] + sample("3")} {
				time.Sleep(time.Duration(i+1) * time.Second)
				if _, err := f.WriteString(part); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(time.Second)
			cancel()
		}()
		sampler := SamplerSettings{Kind: "jsonl", Path: path, Follow: true}
		var got []int64
		var when []time.Duration
		start := time.Now()
		for s, err := range sampler.Samples(ctx, samplerSpec(t, 1, runspec.QueueBlock)) {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				break
			}
			got, when = append(got, s.TsMs), append(when, time.Since(start))
		}
		if len(got) != 3 || got[0] != 1 || got[2] != 3 {
			t.Fatalf("samples at %v", got)
		}
		if when[0] > 1200*time.Millisecond || when[1] < 6*time.Second || when[2] > 6200*time.Millisecond {
			t.Errorf("they came at %v", when)
		}
	})
}

func TestSamplesEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		sampler := SamplerSettings{Kind: "simulate"}
		n := 0
		var last error
		for _, err := range sampler.Samples(ctx, samplerSpec(t, 1, runspec.QueueBlock)) {
			if last = err; err == nil {
				n++
			}
		}
		if n < 10 || n > 11 || !errors.Is(last, context.DeadlineExceeded) {
			t.Errorf("%d samples in ten seconds, %v", n, last)
		}
	})
}
