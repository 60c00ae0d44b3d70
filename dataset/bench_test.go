package dataset

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/loralink/loralink-go/dataset/sensor"
)

// benchWindows is a data set of n windows in memory.
func benchWindows(b *testing.B, n int) []byte {
	var out []byte
	var err error
	w := Window{RunID: "bench", Order: sensor.Motion().Names(), Units: sensor.Motion().Units()}
	for i := range n {
		w.ID, w.TsMs = int64(i), 1700000000000+int64(i)*20
		w.Values = []float64{37.1234567, 127.7654321, 31.25, -0.0354, 0.0605, 8.994, 1.25, 11.9, -8.6, 7.6, 2.47, 55.2 + float64(i%90)/10}
		if out, err = w.AppendJSON(out); err != nil {
			b.Fatal(err)
		}
	}
	return out
}

func BenchmarkReadWindows(b *testing.B) {
	const n = 1000
	data := benchWindows(b, n)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		got := 0
		newWindowDecoder(bytes.NewReader(data), "bench.jsonl", WindowSettings{WindowLen: 12}).all(func(_ Window, err error) bool {
			if err != nil {
				b.Fatal(err)
			}
			got++
			return true
		})
		if got != n {
			b.Fatal(got)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkEncodingJSON measures encoding/json on the same lines, without checks, for comparison.
func BenchmarkEncodingJSON(b *testing.B) {
	const n = 1000
	lines := bytes.Split(bytes.TrimSpace(benchWindows(b, n)), []byte("\n"))
	b.ReportAllocs()
	for b.Loop() {
		for _, line := range lines {
			var w struct {
				TsMs   int64             `json:"ts_ms"`
				RunID  string            `json:"run_id"`
				ID     int64             `json:"window_id"`
				Order  []string          `json:"order"`
				Units  map[string]string `json:"units"`
				Values []float64         `json:"window"`
			}
			if err := json.Unmarshal(line, &w); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkReadSamples(b *testing.B) {
	var data []byte
	const n = 1000
	for i := range n {
		data = append(data, flat(`"ts_ms":`+strconv.Itoa(i))...)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if got, err := collect(ReadSamples(bytes.NewReader(data), "s.jsonl", SampleSettings{})); err != nil || len(got) != n {
			b.Fatal(len(got), err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkAppendJSON(b *testing.B) {
	w := Window{RunID: "bench", Order: sensor.Motion().Names(), Units: sensor.Motion().Units(), Values: make([]float64, 12)}
	for i := range w.Values {
		w.Values[i] = 37.1234567 + float64(i)
	}
	var line []byte
	var err error
	b.ReportAllocs()
	for b.Loop() {
		if line, err = w.AppendJSON(line[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
