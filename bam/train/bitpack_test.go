package train

import (
	"errors"
	"fmt"
	"testing"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

// Holdout errors of bitpack on real recordings, hash split 0.8, seed 0.
func TestBitPackFieldRecordings(t *testing.T) {
	testenv.Long(t)
	for _, c := range []struct {
		bytes  int
		limits map[string]float64
	}{
		{2, map[string]float64{"walk": 0.10, "car": 0.20, "phone": 0.20}},
		{4, map[string]float64{"walk": 0.024, "car": 0.045, "phone": 0.055}},
		{8, map[string]float64{"walk": 0.004, "car": 0.0045, "phone": 0.022}},
	} {
		for _, name := range []string{"walk", "car", "phone"} {
			t.Run(fmt.Sprintf("%s %d B", name, c.bytes), func(t *testing.T) {
				got := holdoutMSE(t, field(t, name+".jsonl", 1), &Settings{Packing: bam.BitPack, PayloadBytes: c.bytes}, nil)
				t.Logf("zscored.mse %.5f, limit %g", got, c.limits[name])
				if !(got <= c.limits[name]) {
					t.Errorf("zscored.mse %.5f, want at most %g", got, c.limits[name])
				}
			})
		}
	}
}

// The tables are valid and of limited size for any number of windows.
func TestBitPackSmall(t *testing.T) {
	for _, c := range []struct{ windows, dim, bytes int }{
		{2, 3, 1}, {10, 1, 1}, {50, 12, 2}, {400, 12, 8}, {300, 96, 16}, {100, 4, 200},
	} {
		for _, check := range []bool{false, true} {
			if check && c.bytes == 1 {
				continue
			}
			s := &Settings{Packing: bam.BitPack, PayloadBytes: c.bytes, CheckByte: check, Split: dataset.HashSplit{TrainRatio: 1}}
			res, err := Train(t.Context(), sequence(waves(c.windows, c.dim)), s, nil)
			if err != nil {
				t.Errorf("%+v: %v", c, err)
				continue
			}
			if err := res.Tables.Check(res.Settings.LatentDim); err != nil {
				t.Errorf("%+v: %v", c, err)
			}
			m := res.Tables.Components[0]
			if size := len(res.Tables.Components) * (4*bam.MaxKnots + 4*m.Rotation.Rows + 5); len(res.Tables.Components) > 1 && size > 4<<10 {
				t.Errorf("%+v: tables take %d bytes for each latent, want at most 4096", c, size)
			}
		}
	}
	s := &Settings{Packing: bam.BitPack, PayloadBytes: 1, CheckByte: true}
	if _, err := Train(t.Context(), sequence(waves(50, 3)), s, nil); !errors.Is(err, ErrSettings) {
		t.Errorf("a payload without space for codes: %v", err)
	}
}

// A window far out of the range of the training windows is decoded to one near the
// edge of that range.
func TestBitPackOutOfRange(t *testing.T) {
	windows := waves(600, 12)
	res, err := Train(t.Context(), sequence(windows), &Settings{Packing: bam.BitPack, PayloadBytes: 8}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.NewBAM(res.Model())
	if err != nil {
		t.Fatal(err)
	}
	for _, far := range []float64{3, 10, 30} {
		w := append([]float64(nil), windows[7]...)
		for i := range w {
			w[i] += far * res.Norm.Std[i]
		}
		payload, err := c.AppendEncode(nil, w)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.AppendDecode(nil, payload)
		if err != nil {
			t.Fatal(err)
		}
		mse := 0.0
		for i := range w {
			d := (got[i] - w[i]) / res.Norm.Std[i]
			mse += d * d / 12
		}
		if mse > 0.5*far*far {
			t.Errorf("%g deviations off: the mean squared error is %.2g, want less than half of the distance squared", far, mse)
		}
	}
}

// Windows of eight steps.
func TestBitPackLongWindows(t *testing.T) {
	testenv.Long(t)
	for bytes, limit := range map[int]float64{8: 0.035, 16: 0.015, 32: 0.0055} {
		got := holdoutMSE(t, field(t, "walk.jsonl", 8), &Settings{Packing: bam.BitPack, PayloadBytes: bytes, Window: sensor.Shape{W: 8}}, nil)
		t.Logf("W=8 %d B: zscored.mse %.5f, limit %g", bytes, got, limit)
		if !(got <= limit) {
			t.Errorf("W=8 %d B: zscored.mse %.5f, want at most %g", bytes, got, limit)
		}
	}
}

// Trained on the first 60 % of a recording and measured on the rest, compared to
// PCA as int8 of as many bytes, trained in the same way.
func TestBitPackOnTemporalHoldout(t *testing.T) {
	testenv.Long(t)
	for _, bytes := range []int{2, 4, 8} {
		product := 1.0
		for _, name := range []string{"walk", "car", "phone"} {
			windows := field(t, name+".jsonl", 1)
			split, err := dataset.NewTimeSplit(windows, 0.6)
			if err != nil {
				t.Fatal(err)
			}
			got := holdoutMSE(t, windows, &Settings{Packing: bam.BitPack, PayloadBytes: bytes, Split: split}, nil)
			linear := holdoutMSE(t, windows, &Settings{LatentDim: bytes, Split: split}, nil)
			t.Logf("%s %d B: bitpack %.4f, PCA int8 %.4f, ratio %.3f", name, bytes, got, linear, got/linear)
			if bytes > 2 && got > linear {
				t.Errorf("%s %d B: bitpack %.4f, PCA int8 %.4f", name, bytes, got, linear)
			}
			product *= got / linear
		}
		if bytes > 2 && product > 0.5*0.5*0.5 {
			t.Errorf("%d B: the product of the ratios is %.3f, want at most 1/8", bytes, product)
		}
	}
}
