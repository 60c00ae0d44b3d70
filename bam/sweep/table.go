package sweep

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/table"
	"github.com/loralink/loralink-go/radio"
)

// WriteTable writes a summary of the sweep and a table of the models on the Pareto
// front by zscored.mse, next to the baselines for their payload lengths. It marks models
// that package radio cannot send.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d models, trained on %d windows of %d values, measured on %d windows (%s)\n",
		r.Dataset, len(r.Results), r.TrainWindows, r.InputLen, r.TestWindows, r.Subset)
	if n := len(r.Skipped); n > 0 {
		fmt.Fprintf(&b, "%d combinations skipped, the first is %s: %s\n", n, r.Skipped[0].ModelID, r.Skipped[0].Reason)
	}
	b.WriteString("\nPareto front: each model with a smaller zscored.mse than all models with payloads of the same length or shorter\n")
	rows := []string{"\tpayload\tzscored.mse\tof PCA int8\tGaussian bound\tMAE\tsaturated\tweights"}
	mean := r.Baselines.Mean
	rows = append(rows, fmt.Sprintf("mean\t0 B\t%s\t\t\t%s\t\t", table.Digits(mean.ZScored.MSE), table.Digits(mean.MAE)))
	tooShort := false
	for _, p := range r.ParetoZScored {
		x := r.Result(p.ModelID)
		name, saturated := p.ModelID, ""
		if p.PayloadBytes < radio.MinPayloadLen {
			tooShort = true
			name += " *"
		}
		if x.Saturation.Total > 0 {
			saturated = strconv.FormatFloat(100*x.Saturation.Rate, 'f', 2, 64) + " %"
		}
		rows = append(rows, fmt.Sprintf("%s\t%d B\t%s\t%s\t%s\t%s\t%s\t%d", name, p.PayloadBytes, table.Digits(p.ZScoredMSE),
			r.pcaInt8(p.PayloadBytes), r.gaussianBound(p.PayloadBytes), table.Digits(p.MAE), saturated, x.Cost.ParamCount))
	}
	table.Write(&b, rows...)
	if tooShort {
		b.WriteString("* cannot be sent: a frame with one byte is an ACK\n")
	}
	b.WriteString("PCA int8 and Gaussian bound are zscored.mse at the same payload length. The bound is the smallest error of a code if the\ndata is Gaussian; for other data a model can lie below it. Saturated are integers at the end of their range; weights is\ntheir number.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// pcaInt8 returns the error of PCA with the most components that fit n bytes as int8; ""
// if none do.
func (r *Report) pcaInt8(n int) (text string) {
	for _, b := range r.Baselines.PCA.ByBytes[bam.Int8] {
		if b.PayloadBytes <= n {
			text = table.Digits(b.ZScored.MSE)
		}
	}
	return text
}

// gaussianBound returns the bound for n bytes; "" if the report does not have it.
func (r *Report) gaussianBound(n int) string {
	for _, b := range r.Baselines.GaussianBound {
		if b.PayloadBytes == n {
			return table.Digits(b.ZScoredMSE)
		}
	}
	return ""
}
