package runlog_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/radio/runlog"
)

func ExampleReadEnergy() {
	record := strings.NewReader("ts_ms,volts,amps\n0,5,0.1\n10000,5,0.1\n")
	e, err := runlog.ReadEnergy(record, "power.csv", time.UnixMilli(2000), time.UnixMilli(6000))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Joules, "J,", e.MeanWatts, "W")
	// Output: 2 J, 0.5 W
}

func TestEnergy(t *testing.T) {
	for _, c := range []struct {
		name, record string
		want         float64
		err          string
	}{
		{"constant", "ts_ms,power_mw\n0,1000\n10000,1000\n", 4, ""},
		{"a ramp, cut at both ends", "ts_ms,power_mw\n0,0\n10000,10000\n", 16, ""}, // mean 4 W over 4 s
		{"volts and amps", "# supply\namps,volts,ts_ms\n0.1,5,1000\n0.1,5,9000\n", 2, ""},
		{"starts late", "ts_ms,power_mw\n3000,1\n10000,1\n", 0, "starts 1.0 s after"},
		{"ends early", "ts_ms,power_mw\n0,1\n5000,1\n", 0, "ends before"},
		{"falls", "ts_ms,power_mw\n0,1\n0,1\n", 0, ":3: unusable power record: ts_ms: found 0 after 0"},
		{"not a number", "ts_ms,power_mw\n0,a lot\n", 0, `:2: unusable power record: power_mw: found "a lot"`},
		{"columns", "time,power\n", 0, "want ts_ms and power_mw"},
		{"not a number", "ts_ms,power_mw\n0,NaN\n10000,1\n", 0, `:2: unusable power record: power_mw: found "NaN"`},
		{"a row too short", "ts_ms,power_mw\n0\n", 0, "wrong number of fields"},
		{"a header alone", "ts_ms,power_mw\n", 0, "ends before"},
		{"empty", "", 0, "found no lines"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "power.csv")
			if err := os.WriteFile(path, []byte(c.record), 0o644); err != nil {
				t.Fatal(err)
			}
			e, err := runlog.OpenEnergy(path, time.UnixMilli(2000), time.UnixMilli(6000))
			if c.err != "" {
				var located *runlog.Error
				if err == nil || !strings.Contains(err.Error(), c.err) || !errors.As(err, &located) || !errors.Is(err, runlog.ErrPower) || located.File != path {
					t.Errorf("error %v, want %s", err, c.err)
				}
				return
			}
			if err != nil || math.Abs(e.Joules-c.want) > 1e-9 {
				t.Errorf("%+v, %v, want %v J", e, err, c.want)
			}
		})
	}
}

func FuzzReadEnergy(f *testing.F) {
	f.Add("ts_ms,power_mw\n0,1000\n10000,1000\n")
	f.Add("# supply\namps,volts,ts_ms\n0.1,5,1000\n0.1,5,9000\n")
	f.Add("ts_ms,power_mw\n0,1e308\n1,1e308\n")
	f.Add("\"")
	f.Fuzz(func(t *testing.T, record string) {
		e, err := runlog.ReadEnergy(strings.NewReader(record), "power.csv", time.UnixMilli(1), time.UnixMilli(4))
		if (e == nil) == (err == nil) {
			t.Errorf("%v, %v", e, err)
		}
	})
}
