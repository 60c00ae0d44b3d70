package bam_test

import (
	"fmt"

	"github.com/loralink/loralink-go/bam"
)

// The model keeps the sum of three values in one byte.
func Example() {
	third := float32(1. / 3)
	m := bam.Model{Layers: []bam.Layer{{
		W: bam.Matrix{Rows: 1, Cols: 3, Data: []float32{1, 1, 1}},
		V: bam.Matrix{Rows: 3, Cols: 1, Data: []float32{third, third, third}},
	}}}
	pack, err := bam.NewPacker(bam.Int8, m.LatentDim(), 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, x, y := m.NewScratch(), []float32{1, 2, 3.1}, make([]float32, 1)
	m.Encode(y, x, s)
	payload, _ := pack.AppendPack(nil, y)
	_ = pack.Unpack(y, payload)
	m.Decode(x, y, s)
	fmt.Printf("payload %d, window %.2f\n", payload, x)
	// Output: payload [61], window [2.03 2.03 2.03]
}
