package train

import (
	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
)

// Report is the content of train_report.json. It has no times, host names or
// absolute paths: equal trainings write equal reports.
type Report struct {
	Dataset              string        `json:"dataset"` // name of the data set; the caller sets it
	OutDir               string        `json:"out_dir"` // the model's folder relative to the report: "."
	Method               string        `json:"method"`  // the method that was used, if several were compared
	Status               Status        `json:"status"`
	Dims                 int           `json:"input_dims"`
	W                    int           `json:"window_W"`
	Stride               int           `json:"window_stride"`
	HiddenDims           []int         `json:"hidden_dims"`
	LatentDim            int           `json:"latent_dim"`
	Packing              bam.Packing   `json:"packing"`
	Scale                *float64      `json:"scale"` // null if the packing has no scale
	AutoScale            bool          `json:"auto_scale"`
	AutoScalePercentile  float64       `json:"auto_scale_percentile"`
	AutoScaleWindows     int           `json:"auto_scale_windows"`
	Delta                float64       `json:"delta"`
	EncodeCycles         int           `json:"encode_cycles"`
	DecodeCycles         int           `json:"decode_cycles"`
	ExpectedPayloadBytes int           `json:"expected_payload_bytes"`
	MaxPayloadBytes      int           `json:"max_payload_bytes"`
	MaxSamples           int           `json:"max_samples"`
	SplitMethod          string        `json:"split_method"` // as in the manifest; "" if it has no word for the split
	TrainRatio           *float64      `json:"train_ratio"`
	SplitSeed            *int64        `json:"split_seed"`
	Tolerances           []float64     `json:"tolerances"` // null if errors are weighed by standard deviation
	Hyper                any           `json:"hyper_parameters"`
	Cost                 Cost          `json:"cost"`
	NormWindows          int           `json:"norm_windows"` // number of training windows
	LayerReports         []LayerReport `json:"layer_reports"`
	// Choices list the candidates that the method compared.
	Choices []MethodChoice `json:"choices,omitempty"`
	// BitPack lists the tables of packing bitpack that were compared.
	BitPack []BitPackChoice `json:"bitpack,omitempty"`
}

// Cost is what it takes to store a model and to run it. An operation is one
// multiplication or one addition.
type Cost struct {
	ParamCount   int `json:"param_count"`
	WeightBytes  int `json:"weight_bytes"`
	OpsEncodeEst int `json:"ops_encode_est"`
	OpsDecodeEst int `json:"ops_decode_est"`
}

// CostOf counts a model's weights and operations.
func CostOf(m *bam.Model) Cost {
	var c Cost
	for _, l := range m.Layers {
		n := l.In() * l.Out()
		c.ParamCount += 2 * n
		c.OpsEncodeEst += 2 * n * (1 + 2*m.EncodeCycles)
		c.OpsDecodeEst += 2 * n * (1 + 2*m.DecodeCycles)
	}
	c.WeightBytes = 4 * c.ParamCount
	return c
}

// A LayerReport says how the training of a layer went. MSEX and MSEY are the
// errors of the last epoch, Curve those of every epoch. FEBAM defines the errors.
// Gradient trains all layers at once and reports one layer: MSEX is the smallest
// error on the windows that validate.
type LayerReport struct {
	LayerIndex  int          `json:"layer_index"`
	InDim       int          `json:"in_dim"`
	OutDim      int          `json:"out_dim"`
	EpochsRan   int          `json:"epochs_ran"`
	SamplesSeen int          `json:"samples_seen"`
	MSEX        float64      `json:"mse_x"`
	MSEY        float64      `json:"mse_y"`
	Curve       [][2]float64 `json:"curve_mse_x_mse_y,omitempty"`
}

func (r *Result) report(m Method, fit *Fitted, tables []BitPackChoice) Report {
	s := r.Settings
	rep := Report{
		OutDir: ".", Method: m.Name(), Status: r.Status,
		Dims: s.Window.Dims, W: s.Window.W, Stride: s.Window.Stride,
		HiddenDims: append([]int{}, s.HiddenDims...), LatentDim: s.LatentDim, Packing: s.Packing,
		AutoScale: s.AutoScale, AutoScalePercentile: s.AutoScalePercentile, AutoScaleWindows: s.AutoScaleWindows,
		Delta: s.Delta, EncodeCycles: s.EncodeCycles, DecodeCycles: s.DecodeCycles,
		ExpectedPayloadBytes: s.PayloadLen(), MaxPayloadBytes: s.MaxPayloadBytes, MaxSamples: s.MaxSamples,
		Tolerances: s.Tolerances, Hyper: fit.Hyper, Cost: CostOf(&r.Net), NormWindows: fit.Problem.Windows,
		LayerReports: fit.LayerReports, Choices: fit.Choices, BitPack: tables,
	}
	for _, c := range fit.Choices {
		if c.Picked {
			rep.Method = c.Method
		}
	}
	if s.Packing.Integer() {
		rep.Scale = &r.Scale
	}
	if t := trainSplit(s.Split); t != nil {
		rep.SplitMethod, rep.TrainRatio = t.Method, &t.TrainRatio
		if t.Method == artifacts.SplitByHash {
			rep.SplitSeed = &t.SplitSeed
		}
	}
	return rep
}
