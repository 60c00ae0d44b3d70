package dataset

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/internal/testenv"
)

const (
	flatValues = `"lat":1,"lon":2,"alt":3,"ax":4,"ay":5,"az":6,"gx":7,"gy":8,"gz":9,"roll":10,"pitch":11,"yaw":12`
	csvHeader  = "ts_ms,lat,lon,alt,ax,ay,az,gx,gy,gz,roll,pitch,yaw\n"
	csvValues  = ",1,2,3,4,5,6,7,8,9,10,11,12\n"
)

func flat(time string) string { return "{" + time + "," + flatValues + "}\n" }

func motionSample(ts int64, values ...float64) Sample {
	return Sample{TsMs: ts, Values: values, Order: sampleNames, Units: sampleUnits}
}

func counted(ts int64) Sample {
	return motionSample(ts, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
}

func TestReadSamples(t *testing.T) {
	nested := `{"ts_ms":5,"gps":{"lat":1,"lon":2,"%s":3,"sats":9},"accel":{"ax":4,"ay":5,"az":6},"gyro":{"gx":7,"gy":8,"gz":9},"%s":{"roll":10,"pitch":11,"yaw":12}}` + "\n"
	cases := []struct {
		name, file, text string
		fill             Fill
		want             []Sample
	}{
		{"no bytes", "s.jsonl", "", FillError, nil},
		{"flat", "s.jsonl", flat(`"ts_ms":5`), FillError, []Sample{counted(5)}},
		{"nested", "s.jsonl", fmt.Sprintf(nested, "alt", "attitude"), FillError, []Sample{counted(5)}},
		{"nested, other names", "s.jsonl", fmt.Sprintf(nested, "altitude", "angle"), FillError, []Sample{counted(5)}},
		{"half nested", "s.jsonl", `{"ts":0.005,"gps":{"lat":1,"lon":2,"alt":3},"ax":4,"ay":5,"az":6,"gx":7,"gy":8,"gz":9,"angle":{"roll":10,"pitch":11,"yaw":12}}` + "\n",
			FillError, []Sample{counted(5)}},
		{"null beside a value", "s.jsonl", `{"ts_ms":5,"lat":null,"gps":{"lat":1,"lon":2,"alt":3},"attitude":null,` + flatValues[strings.Index(flatValues, `"ax"`):] + "}\n",
			FillError, []Sample{counted(5)}},
		{"seconds", "s.jsonl", flat(`"ts":1749013490.1234`), FillError, []Sample{counted(1749013490123)}},
		{"fraction of a millisecond", "s.jsonl", flat(`"ts_ms":5.6`), FillError, []Sample{counted(6)}},
		{"ISO 8601", "s.jsonl", flat(`"timestamp":"2025-06-04T05:04:50.123Z"`), FillError, []Sample{counted(1749013490123)}},
		{"ISO 8601 with a zone", "s.jsonl", flat(`"timestamp":"2025-06-04T14:04:50.123+09:00"`) + flat(`"timestamp":"2025-06-04 14:04:50,123+0900"`) + flat(`"timestamp":"20250604T140450.123+09"`),
			FillError, []Sample{counted(1749013490123), counted(1749013490123), counted(1749013490123)}},
		{"ISO 8601 without a zone", "s.jsonl", flat(`"timestamp":"2025-06-04T05:04:50.123456"`), FillError, []Sample{counted(1749013490123)}},
		{"ts_ms before ts before timestamp", "s.jsonl", flat(`"timestamp":"no","ts":"no","ts_ms":5`) + flat(`"timestamp":"no","ts":0.006,"ts_ms":null`),
			FillError, []Sample{counted(5), counted(6)}},
		{"other keys", "s.jsonl", flat(`"ts_ms":5,"device":{"id":[1,null]}`), FillError, []Sample{counted(5)}},
		{"blank lines, no last end", "s.jsonl", "\n" + flat(`"ts_ms":5`) + "\n" + strings.TrimSpace(flat(`"ts_ms":6`)), FillError, []Sample{counted(5), counted(6)}},
		{"drop", "s.jsonl", flat(`"ts_ms":5`) + `{"ts_ms":6,"lat":1}` + "\n" + flat(`"x":1`) + flat(`"ts_ms":7`), FillDrop, []Sample{counted(5), counted(7)}},
		{"hold", "s.jsonl", flat(`"ts_ms":5`) + `{"ts_ms":6,"lat":9,"gyro":null}` + "\n" + `{"ts_ms":7,"lat":null}` + "\n", FillHold,
			[]Sample{counted(5), motionSample(6, 9, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), motionSample(7, 9, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)}},
		{"CSV", "s.csv", csvHeader + "5" + csvValues + "\r\n6" + csvValues, FillError, []Sample{counted(5), counted(6)}},
		{"CSV, other order, other columns, quotes and spaces", "S.CSV",
			"yaw,\"note, free\",pitch,roll,gz,gy,gx,az,ay,ax,alt,lon,lat,ts\r\n12,\"a, b\", 11 ,\"10\",9,8,7,6,5,4,3,2,1,0.005\r\n", FillError, []Sample{counted(5)}},
		{"CSV with a timestamp, without the last end", "s.csv", strings.Replace(csvHeader, "ts_ms", "timestamp", 1) + "1970-01-01T00:00:00.005Z" + strings.TrimSpace(csvValues),
			FillError, []Sample{counted(5)}},
		{"CSV empty cells held", "s.csv", csvHeader + "5" + csvValues + "6,1,,3,4,5,6,7,8,9,10,11,12\n", FillHold, []Sample{counted(5), counted(6)}},
		{"CSV empty time dropped", "s.csv", csvHeader + csvValues + "6" + csvValues, FillDrop, []Sample{counted(6)}},
		{"CSV header alone", "s.csv", csvHeader, FillError, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := collect(ReadSamples(strings.NewReader(c.text), c.file, SampleSettings{Fill: c.fill}))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got  %v\nwant %v", got, c.want)
			}
		})
	}
}

