package quality_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/radio"
)

// lengthsOf counts the payloads of the last 40 % of a recording by their length.
// Windows that a ladder refuses count as 238 bytes.
func lengthsOf(t *testing.T, path string, w int, c codec.Codec) map[int]int {
	t.Helper()
	windows, last := inOrder(t, path, w)
	lengths := map[int]int{}
	if m, ok := c.(codec.Stateful); ok {
		encoder := m.NewEncoder(func() uint16 { return 1 })
		var seq byte
		for w, err := range windows {
			if err != nil {
				t.Fatal(err)
			}
			payload, err := encoder.AppendEncode(nil, seq, w.Values)
			if err != nil {
				t.Fatal(err)
			}
			encoder.Acked(seq)
			seq++
			if last(w) {
				lengths[len(payload)]++
			}
		}
		return lengths
	}
	for w, err := range windows {
		if err != nil {
			t.Fatal(err)
		}
		if !last(w) {
			continue
		}
		payload, err := c.AppendEncode(nil, w.Values)
		if err != nil {
			lengths[radio.MaxPayloadLen]++
		} else {
			lengths[len(payload)]++
		}
	}
	return lengths
}

// airtime is the mean time on air a sample of payloads of these lengths, and their mean
// length a sample.
func airtime(lengths map[int]int, w, sf int) (ms, bytes float64) {
	phy := radio.PHY{SF: sf, BandwidthHz: 125000, CodingRate: 1, Preamble: 8, CRC: true, ExplicitHeader: true}
	windows, sum, total := 0, time.Duration(0), 0
	for n, count := range lengths {
		windows += count
		sum += time.Duration(count) * phy.TimeOnAir(radio.HeaderLen+n)
		total += count * n
	}
	samples := float64(windows * w)
	return float64(sum) / float64(time.Millisecond) / samples, float64(total) / samples
}

// TestAirtimeOnRecordings prints the table of docs/results.md: with -v, bytes and time
// on air a sample.
func TestAirtimeOnRecordings(t *testing.T) {
	testenv.Long(t)
	var rows []string
	row := func(w int, name string, lengths func(path string) map[int]int) {
		text := fmt.Sprintf("| %d | %s |", w, name)
		for _, recording := range recordings {
			got := lengths(testenv.Shared(t, "field", recording+".jsonl"))
			sf7, bytes := airtime(got, w, 7)
			sf12, _ := airtime(got, w, 12)
			text += fmt.Sprintf(" %.2f B, %.1f, %.0f |", bytes, sf7, sf12)
		}
		rows = append(rows, text)
	}
	fixed := func(n int) func(string) map[int]int {
		return func(string) map[int]int { return map[int]int{n: 1} }
	}
	for _, w := range []int{1, 8, 32} {
		for _, profile := range []string{codec.ProfileFull, codec.ProfileSmall} {
			c := predictive(t, w, codec.Params{Profile: profile}, nil)
			row(w, "predictive, "+profile, func(path string) map[int]int { return lengthsOf(t, path, w, c) })
		}
		if w < 32 {
			row(w, "ladder", func(path string) map[int]int {
				windows, last := inOrder(t, path, w)
				first := func(yield func(dataset.Window, error) bool) {
					for w, err := range windows {
						if err == nil && last(w) {
							return
						}
						if !yield(w, err) || err != nil {
							return
						}
					}
				}
				r, err := fit.Ladder(context.Background(), fit.Values(first), &fit.LadderSettings{Window: sensor.Shape{W: w, Stride: w}})
				if err != nil {
					t.Fatal(err)
				}
				c, err := r.Save(t.TempDir()+"/ladder", nil)
				if err != nil {
					t.Fatal(err)
				}
				return lengthsOf(t, path, w, c)
			})
		}
		n := map[int]int{1: 8, 8: 32, 32: 128}[w]
		row(w, fmt.Sprintf("bitpack of %d B", n), fixed(n))
		if w == 1 {
			row(w, "raw, sensor12_packed", fixed(codec.Sensor12StepBytes))
		}
	}
	t.Logf("bytes, ms at SF7, ms at SF12\n%s", strings.Join(rows, "\n"))
}
