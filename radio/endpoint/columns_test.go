package endpoint_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/runspec"
)

var weather = dataset.Columns{{Name: "temp", Unit: "degC", From: "T"}, {Name: "hum", Unit: "%"}, {Name: "pressure", Unit: "hPa"}}

// described is a codec that knows its values.
type described struct {
	codec.Codec
	schema sensor.Schema
}

func (d described) SensorSchema() sensor.Schema { return d.schema }

// weatherEnd returns an end for windows of three values. If named is set, its codec knows
// their names.
func weatherEnd(t *testing.T, role string, named bool) *endpoint.Endpoint {
	t.Helper()
	s, err := runspec.Load(spec(t, t.TempDir(), role, ", max_windows: 5"))
	if err != nil {
		t.Fatal(err)
	}
	s.Window.Dims = 3
	s.Codec.ID, s.Codec.Version, s.Codec.Params, s.ArtifactsManifest = "raw", "1", nil, ""
	e, err := endpoint.New(s, nil)
	if err == nil && named {
		e, err = endpoint.New(s, &endpoint.Settings{Codec: described{e.Codec(), weather.Schema()}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestCheckColumns(t *testing.T) {
	for _, c := range []struct {
		name, columns string
		named         bool
		want          string // "": they fit
	}{
		{"the codec's", "temp:degC,hum:%=RH,pressure:hPa,ts=time", true, ""},
		{"units unknown", "temp,hum,pressure", true, ""},
		{"another order", "hum,temp,pressure", true, "endpoint: invalid settings: samples have the values hum, temp, pressure, want temp, hum, pressure, as the codec raw, in this order (--columns)"},
		{"another unit", "temp:K,hum,pressure", true, "endpoint: invalid settings: samples have temp in K, want degC, as the codec raw"},
		{"a codec without names", "a,b,c", false, ""},
	} {
		var columns dataset.Columns
		if err := columns.Set(c.columns); err != nil {
			t.Fatal(err)
		}
		err := weatherEnd(t, "tx", c.named).CheckColumns(columns)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, endpoint.ErrSettings) || err.Error() != c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if err := weatherEnd(t, "tx", true).CheckColumns(nil); !errors.Is(err, endpoint.ErrSettings) {
		t.Errorf("motion samples: %v", err)
	}
}

// A sender of three values: what it sends has their names.
func TestSendColumns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weather.jsonl")
	if err := os.WriteFile(path, []byte(`{"ts_ms":1,"T":20,"hum":50,"pressure":1013}`+"\n"+`{"ts_ms":2,"T":21,"hum":51}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := weatherEnd(t, "tx", true)
	windows, err := (&endpoint.SamplerSettings{Path: path, Columns: weather, Fill: dataset.FillHold}).Windows(e.Spec())
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Mock(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sent := filepath.Join(t.TempDir(), "sent.jsonl")
	if m, err := e.Send(t.Context(), r, windows, &endpoint.SendSettings{Dataset: sent}); err != nil || m.Acked != 2 {
		t.Fatalf("%v, %d acknowledged, want 2", err, m.Acked)
	}
	var got [][]float64
	for w, err := range dataset.OpenWindows(sent, dataset.WindowSettings{}) {
		if err != nil || !sensor.Named(w.Order, w.Units).Equal(weather.Schema()) {
			t.Errorf("%v, %v", w, err)
		}
		got = append(got, w.Values)
	}
	if want := [][]float64{{20, 50, 1013}, {21, 51, 1013}}; !reflect.DeepEqual(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

// A receiver of other values than motion has a mock sender, and its data set has the
// codec's names.
func TestMockReceiverOfColumns(t *testing.T) {
	e := weatherEnd(t, "rx", true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := e.Mock(&endpoint.MockSettings{OnDone: cancel})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := filepath.Join(t.TempDir(), "got.jsonl")
	if m, err := e.Receive(ctx, r, &endpoint.ReceiveSettings{Dataset: got}); !errors.Is(err, context.Canceled) || m.RxOK != 5 {
		t.Fatalf("%v, received %d, want 5", err, m.RxOK)
	}
	schema, err := dataset.SensorSchema(dataset.OpenWindows(got, dataset.WindowSettings{}), 1)
	if err != nil || !schema.Equal(weather.Schema()) {
		t.Errorf("%v, %v", schema, err)
	}
}
