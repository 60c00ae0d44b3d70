package train

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/loralink/loralink-go/bam"
)

type recorderFunc func(Progress) error

func (f recorderFunc) Record(p Progress) error { return f(p) }

// progressCases has a training by each method.
var progressCases = []struct {
	name     string
	settings Settings
	method   Method
	stages   []string // that must be reported
}{
	{"pca", Settings{LatentDim: 2, AutoScale: true}, PCA{}, []string{"pca: reading windows", "pca: principal components", "pca: scale"}},
	{"febam", Settings{LatentDim: 2, HiddenDims: []int{4}}, &FEBAM{Epochs: 2}, []string{
		"febam: reading windows", "febam: training, layer 1 of 2, epoch 0 of 2", "febam: training, layer 2 of 2, epoch 2 of 2"}},
	{"gradient", Settings{LatentDim: 2}, &Gradient{Epochs: 3}, []string{"gradient: principal components", "gradient: training, epoch 0 of 3", "gradient: training, epoch 3 of 3"}},
	{"auto", Settings{LatentDim: 2}, &Auto{Gradient{Epochs: 3}}, []string{
		"auto: reading windows", "pca: validation 1 of 12", "pca: validation 6 of 12", "gradient: validation 7 of 12", "gradient: validation 7 of 12, epoch 3 of 3"}},
	{"bitpack", Settings{Packing: bam.BitPack, PayloadBytes: 2}, nil, []string{"auto: principal components", "pca: principal components", "pca: bitpack tables 1 of 9", "pca: bitpack tables 7 of 9"}},
}

func TestProgress(t *testing.T) {
	for _, c := range progressCases {
		var texts []string
		c.settings.Recorder = recorderFunc(func(p Progress) error {
			p.MSEX = 0
			text := p.String()
			texts = append(texts, text[:len(text)-len(", mse_x 0")*b2i(p.Epochs > 0)])
			return nil
		})
		if _, err := Train(t.Context(), sequence(waves(300, 6)), &c.settings, c.method); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.stages {
			if !slices.Contains(texts, want) {
				t.Errorf("%s: %q is not among %q", c.name, want, texts)
			}
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A training that is interrupted, or whose recorder fails, at any report of its
// progress returns that error and no result.
func TestInterrupted(t *testing.T) {
	stop := errors.New("stop")
	for _, c := range progressCases {
		reports := 0
		c.settings.Recorder = recorderFunc(func(Progress) error { reports++; return nil })
		windows := sequence(waves(300, 6))
		if _, err := Train(t.Context(), windows, &c.settings, c.method); err != nil {
			t.Fatal(err)
		}
		for last := 1; last <= reports; last++ {
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			c.settings.Recorder = recorderFunc(func(Progress) error {
				if n++; n == last {
					cancel()
				}
				return nil
			})
			// The end of a stage can come before the next look at the context, and
			// the last report can come when nothing is left to do.
			if result, err := Train(ctx, windows, &c.settings, c.method); last < reports && (!errors.Is(err, context.Canceled) || result != nil || n > last+1) {
				t.Errorf("%s, cancelled at report %d of %d: %v, %v, %d reports", c.name, last, reports, result, err, n)
			}
			cancel()
			n = 0
			c.settings.Recorder = recorderFunc(func(Progress) error {
				if n++; n == last {
					return stop
				}
				return nil
			})
			if result, err := Train(t.Context(), windows, &c.settings, c.method); !errors.Is(err, stop) || result != nil || n != last {
				t.Errorf("%s, stopped at report %d of %d: %v, %v, %d reports", c.name, last, reports, result, err, n)
			}
		}
	}
}

func random(rng *rand.Rand, rows, cols int) bam.Matrix {
	m := bam.NewMatrix(rows, cols)
	for i := range m.Data {
		m.Data[i] = float32(rng.NormFloat64())
	}
	return m
}

// Dividing a product into parts changes no bit of it.
func TestMultiplyParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ rows, inner, cols int }{
		{5, 7, 3}, {300, 800, 300}, {1000, 1200, 60},
	} {
		for _, trans := range []struct{ a, b blas.Transpose }{{blas.NoTrans, blas.Trans}, {blas.Trans, blas.NoTrans}, {blas.NoTrans, blas.NoTrans}} {
			a, b := random(rng, c.rows, c.inner), random(rng, c.inner, c.cols)
			if trans.a == blas.Trans {
				a.Rows, a.Cols = a.Cols, a.Rows
			}
			if trans.b == blas.Trans {
				b.Rows, b.Cols = b.Cols, b.Rows
			}
			got := random(rng, c.rows, c.cols)
			want := cloneMatrix(got)
			blas32.Gemm(trans.a, trans.b, 1, general(a), general(b), 1, general(want))
			if err := multiply(t.Context(), trans.a, a, trans.b, b, 1, got); err != nil || !slices.Equal(got.Data, want.Data) {
				t.Errorf("%v %c%c: %v, or the product differs", c, trans.a, trans.b, err)
			}
		}
	}
}

// Long products notice the end of the context.
func TestLongSteps(t *testing.T) {
	layer := bam.Layer{W: bam.NewMatrix(690, 3000), V: bam.NewMatrix(3000, 690)}
	windows := make([][]float64, 200)
	for i := range windows {
		windows[i] = make([]float64, 3000)
		windows[i][i] = 1
	}
	settings := &Settings{LatentDim: 10, HiddenDims: []int{690}, Start: []bam.Layer{layer, {W: bam.NewMatrix(10, 690), V: bam.NewMatrix(690, 10)}}}
	p, err := NewProblem(t.Context(), sequence(windows), settings)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float32
	for z, err := range p.Normalized(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, z)
	}
	rows = slices.Repeat(rows, 5)
	febam, err := (&FEBAM{Cycles: 1000}).withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	n := newNetwork(p, settings.Start)
	trainer := newFEBAMTrainer(febam, p, settings.Start, 0)
	for name, run := range map[string]func(ctx context.Context) error{
		"step of gradient": func(ctx context.Context) error { return n.step(ctx, rows, 0, nil) },
		"update of febam":  func(ctx context.Context) error { _, _, err := trainer.update(ctx, rows[0]); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		start := time.Now()
		err := run(ctx)
		// It is some 100 ms on a machine that does nothing else.
		if d := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || d > 2*time.Second {
			t.Errorf("%s: %v after %v", name, err, d)
		}
		cancel()
	}
}

func ExampleProgress_String() {
	fmt.Println(Progress{Method: "gradient", Stage: StageValidation, Step: 7, Steps: 12, Layers: 1, Epoch: 3, Epochs: 60, MSEX: 0.0312})
	fmt.Println(Progress{Method: "auto", Stage: StageTables, Step: 2, Steps: 9})
	// Output:
	// gradient: validation 7 of 12, epoch 3 of 60, mse_x 0.0312
	// auto: bitpack tables 2 of 9
}
