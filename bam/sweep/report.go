package sweep

import (
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec/quality"
	"github.com/loralink/loralink-go/dataset/sensor"
)

// Report is sweep_report.json. It holds no time, host or absolute path.
type Report struct {
	Dataset    string   `json:"dataset"`
	InputLen   int      `json:"input_len"` // values a window
	InputDims  int      `json:"input_dims"`
	WindowW    int      `json:"window_W"`
	TrainRatio *float64 `json:"train_ratio"`
	SplitSeed  *int64   `json:"split_seed"` // null where the split is not by hash
	// SplitMethod is hash_window_id or time; CutTsMs is where the latter cuts.
	SplitMethod string `json:"split_method,omitempty"`
	CutTsMs     *int64 `json:"cut_ts_ms,omitempty"`

	TrainN int    `json:"train_n"`
	Subset string `json:"subset"` // what was measured: holdout, or train where the split leaves none
	TestN  int    `json:"test_n"`

	Baselines Baselines `json:"baselines"`
	// Results, Skipped and the fronts are sorted by payload and id.
	Results []*Result `json:"bam_results"`
	Skipped []Skipped `json:"skipped"`
	// Pareto are the models that no other beats: each has a lower MAE than all
	// of no more bytes. ParetoZScored is the same by ZScored.MSE, which weighs
	// all sensors alike.
	Pareto        []Point `json:"pareto"`
	ParetoZScored []Point `json:"pareto_zscored"`

	// MeanWindow is the mean of the training windows.
	MeanWindow []float64 `json:"-"`
}

// Result is one trained model and how it did.
type Result struct {
	*quality.Evaluation
	ModelID      string       `json:"model_id"`
	ModelDir     string       `json:"model_dir"` // beside the report; "" where no folder was kept
	Method       string       `json:"method"`
	Status       train.Status `json:"status"`
	HiddenDims   []int        `json:"hidden_dims"`
	LatentDim    int          `json:"latent_dim"`
	Packing      bam.Packing  `json:"packing"`
	Delta        float64      `json:"delta"`
	EncodeCycles int          `json:"encode_cycles"`
	DecodeCycles int          `json:"decode_cycles"`
	Cost         train.Cost   `json:"cost"`
	// Layers is how training went, with learning curves; train_report.json has
	// it too.
	Layers []train.LayerReport `json:"-"`
}

// Skipped is a combination that was not trained, or whose training diverged.
type Skipped struct {
	ModelID string `json:"model_id"`
	Reason  string `json:"reason"`
}

// Point is a model on a Pareto front.
type Point struct {
	ModelID      string  `json:"model_id"`
	PayloadBytes int     `json:"payload_bytes"`
	MAE          float64 `json:"mae"`
	ZScoredMSE   float64 `json:"zscored_mse"`
}

func newReport(s *Settings, src *source) *Report {
	r := &Report{
		Dataset: s.Dataset, InputLen: src.inputLen, InputDims: src.dims, WindowW: max(1, s.Base.WindowW),
		TrainN: src.trainN, Subset: src.subset, TestN: src.testN,
		Results: []*Result{}, Skipped: []Skipped{},
	}
	var e quality.Evaluation // knows how to describe a split
	e.SetSplit(src.subset, s.Base.Split)
	r.TrainRatio, r.SplitSeed, r.SplitMethod, r.CutTsMs = e.TrainRatio, e.SplitSeed, e.SplitMethod, e.CutTsMs
	return r
}

