package train

import (
	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
)

// Report is the content of train_report.json. It has no times, host names or absolute
// paths, so that equal trainings write equal reports.
type Report struct {
	Dataset              string        `json:"dataset"` // name of the data set; the caller sets it
	OutDir               string        `json:"out_dir"` // always "."; a key of the reference
	Method               string        `json:"method"`  // name of the method, the picked one if several were compared
	Status               Status        `json:"status"`  // the reason why training ended
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
	MaxWindows           int           `json:"max_samples"`
	SplitMethod          string        `json:"split_method"` // as in artifacts.TrainSplit; "" if the split has another type
	TrainRatio           *float64      `json:"train_ratio"`  // null as well in that case
	SplitSeed            *int64        `json:"split_seed"`   // null unless the split is by hash
	Tolerances           []float64     `json:"tolerances"`   // null if errors are weighed by standard deviation
	Hyper                any           `json:"hyper_parameters"`
	Cost                 Cost          `json:"cost"`
	NormWindows          int           `json:"norm_windows"` // number of training windows
	LayerReports         []LayerReport `json:"layer_reports"`
	// Choices list the candidates that the method compared.
	Choices []MethodChoice `json:"choices,omitempty"`
	// BitPack lists the numbers of mixture components of packing bitpack that were
	// compared.
	BitPack []BitPackChoice `json:"bitpack,omitempty"`
}

// Cost is the cost of storing and running a model.
type Cost struct {
	ParamCount  int `json:"param_count"`  // number of weights
	WeightBytes int `json:"weight_bytes"` // size of the weights as float32
	// OpsEncodeEst and OpsDecodeEst are the multiplications and additions per window,
	// without those of the transmission function.
	OpsEncodeEst int `json:"ops_encode_est"`
	OpsDecodeEst int `json:"ops_decode_est"`
}

// CostOf returns the cost of a model.
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

// A LayerReport describes the training of a layer. FEBAM defines the errors MSEX and
// MSEY. Gradient trains all layers at once and reports one layer: MSEX is the smallest
// error on the validation windows, MSEY is 0.
type LayerReport struct {
	LayerIndex  int          `json:"layer_index"`  // from 0
	InDim       int          `json:"in_dim"`       // values at the input
	OutDim      int          `json:"out_dim"`      // values at the output
	EpochsRan   int          `json:"epochs_ran"`   // number of epochs
	WindowsSeen int          `json:"samples_seen"` // number of windows, counted in every epoch
	MSEX        float64      `json:"mse_x"`        // error of the last epoch
	MSEY        float64      `json:"mse_y"`
	Curve       [][2]float64 `json:"curve_mse_x_mse_y,omitempty"` // MSEX and MSEY of every epoch
}

func (r *Result) report(m Method, fit *Fitted, tables []BitPackChoice) Report {
	s := r.Settings
	rep := Report{
		OutDir: ".", Method: m.Name(), Status: r.Status,
		Dims: s.Window.Dims, W: s.Window.W, Stride: s.Window.Stride,
		HiddenDims: append([]int{}, s.HiddenDims...), LatentDim: s.LatentDim, Packing: s.Packing,
		AutoScale: s.AutoScale, AutoScalePercentile: s.AutoScalePercentile, AutoScaleWindows: s.AutoScaleWindows,
		Delta: s.Delta, EncodeCycles: s.EncodeCycles, DecodeCycles: s.DecodeCycles,
		ExpectedPayloadBytes: s.PayloadLen(), MaxPayloadBytes: s.MaxPayloadBytes, MaxWindows: s.MaxWindows,
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