func TestReadSamplesErrors(t *testing.T) {
	cases := []struct {
		name, file, text string
		fill             Fill
		kind             error
		message          string
	}{
		{"NaN", "s.jsonl", flat(`"ts_ms":5`) + `{"ts_ms":6,"lat":NaN}` + "\n", FillHold, ErrNotFinite,
			"dataset: s.jsonl:2: lat: found NaN, want a finite number"},
		{"nested Infinity", "s.jsonl", `{"gps":{"lat": -Infinity}}` + "\n", FillDrop, ErrNotFinite,
			"dataset: s.jsonl:1: gps.lat: found -Infinity, want a finite number"},
		{"a string", "s.jsonl", `{"lat":"37"}` + "\n", FillError, ErrType,
			`dataset: s.jsonl:1: lat: found "37", want a number`},
		{"absent", "s.jsonl", `{"ts_ms":1,"lat":1}` + "\n", FillError, ErrMissing,
			`dataset: s.jsonl:1: lon: found no value, want a number`},
		{"null", "s.jsonl", strings.Replace(flat(`"ts_ms":5`), ":11,", ":null,", 1), FillError, ErrMissing,
			`dataset: s.jsonl:1: pitch: found no value, want a number`},
		{"nothing to hold", "s.jsonl", `{"ts_ms":1,"lat":1}` + "\n", FillHold, ErrMissing,
			`dataset: s.jsonl:1: lon: found no value, and none in the samples before, want a number`},
		{"no time", "s.jsonl", flat(`"x":5`), FillHold, ErrMissing,
			`dataset: s.jsonl:1: ts_ms: found no time, want ts_ms, ts or timestamp`},
		{"flat and nested", "s.jsonl", flat(`"ts_ms":5,"gps":{"lat":1}`), FillError, ErrDuplicate,
			`dataset: s.jsonl:1: lat: found lat a second time, want it once`},
		{"group no object", "s.jsonl", `{"accel":[1,2,3]}` + "\n", FillError, ErrType,
			`dataset: s.jsonl:1: accel: found [1,2,3], want an object`},
		{"ts_ms a string", "s.jsonl", flat(`"ts_ms":"5"`), FillError, ErrType,
			`dataset: s.jsonl:1: ts_ms: found "5", want a number`},
		{"time too far", "s.jsonl", flat(`"ts":1e300`), FillError, ErrType,
			`dataset: s.jsonl:1: ts: found 1e+300, want a time within 2^53 ms of 1970`},
		{"timestamp a number", "s.jsonl", flat(`"timestamp":5`), FillError, ErrType,
			`dataset: s.jsonl:1: timestamp: found 5, want a string`},
		{"timestamp no ISO 8601", "s.jsonl", flat(`"timestamp":"4 June 2025"`), FillError, ErrType,
			`dataset: s.jsonl:1: timestamp: found "4 June 2025", want ISO 8601, such as 2026-01-02T03:04:05.678Z`},
		{"no object", "s.jsonl", "5\n", FillError, ErrSyntax, `dataset: s.jsonl:1: found "5", want one JSON object per line`},
		{"incomplete", "s.jsonl", flat(`"ts_ms":5`) + `{"ts_ms":6,"la`, FillError, ErrIncompleteLine,
			"dataset: s.jsonl:2: found an incomplete last line (14 bytes, no line end), want a whole one: its writer was interrupted"},
		{"CSV in a .jsonl", "s.jsonl", csvHeader, FillError, ErrSyntax,
			"dataset: s.jsonl:1: found \"ts_ms,lat,lon,alt,ax,ay,az,gx,gy,gz,roll...\", want one JSON object per line"},
		{"CSV without columns", "s.csv", "ts_ms,lat,lon\n", FillDrop, ErrMissing,
			"dataset: s.csv:1: header: found ts_ms,lat,lon, want also the columns alt, ax, ay, az, gx, gy, gz, roll, pitch, yaw"},
		{"CSV without a time", "s.csv", csvHeader[6:], FillDrop, ErrMissing,
			"dataset: s.csv:1: header: found lat,lon,alt,ax,ay,az,gx,gy,gz,roll,pitch..., want also the columns ts_ms"},
		{"CSV column twice", "s.csv", "lat," + csvHeader, FillDrop, ErrDuplicate,
			"dataset: s.csv:1: lat: found two columns of this name, want one"},
		{"CSV short row", "s.csv", csvHeader + "5,1,2\n", FillDrop, ErrLength,
			"dataset: s.csv:2: found 3 columns, want 13, as in the header"},
		{"CSV not a number", "s.csv", csvHeader + "5,north" + csvValues[2:], FillDrop, ErrType,
			`dataset: s.csv:2: lat: found "north", want a number`},
		{"CSV NaN", "s.csv", csvHeader + "5,nan" + csvValues[2:], FillDrop, ErrNotFinite,
			`dataset: s.csv:2: lat: found nan, want a finite number`},
		{"CSV beyond float64", "s.csv", csvHeader + "5,1e999" + csvValues[2:], FillDrop, ErrNotFinite,
			`dataset: s.csv:2: lat: found 1e999, want a finite number`},
		{"CSV empty cell", "s.csv", csvHeader + "5," + csvValues[2:], FillError, ErrMissing,
			`dataset: s.csv:2: lat: found no value, want a number`},
		{"CSV bad time", "s.csv", csvHeader + "now" + csvValues, FillError, ErrType,
			`dataset: s.csv:2: ts_ms: found "now", want a number`},
		{"CSV incomplete", "s.csv", csvHeader + "5" + csvValues + "6,1,2,3,4,", FillError, ErrIncompleteLine,
			"dataset: s.csv:3: found an incomplete last line (10 bytes, no line end), want a whole one: its writer was interrupted"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := collect(ReadSamples(strings.NewReader(c.text), c.file, SampleSettings{Fill: c.fill}))
			var at *Error
			if !errors.Is(err, c.kind) || !errors.As(err, &at) {
				t.Fatalf("got %v, want an *Error that matches %v", err, c.kind)
			}
			if err.Error() != c.message {
				t.Fatalf("got  %s\nwant %s", err, c.message)
			}
		})
	}
}

