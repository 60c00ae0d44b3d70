package train

import (
	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
)

// Report is train_report.json. It holds no time, host or absolute path, so
// that equal trainings write equal reports.
type Report struct {
	Dataset              string        `json:"dataset"` // set by the caller
	OutDir               string        `json:"out_dir"` // the report's own folder, "."
	Method               string        `json:"method"`  // the one that was picked, where some were tried
	Status               Status        `json:"status"`
	InputDims            int           `json:"input_dims"`
	WindowW              int           `json:"window_W"`
	WindowStride         int           `json:"window_stride"`
	HiddenDims           []int         `json:"hidden_dims"`
	LatentDim            int           `json:"latent_dim"`
	Packing              bam.Packing   `json:"packing"`
	Scale                *float64      `json:"scale"`
	AutoScale            bool          `json:"auto_scale"`
	AutoScalePercentile  float64       `json:"auto_scale_percentile"`
	AutoScaleWindows     int           `json:"auto_scale_windows"`
	Delta                float64       `json:"delta"`
	EncodeCycles         int           `json:"encode_cycles"`
	DecodeCycles         int           `json:"decode_cycles"`
	ExpectedPayloadBytes int           `json:"expected_payload_bytes"`
	MaxPayloadBytes      int           `json:"max_payload_bytes"`
	MaxSamples           int           `json:"max_samples"`
	SplitMethod          string        `json:"split_method"` // as in the manifest; "" for a split of the caller's own
	TrainRatio           *float64      `json:"train_ratio"`
	SplitSeed            *int64        `json:"split_seed"`
	Tolerances           []float64     `json:"tolerances"` // null: errors weigh by deviation
	Hyper                any           `json:"hyper_parameters"`
	Cost                 Cost          `json:"cost"`
	NormWindows          int           `json:"norm_windows"`
	LayerReports         []LayerReport `json:"layer_reports"`
	// Choices lists the methods that were tried on parts of the training
	// windows, and which was picked.
	Choices []MethodChoice `json:"choices,omitempty"`
	// BitPack lists what was tried for the width of the mode's number.
	BitPack []BitPackChoice `json:"bitpack,omitempty"`
}

// Cost is what a model takes to store and to run. An operation is one
// multiplication or addition.
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

// LayerReport is how one layer trained. MSEX and MSEY are the errors of the
// last epoch, Curve those of every epoch.
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

func (r *Result) report(m Method, f *fitted) Report {
	s := r.settings
	rep := Report{
		OutDir: ".", Method: m.Name(), Status: r.Status,
		InputDims: s.InputDims, WindowW: s.WindowW, WindowStride: s.WindowStride,
		HiddenDims: append([]int{}, s.HiddenDims...), LatentDim: s.LatentDim, Packing: s.Packing,
		AutoScale: s.AutoScale, AutoScalePercentile: s.AutoScalePercentile, AutoScaleWindows: s.AutoScaleWindows,
		Delta: s.Delta, EncodeCycles: s.EncodeCycles, DecodeCycles: s.DecodeCycles,
		ExpectedPayloadBytes: s.PayloadLen(), MaxPayloadBytes: s.MaxPayloadBytes, MaxSamples: s.MaxSamples,
		Tolerances: s.Tolerances, Hyper: f.hyper, Cost: CostOf(&r.Net), LayerReports: f.report, Choices: f.choices,
	}
	for _, c := range f.choices {
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
