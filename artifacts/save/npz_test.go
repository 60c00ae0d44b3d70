package save

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/loralink/loralink-go/internal/npz"
)

func ramp(rows, cols int) npz.Array {
	a := npz.Array{Rows: rows, Cols: cols, Data: make([]float32, rows*cols)}
	for i := range a.Data {
		a.Data[i] = float32(i) - 2.5
	}
	return a
}

// What npyio writes is what the guarded reader reads.
func TestNPZRoundTrip(t *testing.T) {
	w, v := ramp(8, 12), ramp(12, 8)
	one, err := writeNPZ(member{"W", w}, member{"V", v})
	if err != nil {
		t.Fatal(err)
	}
	two, _ := writeNPZ(member{"W", w}, member{"V", v})
	if !bytes.Equal(one, two) {
		t.Error("equal arrays made different bytes")
	}
	got, err := npz.Read(one, "W", "V")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, map[string]npz.Array{"W": w, "V": v}) {
		t.Errorf("read back %v", got)
	}
	for name, bad := range map[string]npz.Array{"empty": {}, "short": {Rows: 2, Cols: 2, Data: make([]float32, 3)}} {
		if _, err := writeNPZ(member{"W", bad}); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}