func TestSampleRoundTrip(t *testing.T) {
	want := []Sample{counted(5), motionSample(-6, 37.123457, -0.1, 1e-9, 1e21, 0, 0, 0, 0, 0, 0, 0, 0)}
	path := filepath.Join(t.TempDir(), "s.jsonl")
	n, err := WriteFile(path, func(yield func(Sample, error) bool) {
		for _, s := range want {
			if !yield(s, nil) {
				return
			}
		}
	})
	if err != nil || n != 2 {
		t.Fatalf("wrote %d, %v", n, err)
	}
	if line, _, _ := strings.Cut(readFile(t, path), "\n"); line+"\n" != flat(`"ts_ms":5`) {
		t.Fatalf("first line is %s", line)
	}
	if got, err := collect(OpenSamples(path, SampleSettings{})); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, %v; want %v", got, err, want)
	}
	s := counted(5)
	s.Values[3] = math.Inf(-1)
	if got, err := s.AppendJSON([]byte("before")); !errors.Is(err, ErrNotFinite) || string(got) != "before" || err.Error() != "dataset: ax: found -Inf, want a finite number" {
		t.Fatalf("got %s, %v", got, err)
	}
}

func TestSampleCounts(t *testing.T) {
	text := flat(`"ts_ms":5`) + `{"ts_ms":6,"lat":9}` + "\n" + flat(`"ts_ms":7`)
	for _, c := range []struct {
		fill Fill
		want SampleCounts
	}{{FillDrop, SampleCounts{Samples: 2, Dropped: 1}}, {FillHold, SampleCounts{Samples: 3, Held: 1}}} {
		var counts SampleCounts
		path := writeTemp(t, "s.jsonl", text)
		seq := OpenSamples(path, SampleSettings{Fill: c.fill, Counts: &counts})
		for range 2 {
			if _, err := collect(seq); err != nil || counts != c.want {
				t.Fatalf("fill %d: got %+v, %v; want %+v", c.fill, counts, err, c.want)
			}
		}
	}
}

