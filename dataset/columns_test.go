package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/dataset/sensor"
)

var weather = Columns{{Name: "temp", Unit: "degC", From: "Temperature"}, {Name: "hum", Unit: "%", From: "RH"}, {Name: "pressure", Unit: "hPa"}}

func TestColumnsSet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "columns.txt")
	if err := os.WriteFile(path, []byte("\ufeff# the weather station\r\n\n temp : degC = Temperature, inside\r\nhum:%=RH\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		want Columns
	}{
		{"temp:degC=Temperature,hum:%=RH,pressure:hPa", weather},
		{" temp:degC = Temperature , hum : % =RH,pressure:hPa", weather},
		{"lat=Latitude,lon", Columns{{Name: "lat", From: "Latitude"}, {Name: "lon"}}},
		{"x=a=b:c", Columns{{Name: "x", From: "a=b:c"}}},
		{"ts=time,x", Columns{{Name: "ts", From: "time"}, {Name: "x"}}},
		{"@" + path, Columns{{Name: "temp", Unit: "degC", From: "Temperature, inside"}, {Name: "hum", Unit: "%", From: "RH"}}},
	} {
		var got Columns
		if err := got.Set(c.text); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.text, got, err, c.want)
		}
		if again := (Columns)(nil); c.text[0] != '@' {
			if err := again.Set(got.String()); err != nil || !reflect.DeepEqual(again, c.want) {
				t.Errorf("%s: %v, %v from %s; want %v", c.text, again, err, got.String(), c.want)
			}
		}
	}
	if text := (*Columns)(nil).String(); text != "" {
		t.Errorf("nil columns are %q", text)
	}
}

func TestColumnsSetErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "columns.txt")
	if err := os.WriteFile(path, []byte("temp\n=RH\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range maxSampleDims + 1 {
		many = append(many, fmt.Sprint("v", i))
	}
	const want = "want name, name:unit, name=source or name:unit=source"
	for _, c := range []struct {
		name, text string
		kind       error
		message    string
	}{
		{"empty", "", ErrSettings, `dataset: columns: found "", without a name, ` + want},
		{"a comma at the end", "temp,", ErrSettings, `dataset: columns: found "", without a name, ` + want},
		{"no name", ":degC=T", ErrSettings, `dataset: columns: found ":degC=T", without a name, ` + want},
		{"a file among columns", "temp,@more", ErrSettings, `dataset: columns: found "@more", want no @ before a name, and a file alone`},
		{"no unit", "temp:=T", ErrSettings, `dataset: columns: found "temp:=T", with a colon but no unit, ` + want},
		{"no source", "temp=", ErrSettings, `dataset: columns: found "temp=", with = but no source, ` + want},
		{"a name twice", "temp,temp=T", ErrSettings, `dataset: invalid settings: two columns have the name "temp", want unique names`},
		{"a source twice", "temp,outside=temp", ErrSettings, `dataset: invalid settings: columns "temp" and "outside" have the source "temp", want unique sources`},
		{"no values", "ts=time", ErrSettings, "dataset: invalid settings: found 0 columns with values, want 1..4096"},
		{"two times", "ts=a,ts_ms=b,x", ErrSettings, "dataset: invalid settings: found 2 columns with the time, want one of ts_ms, ts and timestamp"},
		{"unit of a time", "ts:s=a,x", ErrSettings, `dataset: invalid settings: the time ts has the unit "s", want none: ts_ms is in ms, ts in s, timestamp ISO 8601`},
		{"too many", strings.Join(many, ","), ErrSettings, "dataset: invalid settings: found 4097 columns with values, want 1..4096"},
		{"a long name", strings.Repeat("n", 257), ErrSettings, `dataset: invalid settings: column 1 has "` + strings.Repeat("n", 40) + `...", want printable text of at most 256 bytes`},
		{"a control character", "a\x1bb", ErrSettings, `dataset: invalid settings: column 1 has "a\x1bb", want printable text of at most 256 bytes`},
		{"no UTF-8", "a\xff", ErrSettings, `dataset: invalid settings: column 1 has "a\xff", want printable text of at most 256 bytes`},
		{"a line of a file", "@" + path, ErrSettings, "dataset: " + path + `:2: found "=RH", without a name, ` + want},
		{"no such file", "@" + filepath.Join(dir, "none"), fs.ErrNotExist, "dataset: " + filepath.Join(dir, "none") + ": no such file or directory"},
	} {
		columns := Columns{{Name: "before"}}
		err := columns.Set(c.text)
		if !errors.Is(err, c.kind) || err.Error() != c.message || len(columns) != 1 {
			t.Errorf("%s: got  %v\nwant %s", c.name, err, c.message)
		}
	}
	var most Columns
	if err := most.Set(strings.Join(many[1:], ",")); err != nil || len(most) != maxSampleDims {
		t.Errorf("%d columns, %v; want %d", len(most), err, maxSampleDims)
	}
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, bytes.Repeat([]byte("#\n"), maxColumnFile/2+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := most.Set("@" + big); !errors.Is(err, ErrTooLong) {
		t.Errorf("a file of %d bytes: %v", maxColumnFile+2, err)
	}
}

func TestColumnsSchema(t *testing.T) {
	var columns Columns
	if !columns.Schema().Equal(sensor.Motion()) {
		t.Errorf("nil: %v", columns.Schema())
	}
	if err := columns.Set("ts=time,alt:ft,lat=Latitude,temp"); err != nil {
		t.Fatal(err)
	}
	want := sensor.Schema{{Name: "alt", Unit: "ft"}, sensor.Motion()[0], {Name: "temp"}}
	if got := columns.Schema(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReadColumns(t *testing.T) {
	sample := func(ts int64, values ...float64) Sample {
		return Sample{TsMs: ts, Values: values, Order: []string{"temp", "hum", "pressure"}, Units: map[string]string{"temp": "degC", "hum": "%", "pressure": "hPa"}}
	}
	for _, c := range []struct {
		name, columns, file, text string
		fill                      Fill
		want                      []Sample
	}{
		{"CSV", "temp:degC=Temperature,hum:%=RH,pressure:hPa", "w.csv", "RH,ts,pressure,note,Temperature\n55,1,1013,a,20.5\n56,2,1012,,21\n", FillError,
			[]Sample{sample(1000, 20.5, 55, 1013), sample(2000, 21, 56, 1012)}},
		{"JSON", "temp:degC=Temperature,hum:%=RH,pressure:hPa", "w.jsonl", `{"RH":55,"ts":1,"lat":3,"pressure":1013,"gps":{"lat":4},"Temperature":20.5}` + "\n", FillError,
			[]Sample{sample(1000, 20.5, 55, 1013)}},
		{"nested, with a null group held", "temp:degC=air.in.T,hum:%=air.rh,pressure:hPa=p", "w.jsonl",
			`{"ts_ms":1,"p":1013,"air":{"rh":55,"in":{"T":20.5,"x":[]},"T":9}}` + "\n" + `{"ts_ms":2,"p":1012,"air":null}` + "\n", FillHold,
			[]Sample{sample(1, 20.5, 55, 1013), sample(2, 20.5, 55, 1012)}},
		{"a key with dots", "temp:degC=air.T,hum:%=air.rh,pressure:hPa=p", "w.jsonl", `{"ts_ms":1,"p":1013,"air.T":20.5,"air":{"rh":55}}` + "\n", FillError,
			[]Sample{sample(1, 20.5, 55, 1013)}},
		{"a key that is also an object's", "temp:degC=air,hum:%=air.rh,pressure:hPa=p", "w.jsonl",
			`{"ts_ms":1,"p":1013,"air":20.5}` + "\n" + `{"ts_ms":2,"p":1,"air":2,"air.rh":3}` + "\n", FillDrop, []Sample{sample(2, 2, 3, 1)}},
		{"a key that is a number, then an object", "temp:degC=air,hum:%=air.rh,pressure:hPa=p", "w.jsonl",
			`{"ts_ms":1,"p":1,"air":2,"air.rh":3}` + "\n" + `{"ts_ms":2,"p":1,"air":{"rh":4}}` + "\n", FillHold, []Sample{sample(1, 2, 3, 1), sample(2, 2, 4, 1)}},
		{"the time in seconds under another name", "temp:degC,hum:%,ts=t,pressure:hPa", "w.csv", "t,temp,hum,pressure,ts_ms\n1.5,20.5,55,1013,no\n", FillError,
			[]Sample{sample(1500, 20.5, 55, 1013)}},
		{"a nested time", "timestamp=at.utc,temp:degC,hum:%,pressure:hPa", "w.jsonl", `{"ts_ms":7,"at":{"utc":"1970-01-01T00:00:01Z"},"temp":20.5,"hum":55,"pressure":1013}` + "\n", FillError,
			[]Sample{sample(1000, 20.5, 55, 1013)}},
		{"a value that is the time", "temp:degC=ts_ms,hum:%,pressure:hPa", "w.jsonl", `{"ts_ms":7,"hum":55,"pressure":1013}` + "\n", FillError,
			[]Sample{sample(7, 7, 55, 1013)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var settings SampleSettings
			if err := settings.Columns.Set(c.columns); err != nil {
				t.Fatal(err)
			}
			settings.Fill = c.fill
			got, err := collect(ReadSamples(strings.NewReader(c.text), c.file, settings))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got  %v, %v\nwant %v", got, err, c.want)
			}
		})
	}
}

// A motion recording under other names gives the samples of one under its own.
func TestReadRenamedMotion(t *testing.T) {
	var columns Columns
	if err := columns.Set("lat=Latitude,lon=Longitude,alt,ax,ay,az,gx,gy,gz,roll,pitch,yaw=heading"); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("lat", "Latitude", "lon", "Longitude", "yaw", "heading").Replace(csvHeader) + "5" + csvValues
	got, err := collect(ReadSamples(strings.NewReader(text), "m.csv", SampleSettings{Columns: columns}))
	if err != nil || !reflect.DeepEqual(got, []Sample{counted(5)}) {
		t.Fatalf("got %v, %v", got, err)
	}
}

func TestReadColumnsErrors(t *testing.T) {
	for _, c := range []struct {
		name, columns, file, text string
		kind                      error
		message                   string
	}{
		{"CSV without the column", "temp=Temperature,hum", "w.csv", "ts,Temp,hum\n1,2,3\n", ErrMissing, "dataset: w.csv:1: header: found ts,Temp,hum, want also the columns Temperature"},
		{"CSV without the time", "ts=t,hum", "w.csv", "ts,hum\n1,2\n", ErrMissing, "dataset: w.csv:1: header: found ts,hum, want also the columns t"},
		{"CSV with the column twice", "hum=h", "w.csv", "ts,h,h\n1,2,3\n", ErrDuplicate, "dataset: w.csv:1: h: found two columns of this name, want one"},
		{"CSV cell", "hum=h", "w.csv", "ts,h\n1,x\n", ErrType, `dataset: w.csv:2: h: found "x", want a number`},
		{"CSV empty cell", "hum=h", "w.csv", "ts,h\n1,\n", ErrMissing, `dataset: w.csv:2: h: found no value, want a number`},
		{"JSON without the key", "temp=Temperature,hum", "w.jsonl", `{"ts":1,"Temp":2,"hum":3}` + "\n", ErrMissing, "dataset: w.jsonl:1: Temperature: found no value, want a number; the line has the keys ts, Temp, hum"},
		{"JSON without the time", "ts=t,hum", "w.jsonl", `{"ts":1,"hum":3}` + "\n", ErrMissing, "dataset: w.jsonl:1: t: found no time, want t; the line has the keys ts, hum"},
		{"JSON wrong type", "temp=air.T", "w.jsonl", `{"ts":1,"air":{"T":"2"}}` + "\n", ErrType, `dataset: w.jsonl:1: air.T: found "2", want a number`},
		{"JSON no object", "temp=air.T", "w.jsonl", `{"ts":1,"air":2}` + "\n", ErrType, `dataset: w.jsonl:1: air: found 2, want an object`},
		{"JSON flat and nested", "temp=air.T", "w.jsonl", `{"ts":1,"air":{"T":2},"air.T":3}` + "\n", ErrDuplicate, `dataset: w.jsonl:1: air.T: found temp a second time, want it once`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var columns Columns
			if err := columns.Set(c.columns); err != nil {
				t.Fatal(err)
			}
			_, err := collect(ReadSamples(strings.NewReader(c.text), c.file, SampleSettings{Columns: columns}))
			if !errors.Is(err, c.kind) || err.Error() != c.message {
				t.Fatalf("got  %v\nwant %s", err, c.message)
			}
		})
	}
	if _, err := collect(ReadSamples(strings.NewReader("x"), "w.csv", SampleSettings{Columns: Columns{}})); !errors.Is(err, ErrSettings) {
		t.Errorf("no columns: %v", err)
	}
	many := `{"ts":1`
	for i := range 1000 {
		many += fmt.Sprintf(`,"key%d":0`, i)
	}
	_, err := collect(ReadSamples(strings.NewReader(many+"}\n"), "w.jsonl", SampleSettings{Columns: weather}))
	if err == nil || len(err.Error()) > 500 || !strings.HasSuffix(err.Error(), ", ...") {
		t.Errorf("a line of 1000 keys: %v", err)
	}
}

// Samples of other values are written, and cut into windows that have their names.
func TestColumnsRoundTrip(t *testing.T) {
	text := "ts_ms,Temperature,RH,pressure\n1,20,50,1010\n2,21,51,1011\n3,22,52,1012\n"
	samples := ReadSamples(strings.NewReader(text), "w.csv", SampleSettings{Columns: weather})
	all, err := collect(samples)
	if err != nil {
		t.Fatal(err)
	}
	var written []byte
	for _, s := range all {
		if written, err = s.AppendJSON(written); err != nil {
			t.Fatal(err)
		}
	}
	again, err := collect(ReadSamples(bytes.NewReader(written), "w.jsonl", SampleSettings{Columns: Columns{{Name: "temp", Unit: "degC"}, {Name: "hum", Unit: "%"}, {Name: "pressure", Unit: "hPa"}}}))
	if err != nil || !reflect.DeepEqual(again, all) {
		t.Errorf("written %s\nread  %v, %v\nwant  %v", written, again, err, all)
	}
	windows, err := collect(Windows(ReadSamples(strings.NewReader(text), "w.csv", SampleSettings{Columns: weather}), WindowerSettings{W: 2, Dims: 3}))
	want := []Window{
		{TsMs: 2, ID: 0, Order: all[0].Order, Units: all[0].Units, Values: []float64{20, 50, 1010, 21, 51, 1011}},
		{TsMs: 3, ID: 1, Order: all[0].Order, Units: all[0].Units, Values: []float64{21, 51, 1011, 22, 52, 1012}},
	}
	if err != nil || !reflect.DeepEqual(windows, want) {
		t.Errorf("got  %v, %v\nwant %v", windows, err, want)
	}
	nameless := Sample{Values: []float64{1, 2}}
	if _, err := nameless.AppendJSON(nil); !errors.Is(err, ErrLength) || err.Error() != "dataset: order: found 0 names of 2 values, want one for each" {
		t.Errorf("a sample without names: %v", err)
	}
}

// A change of the number of values starts anew, so that no window has some of both.
func TestWindowerOtherLength(t *testing.T) {
	w := NewWindower(WindowerSettings{W: 2})
	var got [][]float64
	for i, values := range [][]float64{{1, 2}, {3, 4}, {5}, {6}, {}, {}, {7, 8}, {9, 10}} {
		if win, ok := w.Push(Sample{TsMs: int64(i), Values: values}); ok {
			if win.Order != nil || win.Units != nil {
				t.Errorf("window %d has the names %v", win.ID, win.Order)
			}
			got = append(got, win.Values)
		}
	}
	if want := [][]float64{{1, 2, 3, 4}, {5, 6}, nil, {7, 8, 9, 10}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// FuzzColumns reads any columns: no panic, and what is valid reads a header of its
// sources, and is written as it was read.
func FuzzColumns(f *testing.F) {
	for _, seed := range []string{"", "temp:degC=Temperature,hum:%=RH,pressure:hPa", "a=b.c,b=b", "ts=t,x", "x=a=b:c", "a=.,b=..", "a:,b", "\xff"} {
		f.Add(seed, `{"b":{"c":1},"ts":2}`)
	}
	f.Fuzz(func(t *testing.T, text, line string) {
		var columns Columns
		if strings.HasPrefix(text, "@") || columns.Set(text) != nil {
			return
		}
		var again Columns
		if err := again.Set(columns.String()); err != nil || !reflect.DeepEqual(again, columns) {
			t.Fatalf("%v is written as %s and read as %v, %v", columns, columns.String(), again, err)
		}
		n := len(columns.Schema())
		for _, file := range []string{"a.jsonl", "a.csv"} {
			for s, err := range ReadSamples(strings.NewReader(line), file, SampleSettings{Columns: columns, Fill: FillHold}) {
				if err == nil && (len(s.Values) != n || len(s.Order) != n) {
					t.Fatalf("%s: a sample of %d values, want %d", file, len(s.Values), n)
				}
			}
		}
	})
}
