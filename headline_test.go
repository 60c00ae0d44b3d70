package loralink_test

import (
	"testing"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/testenv"
)

// What the README claims of the field recordings must hold, in kind, of the
// simulated one: bitpack beats PCA many times at equal bytes, hashed and by time,
// and a ladder stays within its tolerances in fewer bytes than a fitted grid.
func TestHeadlines(t *testing.T) {
	windows := dataset.Windows(dataset.OpenSamples(testenv.Repo("testdata", "walk.jsonl"), dataset.SampleSettings{}), dataset.WindowerSettings{W: 1})
	for _, c := range []struct {
		name              string
		split             dataset.SplitSettings
		ratio             float64 // of bitpack's error to PCA's, at most
		bytes, gridFactor float64 // of the ladder, at most; and of a grid's bytes
	}{
		{"hashed", dataset.SplitSettings{}, 0.05, 4, 0.6},
		{"temporal", dataset.SplitSettings{Method: dataset.ByTime, TrainRatio: 0.6}, 0.3, 7.5, 0.55},
	} {
		split, err := c.split.Split(windows)
		if err != nil {
			t.Fatal(err)
		}
		training, test := dataset.Training(windows, split), dataset.Holdout(windows, split)
		r, err := train.Train(t.Context(), windows, &train.Settings{Packing: bam.BitPack, PayloadBytes: 4, Split: split}, nil)
		if err != nil {
			t.Fatal(err)
		}
		model, err := codec.NewBAM(r.Model())
		if err != nil {
			t.Fatal(err)
		}
		e, err := quality.Compare(t.Context(), model, test, training, quality.CompareSettings{})
		if err != nil {
			t.Fatal(err)
		}
		pca := e.Baselines[len(e.Baselines)-1]
		ratio := e.ZScored.MSE / pca.Evaluation.ZScored.MSE
		t.Logf("%s: bitpack 4 B %.4f, %s %d B %.4f", c.name, e.ZScored.MSE, pca.Name, pca.Bytes, pca.Evaluation.ZScored.MSE)
		if pca.Name != "PCA int8" || pca.Bytes != 4 || !(ratio <= c.ratio) {
			t.Errorf("%s: bitpack has %.3f of the error of %s at %d bytes, want at most %.2f", c.name, ratio, pca.Name, pca.Bytes, c.ratio)
		}
		ladder, err := fit.Ladder(t.Context(), fit.Values(training), nil)
		if err != nil {
			t.Fatal(err)
		}
		if e, err = quality.Compare(t.Context(), ladder.Codec, test, training, quality.CompareSettings{}); err != nil {
			t.Fatal(err)
		}
		grid := e.Grid.Evaluation.MeanPayloadBytes
		t.Logf("%s: ladder %.2f bytes, grid %.2f", c.name, e.MeanPayloadBytes, grid)
		if e.Refused > 0 || e.OverTolerance.Within != 1 {
			t.Errorf("%s: %d windows refused, %g of the others within the tolerances", c.name, e.Refused, e.OverTolerance.Within)
		}
		if !(e.MeanPayloadBytes <= c.bytes) || !(e.MeanPayloadBytes <= c.gridFactor*grid) {
			t.Errorf("%s: the ladder takes %.2f bytes, a grid %.2f; want at most %.2f, and %.2f of the grid's", c.name, e.MeanPayloadBytes, grid, c.bytes, c.gridFactor)
		}
	}
}