func TestParseFill(t *testing.T) {
	for name, want := range map[string]Fill{"error": FillError, "drop": FillDrop, "hold": FillHold} {
		if got, err := ParseFill(name); got != want || err != nil {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if _, err := ParseFill("zero"); err == nil {
		t.Error("zero: got no error")
	}
}

// A sample comes out as soon as its line is whole, before the stream ends.
func TestReadSamplesFollows(t *testing.T) {
	r, w := io.Pipe()
	next := make(chan struct{})
	go func() {
		for ts := range 3 {
			line := flat(fmt.Sprintf(`"ts_ms":%d`, ts))
			io.WriteString(w, line[:10])
			io.WriteString(w, line[10:])
			<-next // not before the sample was seen
		}
		w.Close()
	}()
	n := 0
	for s, err := range ReadSamples(r, "live.jsonl", SampleSettings{}) {
		if err != nil || !reflect.DeepEqual(s, counted(int64(n))) {
			t.Fatalf("got %v, %v", s, err)
		}
		n++
		next <- struct{}{}
	}
	if n != 3 {
		t.Fatalf("got %d samples, want 3", n)
	}
}

func TestReadSamplesStreamError(t *testing.T) {
	broken := errors.New("unplugged")
	r := io.MultiReader(strings.NewReader(flat(`"ts_ms":5`)+`{"ts`), errReader{broken})
	got, err := collect(ReadSamples(r, "tty", SampleSettings{}))
	if len(got) != 1 || !errors.Is(err, broken) || err.Error() != "dataset: tty: unplugged" {
		t.Fatalf("got %d samples, %v", len(got), err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestFieldRecordings(t *testing.T) {
	for name, want := range map[string]int{"walk": 2505, "car": 10800, "phone": 6270} {
		got, err := collect(OpenSamples(testenv.Shared(t, "field", name+".jsonl"), SampleSettings{}))
		if err != nil || len(got) != want {
			t.Errorf("%s: %d samples, %v; want %d", name, len(got), err, want)
		}
	}
}
