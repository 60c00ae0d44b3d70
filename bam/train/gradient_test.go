package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/testenv"
)

// The gradient is the slope of the loss, for every matrix, with cycles.
func TestGradientIsTheSlope(t *testing.T) {
	s, err := (&Settings{HiddenDims: []int{5}, LatentDim: 3, Packing: bam.Float32, Delta: 0.3, EncodeCycles: 1, DecodeCycles: 2}).withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	d, err := readData(t.Context(), sequence(waves(60, 4)), s)
	if err != nil {
		t.Fatal(err)
	}
	f, err := principalStart(t.Context(), &problem{settings: s, data: d, dims: []int{4, 5, 3}}, gradientPeak, gradientInner)
	if err != nil {
		t.Fatal(err)
	}
	wakeSpare(f.layers, rand.New(rand.NewPCG(1, 1)))
	n := newNetwork(s, f)
	var rows [][]float32
	for z, err := range f.data.normalised(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, append([]float32(nil), z...))
	}
	n.step(rows, 0, nil)
	for i, m := range n.matrices {
		worst, largest := 0.0, 0.0
		for j := range m.Data {
			const h = 1e-3
			was := m.Data[j]
			m.Data[j] = was + h
			up := n.loss(rows)
			m.Data[j] = was - h
			down := n.loss(rows)
			m.Data[j] = was
			slope := (up - down) / (2 * h)
			worst = max(worst, math.Abs(slope-float64(n.grad[i].Data[j])))
			largest = max(largest, math.Abs(slope))
		}
		if worst > 0.02*largest+1e-4 {
			t.Errorf("matrix %d: the gradient is off by %g, the largest slope is %g", i, worst, largest)
		}
	}
}

// Hidden layers and a transmission buy what a linear model cannot keep, on the
// windows between those that trained.
func TestGradientOnFieldRecordings(t *testing.T) {
	testenv.Long(t)
	for _, name := range []string{"walk", "car", "phone"} {
		windows := field(t, name+".jsonl", 1)
		s := &Settings{LatentDim: 8, HiddenDims: []int{64}, Delta: 0.4}
		got := holdoutMSE(t, windows, s, &Gradient{Epochs: 30})
		linear := holdoutMSE(t, windows, &Settings{LatentDim: 8}, PCA{})
		split, err := dataset.NewTimeSplit(windows, 0.6)
		if err != nil {
			t.Fatal(err)
		}
		s.Split = split
		later := holdoutMSE(t, windows, s, &Gradient{Epochs: 30})
		laterLinear := holdoutMSE(t, windows, &Settings{LatentDim: 8, Split: split}, PCA{})
		t.Logf("%s: gradient %.4f, PCA %.4f; on the last 40 %%: %.4f, %.4f", name, got, linear, later, laterLinear)
		if got > linear {
			t.Errorf("%s: gradient %.4f, PCA %.4f", name, got, linear)
		}
	}
}

func TestGradientStatus(t *testing.T) {
	windows := sequence(waves(300, 6))
	s := &Settings{LatentDim: 2, HiddenDims: []int{12}, Delta: 0.3}
	var epochs []int
	s.Recorder = recorderFunc(func(p Progress) error { epochs = append(epochs, p.Epoch); return nil })
	res, err := Train(t.Context(), windows, s, &Gradient{Epochs: 5})
	if err != nil || res.Status != EpochLimit || fmt.Sprint(epochs) != "[1 2 3 4 5]" {
		t.Errorf("%v, %v, epochs %v", res.Status, err, epochs)
	}
	if res, err = Train(t.Context(), windows, s, &Gradient{Epochs: 500, Patience: 1, LearningRate: 0.1}); err != nil || res.Status != EarlyStop {
		t.Errorf("%v, %v", res.Status, err)
	}
}
