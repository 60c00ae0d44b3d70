package sweep_test

import (
	"context"
	"fmt"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/sweep"
	"github.com/loralink/loralink-go/bam/train"
)

// How many latents does this recording need, and as what should they go?
func Example() {
	report, err := sweep.Run(context.Background(), walk(500), &sweep.Settings{
		Grid: sweep.Grid{
			LatentDims:   []int{1, 2, 4},
			Packings:     []bam.Packing{bam.Int8, bam.Int16, bam.BitPack},
			PayloadBytes: []int{2},
			Methods:      map[string]train.Method{"pca": train.PCA{}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("the mean: %.2f\n", report.Baselines.Mean.ZScored.MSE)
	for _, p := range report.ParetoZScored {
		fmt.Printf("%-13s %d B  zscored.mse %.3f\n", p.ModelID, p.PayloadBytes, p.ZScoredMSE)
	}
	// Output:
	// the mean: 1.02
	// int8-1_pca    1 B  zscored.mse 0.516
	// bitpack-2_pca 2 B  zscored.mse 0.002
	// int8-4_pca    4 B  zscored.mse 0.001
	// int16-4_pca   8 B  zscored.mse 0.001
}
