package train_test

import (
	"context"
	"fmt"
	"math"

	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
)

// windows yields 500 windows of four values, which depend on two signals.
func windows(yield func(dataset.Window, error) bool) {
	for i := range 500 {
		a, b := math.Sin(float64(i)/7), math.Cos(float64(i)/31)
		if !yield(dataset.Window{ID: int64(i), Values: []float64{20 + a, 5 - 2*a, 1000 + b, a + b}}, nil) {
			return
		}
	}
}

// Four values that depend on two signals fit into two bytes.
func Example() {
	result, err := train.Train(context.Background(), windows, &train.Settings{LatentDim: 2}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := codec.NewBAM(result.Model())
	if err != nil {
		fmt.Println(err)
		return
	}
	payload, _ := c.AppendEncode(nil, []float64{20.5, 4, 1000.2, 0.7})
	window, _ := c.AppendDecode(nil, payload)
	fmt.Printf("%s: %d bytes, decoded to %.1f\n", result.Report.Method, len(payload), window)
	// Output: pca: 2 bytes, decoded to [20.5 4.0 1000.2 0.7]
}
