package dataset

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

// FuzzReadWindows reads any bytes: no panic, values finite and of one length,
// every error located, and what was read is read again from what is written.
func FuzzReadWindows(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "{\"window\":[1,2]}\n{\"window\":[3,4", "{\"window\":[NaN]}\n", "\x00\x00",
		`{"ts_ms":5,"run_id":"r","window_id":7,"order":["x","y"],"units":{"x":"m","y":"s²"},"window":[1,-2.5e1]}` + "\n",
		`{"order":["x"],"window":[1]}` + "\r\n" + `{"order":["x"],"window":[2]}`, `{"a":{"b":[[[]]]},"window":[1e999]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		windows, err := collect(ofText(text, WindowSettings{}))
		var at *Error
		if err != nil && (!errors.As(err, &at) || at.File != "w.jsonl" || at.Line < 1) {
			t.Fatalf("error without a place: %v", err)
		}
		var written []byte
		for i, w := range windows {
			if len(w.Values) != len(windows[0].Values) || len(w.Values) == 0 {
				t.Fatalf("window %d has %d values", i, len(w.Values))
			}
			if written, err = w.AppendJSON(written); err != nil {
				t.Fatalf("window %d cannot be written: %v", i, err)
			}
		}
		again, err := collect(ofText(string(written), WindowSettings{}))
		if err != nil || !reflect.DeepEqual(again, windows) {
			t.Fatalf("read again: %+v, %v; want %+v", again, err, windows)
		}
	})
}

func fuzzSamples(f *testing.F, file string, seeds ...string) {
	for i, seed := range seeds {
		f.Add(seed, i%3)
	}
	f.Fuzz(func(t *testing.T, text string, fill int) {
		samples, err := collect(ReadSamples(strings.NewReader(text), file, SampleSettings{Fill: Fill(fill)}))
		var at *Error
		if err != nil && (!errors.As(err, &at) || at.File != file || at.Line < 1) {
			t.Fatalf("error without a place: %v", err)
		}
		for i, s := range samples {
			if s.TsMs > maxTsMs || s.TsMs < -maxTsMs {
				t.Fatalf("sample %d: time %d", i, s.TsMs)
			}
			for j, v := range s.Values {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("sample %d: value %d is %v", i, j, v)
				}
			}
		}
	})
}

func FuzzSampleJSONL(f *testing.F) {
	fuzzSamples(f, "s.jsonl", "", flat(`"ts_ms":5`), flat(`"timestamp":"2025-06-04T14:04:50.123+09:00"`), flat(`"ts":0.5`),
		`{"ts_ms":5,"gps":{"lat":1,"lon":2,"altitude":3},"accel":{"ax":4,"ay":5,"az":6},"gyro":{"gx":7,"gy":8,"gz":9},"angle":null}`,
		flat(`"ts_ms":5`)+`{"ts_ms":6,"lat":null}`+"\n", flat(`"ts_ms":5`)+`{"ts`, `{"lat":NaN`)
}

func FuzzSampleCSV(f *testing.F) {
	fuzzSamples(f, "s.csv", "", csvHeader, csvHeader+"5"+csvValues, csvHeader+"5"+csvValues+"6,1,,3,4,5,6,7,8,9,10,11,12\n",
		strings.Replace(csvHeader, "ts_ms", "timestamp", 1)+"20250604T140450.123+09"+csvValues, csvHeader+"5,nan,", "\"lat\",\"a,b\"\n", csvHeader+"\"")
}
