package sweep_test

import (
	"context"
	"fmt"
	"math"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/sweep"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/dataset"
)

// windows yields 500 windows of six values, which depend on four signals.
func windows(yield func(dataset.Window, error) bool) {
	for i := range 500 {
		a, b, c, d := math.Sin(float64(i)/7), math.Cos(float64(i)/31), math.Sin(float64(i)/3), math.Cos(float64(i)/2)
		values := []float64{20 + a, 5 - 2*a, 1000 + b, a + b, 4*c + 0.5*d, c - d}
		if !yield(dataset.Window{ID: int64(i), Values: values}, nil) {
			return
		}
	}
}

// How many latents do these windows need, and in which packing?
func Example() {
	report, err := sweep.Run(context.Background(), windows, &sweep.Settings{
		Grid: sweep.Grid{
			LatentDims:   []int{2, 4, 6},
			Packings:     []bam.Packing{bam.Int8, bam.Int16, bam.BitPack},
			PayloadBytes: []int{2},
			Methods:      map[string]train.Method{"pca": train.PCA{}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("the mean          zscored.mse %.2f\n", report.Baselines.Mean.ZScored.MSE)
	for _, p := range report.ParetoZScored {
		fmt.Printf("%-13s %d B  zscored.mse %.5f\n", p.ModelID, p.PayloadBytes, p.ZScoredMSE)
	}
	// Output:
	// the mean          zscored.mse 1.00
	// bitpack-2_pca 2 B  zscored.mse 0.00919
	// int8-4_pca    4 B  zscored.mse 0.00002
	// int16-4_pca   8 B  zscored.mse 0.00000
}
