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

// A Report is the content of sweep_report.json. It has no times, host names or
// absolute paths.
type Report struct {
	Dataset    string   `json:"dataset"`
	InputLen   int      `json:"input_len"`   // values in a window
	Dims       int      `json:"input_dims"`  // values in a step
	W          int      `json:"window_W"`    // steps in a window
	TrainRatio *float64 `json:"train_ratio"` // null if the split has another type than those of package dataset
	SplitSeed  *int64   `json:"split_seed"`  // null unless the split is by hash
	// SplitMethod is artifacts.SplitByHash or artifacts.SplitByTime, or "" for another
	// type of split. CutTsMs is the cut of the latter, in ms since 1970.
	SplitMethod string `json:"split_method,omitempty"`
	CutTsMs     *int64 `json:"cut_ts_ms,omitempty"`

	TrainWindows int    `json:"train_n"` // number of training windows
	Subset       string `json:"subset"`  // the windows on which models are measured: holdout, or train if there is no holdout
	TestWindows  int    `json:"test_n"`  // number of windows in the subset

	Baselines Baselines `json:"baselines"`
	Results   []*Result `json:"bam_results"` // in ascending order of payload length, then of id
	Skipped   []Skipped `json:"skipped"`     // in ascending order of id
	// Pareto is the Pareto front by mean absolute error: each model with a smaller error
	// than all models with payloads of the same length or shorter. ParetoZScored is the
	// front by ZScored.MSE, which gives all sensors the same weight. Either can have a
	// model with payloads of 1 byte, which package radio cannot send.
	Pareto        []Point `json:"pareto"`
	ParetoZScored []Point `json:"pareto_zscored"`

	// MeanWindow is the mean of the training windows. It is not part of the JSON.
	MeanWindow []float64 `json:"-"`
}

// A Result is the evaluation of a trained model. Its fields are those of the model's
// train.Report.
type Result struct {
	*quality.Evaluation
	ModelID      string       `json:"model_id"`
	ModelDir     string       `json:"model_dir"` // relative to the report; "" if the model is not stored
	Method       string       `json:"method"`
	Status       train.Status `json:"status"` // the reason why training ended
	HiddenDims   []int        `json:"hidden_dims"`
	LatentDim    int          `json:"latent_dim"`
	Packing      bam.Packing  `json:"packing"`
	Delta        float64      `json:"delta"`
	EncodeCycles int          `json:"encode_cycles"`
	DecodeCycles int          `json:"decode_cycles"`
	Cost         train.Cost   `json:"cost"`
	// Layers describe the training of each layer, with learning curves. They are not
	// part of the JSON, but of the model's train_report.json.
	Layers []train.LayerReport `json:"-"`
}

// Skipped is a combination that cannot be trained, or whose training diverged.
type Skipped struct {
	ModelID string `json:"model_id"`
	Reason  string `json:"reason"`
}

// A Point is a model on a Pareto front.
type Point struct {
	ModelID      string  `json:"model_id"`
	PayloadBytes int     `json:"payload_bytes"`
	MAE          float64 `json:"mae"`
	ZScoredMSE   float64 `json:"zscored_mse"`
}

func newReport(s *Settings, src *source) *Report {
	r := &Report{
		Dataset: s.Dataset, InputLen: src.inputLen, Dims: src.dims, W: max(1, s.Base.Window.W),
		TrainWindows: src.trainWindows, Subset: src.subset, TestWindows: src.testWindows,
		Results: []*Result{}, Skipped: []Skipped{},
	}
	var e quality.Evaluation // for its description of a split
	e.SetSplit(src.subset, s.Base.Split)
	r.TrainRatio, r.SplitSeed, r.SplitMethod, r.CutTsMs = e.TrainRatio, e.SplitSeed, e.SplitMethod, e.CutTsMs
	return r
}

// fill sets the results.
func (r *Report) fill(study *quality.Training, plan *baselinePlan, results []*Result, skipped []Skipped) {
	r.MeanWindow = study.Norm.Mean
	r.Baselines = plan.baselines(study)
	for _, x := range results {
		if x != nil {
			x.BySensor = nil // too long for a report of many models
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

// front returns the results with a smaller error than all results with payloads of the
// same length or shorter. Of results with equal errors it returns that with the first id.
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

// Result returns the result of the model with that id; nil if there is none.
func (r *Report) Result(modelID string) *Result {
	for _, x := range r.Results {
		if x.ModelID == modelID {
			return x
		}
	}
	return nil
}

// WriteCSV writes a header and one row per model: its settings, its errors in the units of
// the values and relative to the standard deviations, its cost, and whether it is on the
// Pareto fronts (0 or 1).
func (r *Report) WriteCSV(w io.Writer) error {
	groups := sensor.Motion().Groups()
	if len(r.Results) == 0 || r.Results[0].ByGroup == nil {
		groups = nil
	}
	header := []string{"model_id", "method", "packing", "payload_bytes", "latent_dim", "hidden_dims", "delta", "encode_cycles", "decode_cycles",
		"zscored_mse", "zscored_mae", "mse", "mae"}
	for _, g := range groups {
		header = append(header, g.Name+"_mse", g.Name+"_mae")
	}
	header = append(header, "saturation_rate", "param_count", "weight_bytes", "ops_encode_est", "ops_decode_est", "pareto", "pareto_zscored")
	out := csv.NewWriter(w)
	out.Write(header)
	for _, x := range r.Results {
		out.Write(r.csvRow(x, groups))
	}
	out.Flush()
	return out.Error()
}

func (r *Report) csvRow(x *Result, groups []sensor.Group) []string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	isOn := func(front []Point) string {
		return strconv.Itoa(b2i(slices.ContainsFunc(front, func(p Point) bool { return p.ModelID == x.ModelID })))
	}
	hidden := make([]string, len(x.HiddenDims))
	for i, h := range x.HiddenDims {
		hidden[i] = strconv.Itoa(h)
	}
	row := []string{x.ModelID, x.Method, string(x.Packing), strconv.Itoa(x.ExpectedPayloadBytes), strconv.Itoa(x.LatentDim), strings.Join(hidden, "-"),
		number(x.Delta), strconv.Itoa(x.EncodeCycles), strconv.Itoa(x.DecodeCycles),
		number(x.ZScored.MSE), number(x.ZScored.MAE), number(x.Overall.MSE), number(x.Overall.MAE)}
	for _, g := range groups {
		row = append(row, number(x.ByGroup[g.Name].MSE), number(x.ByGroup[g.Name].MAE))
	}
	return append(row, number(x.Saturation.Rate), strconv.Itoa(x.Cost.ParamCount), strconv.Itoa(x.Cost.WeightBytes),
		strconv.Itoa(x.Cost.OpsEncodeEst), strconv.Itoa(x.Cost.OpsDecodeEst), isOn(r.Pareto), isOn(r.ParetoZScored))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
