package save

import (
	"archive/zip"
	"bytes"
	"fmt"
	"reflect"

	"github.com/sbinet/npyio/npy"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/errtext"
	"github.com/loralink/loralink-go/internal/npz"
)

// member is a named matrix of an npz file.
type member struct {
	name string
	npz.Array
}

func matrix(m bam.Matrix) npz.Array { return npz.Array(m) }

// writeNPZ returns an npz file of the members in their order: float32, in C order, not
// compressed, without timestamps, so that equal arrays make equal bytes.
func writeNPZ(members ...member) ([]byte, error) {
	var out bytes.Buffer
	zw := zip.NewWriter(&out)
	for _, m := range members {
		if m.Rows < 1 || m.Cols < 1 || m.Rows*m.Cols != len(m.Data) {
			return nil, fmt.Errorf("found array %s of %d×%d with %d values, want at least 1×1 and a value for each element", m.name, m.Rows, m.Cols, len(m.Data))
		}
		if len(m.Data) > npz.MaxElements {
			return nil, fmt.Errorf("%w: array %s has %d values, want at most %d", artifacts.ErrTooLarge, m.name, len(m.Data), npz.MaxElements)
		}
		w, err := zw.CreateHeader(&zip.FileHeader{Name: m.name + ".npy", Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if err := npy.Write(w, matrixValue(m.Array)); err != nil {
			return nil, err
		}
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// matrixValue returns a as a [rows][cols]float32, because npyio takes the shape from the
// type.
func matrixValue(a npz.Array) any {
	rt := reflect.ArrayOf(a.Rows, reflect.ArrayOf(a.Cols, reflect.TypeFor[float32]()))
	v := reflect.New(rt).Elem()
	for i := range a.Rows {
		reflect.Copy(v.Index(i), reflect.ValueOf(a.Data[i*a.Cols:(i+1)*a.Cols]))
	}
	return v.Interface()
}

// encodeTables returns bitpack.npz.
func encodeTables(t *bam.Tables, latents int) ([]byte, error) {
	if err := t.Check(latents); err != nil {
		return nil, errtext.TrimPrefix(err, "bam: ")
	}
	n, r := len(t.Components), t.Components[0].Rotation.Rows
	array := func(rows, cols int) npz.Array {
		return npz.Array{Rows: rows, Cols: cols, Data: make([]float32, 0, rows*cols)}
	}
	bits, centers := array(n, latents), array(n, latents)
	knots, rotations := array(n*latents, bam.MaxKnots), array(n*r, r)
	for i, c := range t.Components {
		if c.Rotation.Rows != r {
			return nil, fmt.Errorf("%w: component %d rotates %d latents, want %d, as component 0", artifacts.ErrMalformed, i, c.Rotation.Rows, r)
		}
		for j := range latents {
			bits.Data = append(bits.Data, float32(c.Bits[j]))
			row := make([]float32, bam.MaxKnots)
			copy(row, c.Knots[j])
			knots.Data = append(knots.Data, row...)
		}
		centers.Data = append(centers.Data, c.Center...)
		rotations.Data = append(rotations.Data, c.Rotation.Data...)
	}
	members := []member{{artifacts.ArrayBits, bits}, {artifacts.ArrayCenters, centers}, {artifacts.ArrayKnots, knots}}
	if r > 0 {
		members = append(members, member{artifacts.ArrayRotations, rotations})
	}
	return writeNPZ(members...)
}