// fill adds what was measured.
func (r *Report) fill(study *quality.Training, base *rivals, results []*Result, skipped []Skipped) {
	r.MeanWindow = study.Norm.Mean
	r.Baselines = base.baselines(study)
	for _, x := range results {
		if x != nil {
			// Each model's folder can be evaluated by sensor; here it would
			// drown the rest.
			x.BySensor = nil
			r.Results = append(r.Results, x)
		}
	}
	slices.SortFunc(r.Results, func(a, b *Result) int {
		return cmp.Or(cmp.Compare(a.ExpectedPayloadBytes, b.ExpectedPayloadBytes), strings.Compare(a.ModelID, b.ModelID))
	})
	r.Skipped = append(r.Skipped, skipped...)
	slices.SortFunc(r.Skipped, func(a, b Skipped) int { return strings.Compare(a.ModelID, b.ModelID) })
	r.Pareto = front(r.Results, func(x *Result) float64 { return x.Overall.MAE })
	r.ParetoZScored = front(r.Results, func(x *Result) float64 { return x.ZScored.MSE })
}

// front picks the results of less error than all of no more bytes. Of equals
// the first id counts.
func front(results []*Result, err func(*Result) float64) []Point {
	sorted := slices.Clone(results)
	slices.SortFunc(sorted, func(a, b *Result) int {
		return cmp.Or(cmp.Compare(a.ExpectedPayloadBytes, b.ExpectedPayloadBytes), cmp.Compare(err(a), err(b)), strings.Compare(a.ModelID, b.ModelID))
	})
	points := []Point{}
	var best *Result
	for _, x := range sorted {
		if best == nil || err(x) < err(best) {
			best = x
			points = append(points, Point{x.ModelID, x.ExpectedPayloadBytes, x.Overall.MAE, x.ZScored.MSE})
		}
	}
	return points
}

// Result returns the result of a model; nil where there is none.
func (r *Report) Result(modelID string) *Result {
	for _, x := range r.Results {
		if x.ModelID == modelID {
			return x
		}
	}
	return nil
}

// WriteCSV writes one line a model, after a header: what it is, its errors in
// units and relative to the deviation, its cost, and whether it stands on the
// fronts.
func (r *Report) WriteCSV(w io.Writer) error {
	head := []string{"model_id", "method", "packing", "payload_bytes", "latent_dim", "hidden_dims", "delta", "encode_cycles", "decode_cycles",
		"zscored_mse", "zscored_mae", "mse", "mae"}
	groups := len(r.Results) > 0 && r.Results[0].ByGroup != nil
	if groups {
		for _, g := range sensor.Motion().Groups() {
			head = append(head, g.Name+"_mse", g.Name+"_mae")
		}
	}
	head = append(head, "saturation_rate", "param_count", "weight_bytes", "ops_encode_est", "ops_decode_est", "pareto", "pareto_zscored")
	out := csv.NewWriter(w)
	out.Write(head)
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	on := func(front []Point, id string) string {
		return strconv.Itoa(b2i(slices.ContainsFunc(front, func(p Point) bool { return p.ModelID == id })))
	}
	for _, x := range r.Results {
		hidden := make([]string, len(x.HiddenDims))
		for i, h := range x.HiddenDims {
			hidden[i] = strconv.Itoa(h)
		}
		row := []string{x.ModelID, x.Method, string(x.Packing), strconv.Itoa(x.ExpectedPayloadBytes), strconv.Itoa(x.LatentDim), strings.Join(hidden, "-"),
			number(x.Delta), strconv.Itoa(x.EncodeCycles), strconv.Itoa(x.DecodeCycles),
			number(x.ZScored.MSE), number(x.ZScored.MAE), number(x.Overall.MSE), number(x.Overall.MAE)}
		if groups {
			for _, g := range sensor.Motion().Groups() {
				row = append(row, number(x.ByGroup[g.Name].MSE), number(x.ByGroup[g.Name].MAE))
			}
		}
		row = append(row, number(x.Saturation.Rate), strconv.Itoa(x.Cost.ParamCount), strconv.Itoa(x.Cost.WeightBytes),
			strconv.Itoa(x.Cost.OpsEncodeEst), strconv.Itoa(x.Cost.OpsDecodeEst), on(r.Pareto, x.ModelID), on(r.ParetoZScored, x.ModelID))
		out.Write(row)
	}
	out.Flush()
	return out.Error()
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
