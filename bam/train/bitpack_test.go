package train

import (
	"fmt"
	"testing"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset"
)

// Holdout errors of bitpack on real recordings, hash split 0.8, seed 0.
func TestBitPackFieldRecordings(t *testing.T) {
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

// Windows of eight steps.
func TestBitPackLongWindows(t *testing.T) {
	for bytes, limit := range map[int]float64{8: 0.035, 16: 0.015, 32: 0.0055} {
		got := holdoutMSE(t, field(t, "walk.jsonl", 8), &Settings{Packing: bam.BitPack, PayloadBytes: bytes, WindowW: 8}, nil)
		t.Logf("W=8 %d B: zscored.mse %.5f, limit %g", bytes, got, limit)
		if !(got <= limit) {
			t.Errorf("W=8 %d B: zscored.mse %.5f, want at most %g", bytes, got, limit)
		}
	}
}

// Trained on the first 60 % of a recording and measured on the rest, beside
// PCA as int8 of as many bytes, trained the same way.
func TestBitPackLaterRecordings(t *testing.T) {
	for _, bytes := range []int{2, 4, 8} {
		product := 1.0
		for _, name := range []string{"walk", "car", "phone"} {
			windows := field(t, name+".jsonl", 1)
			split, err := dataset.NewTimeSplit(windows, 0.6)
			if err != nil {
				t.Fatal(err)
			}
			got := holdoutMSE(t, windows, &Settings{Packing: bam.BitPack, PayloadBytes: bytes, Split: split}, nil)
			rival := holdoutMSE(t, windows, &Settings{LatentDim: bytes, Split: split}, nil)
			t.Logf("%s %d B: bitpack %.4f, PCA int8 %.4f, ratio %.3f", name, bytes, got, rival, got/rival)
			if bytes > 2 && got > rival {
				t.Errorf("%s %d B: bitpack %.4f, PCA int8 %.4f", name, bytes, got, rival)
			}
			product *= got / rival
		}
		if bytes > 2 && product > 0.5*0.5*0.5 {
			t.Errorf("%d B: the product of the ratios is %.3f, want at most 1/8", bytes, product)
		}
	}
}
