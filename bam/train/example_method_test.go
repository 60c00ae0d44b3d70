package train_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
)

// RandomProjection projects windows onto random orthogonal directions, and decodes
// them by linear least squares. It shows how to implement a Method; PCA has a
// smaller error.
type RandomProjection struct{}

func (RandomProjection) Name() string { return "random-projection" }

func (RandomProjection) Fit(ctx context.Context, p *train.Problem) (*train.Fitted, error) {
	n, k := p.Dims[0], p.Settings.LatentDim
	if len(p.Dims) != 2 || k > n || p.Settings.Delta != 0 {
		return nil, fmt.Errorf("%w: random-projection needs a linear model of one layer with at most %d latents", train.ErrSettings, n)
	}

	// The rows of W are orthogonal directions of random choice.
	rng := rand.New(rand.NewPCG(uint64(p.Settings.Seed), 0))
	random := mat.NewDense(n, k, nil)
	random.Apply(func(int, int, float64) float64 { return rng.NormFloat64() }, random)
	var qr mat.QR
	qr.Factorize(random)
	var q mat.Dense
	qr.QTo(&q)
	layer := bam.Layer{W: bam.NewMatrix(k, n), V: bam.NewMatrix(n, k)}
	for i := range k {
		for j := range n {
			layer.W.Row(i)[j] = float32(q.At(j, i))
		}
	}

	// V minimises the sum of |x − V·y|² over the windows x with latents y = W·x.
	if err := p.Record(train.Progress{Stage: "least squares"}); err != nil {
		return nil, err
	}
	latents, inputs := mat.NewDense(p.Windows, k, nil), mat.NewDense(p.Windows, n, nil)
	row, y := 0, make([]float32, k)
	for x, err := range p.Normalized(ctx) {
		if err != nil {
			return nil, err
		}
		layer.W.MulVec(y, x)
		for i, v := range y {
			latents.Set(row, i, float64(v))
		}
		for j, v := range x {
			inputs.Set(row, j, float64(v))
		}
		row++
	}
	var vt mat.Dense
	if err := vt.Solve(latents, inputs); err != nil {
		return nil, fmt.Errorf("random-projection: %w", err)
	}
	for j := range n {
		for i := range k {
			layer.V.Row(j)[i] = float32(vt.At(i, j))
		}
	}
	return &train.Fitted{Layers: []bam.Layer{layer}}, nil
}

// Train with a Method that another package implements.
func ExampleMethod() {
	// Four values that depend on two signals.
	windows := func(yield func(dataset.Window, error) bool) {
		for i := range 500 {
			a, b := math.Sin(float64(i)/7), math.Cos(float64(i)/31)
			if !yield(dataset.Window{ID: int64(i), Values: []float64{20 + a, 5 - 2*a, 1000 + b, a + b}}, nil) {
				return
			}
		}
	}
	result, err := train.Train(context.Background(), windows, &train.Settings{LatentDim: 2, Packing: bam.Float32}, RandomProjection{})
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
	// Output: random-projection: 8 bytes, decoded to [20.5 4.0 1000.2 0.7]
}
