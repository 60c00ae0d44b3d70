package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/npz"
	"github.com/loralink/loralink-go/internal/testenv"
)

func loadLayer(t *testing.T, elem ...string) bam.Layer {
	t.Helper()
	data, err := os.ReadFile(testenv.Repo(append([]string{"testdata", "golden", "febam"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	a, err := npz.Read(data, "W", "V")
	if err != nil {
		t.Fatal(err)
	}
	return bam.Layer{W: bam.Matrix(a["W"]), V: bam.Matrix(a["V"])}
}

// From numpy's starting weights the rule reaches numpy's end weights and
// curves: transmissions linear and cubic, one cycle and two.
func TestFEBAMGolden(t *testing.T) {
	var golden struct {
		Windows [][]float64
		Runs    []struct {
			Delta        *float64
			Cycles       int
			LearningRate float64 `json:"learning_rate"`
			Epochs       int
			Curve        [][2]float64 `json:"curve_mse_x_mse_y"`
			End          string
		}
	}
	data, err := os.ReadFile(testenv.Repo("testdata", "golden", "febam", "febam.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Runs) != 3 || len(golden.Windows) != 300 {
		t.Fatalf("%d runs, %d windows", len(golden.Runs), len(golden.Windows))
	}
	for i, run := range golden.Runs {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			s := &Settings{
				LatentDim: 6, Packing: bam.Float32,
				Split: dataset.HashSplit{TrainRatio: 1},
				Start: []bam.Layer{loadLayer(t, "start.npz")},
			}
			if run.Delta != nil {
				s.Delta = *run.Delta
			}
			res, err := Train(t.Context(), sequence(golden.Windows), s, &FEBAM{Epochs: run.Epochs, LearningRate: run.LearningRate, Cycles: run.Cycles})
			if err != nil {
				t.Fatal(err)
			}
			want := loadLayer(t, run.End)
			for _, m := range []struct {
				name      string
				got, want bam.Matrix
			}{{"W", res.Net.Layers[0].W, want.W}, {"V", res.Net.Layers[0].V, want.V}} {
				var diff, norm float64
				for i := range m.want.Data {
					d := float64(m.got.Data[i] - m.want.Data[i])
					diff += d * d
					norm += float64(m.want.Data[i]) * float64(m.want.Data[i])
				}
				if r := math.Sqrt(diff / norm); !(r <= 1e-3) {
					t.Errorf("%s is off by %.2g of its norm, want at most 1e-3", m.name, r)
				}
			}
			got := res.Report.LayerReports[0].Curve
			if len(got) != len(run.Curve) {
				t.Fatalf("%d epochs, want %d", len(got), len(run.Curve))
			}
			for e := range got {
				for k := range 2 {
					// mse_y falls to the rounding noise of float32.
					if d := math.Abs(got[e][k] - run.Curve[e][k]); !(d <= 1e-3*run.Curve[e][k]+1e-11) {
						t.Errorf("epoch %d, error %d: %g, want %g", e, k, got[e][k], run.Curve[e][k])
					}
				}
			}
		})
	}
}

func TestFEBAMStops(t *testing.T) {
	windows := sequence(waves(200, 6))
	s := &Settings{LatentDim: 3, Packing: bam.Float32}
	for _, c := range []struct {
		name   string
		method FEBAM
		status Status
		epochs int
	}{
		{"epoch limit", FEBAM{Epochs: 3}, EpochLimit, 3},
		{"patience", FEBAM{Epochs: 50, EarlyStopPatience: 2, EarlyStopMinDelta: 10}, EarlyStop, 3},
		{"min epochs", FEBAM{Epochs: 50, EarlyStopPatience: 2, EarlyStopMinDelta: 10, MinEpochs: 7}, EarlyStop, 7},
		{"targets", FEBAM{Epochs: 50, TargetMSEX: 100, TargetMSEY: 100}, TargetReached, 1},
		{"target of x alone", FEBAM{Epochs: 50, TargetMSEX: 100}, TargetReached, 1},
		{"target of y not reached", FEBAM{Epochs: 2, TargetMSEX: 100, TargetMSEY: 1e-30}, EpochLimit, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := Train(t.Context(), windows, s, &c.method)
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Report.LayerReports[0].EpochsRan; res.Status != c.status || got != c.epochs {
				t.Errorf("%s after %d epochs, want %s after %d", res.Status, got, c.status, c.epochs)
			}
		})
	}
	if _, err := Train(t.Context(), windows, s, &FEBAM{Epochs: 20, LearningRate: 50}); !errors.Is(err, ErrDiverged) {
		t.Errorf("a learning rate of 50: %v, want %v", err, ErrDiverged)
	}
	res, err := Train(t.Context(), windows, s, &FEBAM{Epochs: 20, LearningRate: 50, WeightClip: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range res.Net.Layers[0].W.Data {
		if w < -0.5 || w > 0.5 {
			t.Errorf("weight %g outside the clip", w)
		}
	}
}

func BenchmarkFEBAM(b *testing.B) {
	windows := waves(2000, 12)
	p, err := NewProblem(b.Context(), sequence(windows), &Settings{LatentDim: 8})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (&FEBAM{}).Fit(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(p.Windows)/b.Elapsed().Seconds(), "updates/s")
}
