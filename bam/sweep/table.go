package sweep

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/table"
)

// WriteTable writes a summary of the sweep and a table of the models on the Pareto
// front by zscored.mse, next to the baselines for their payload lengths.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d windows of %d values trained %d models, measured on %d windows (%s)\n",
		r.Dataset, r.TrainN, r.InputLen, len(r.Results), r.TestN, r.Subset)
	if n := len(r.Skipped); n > 0 {
		fmt.Fprintf(&b, "%d combinations skipped, first %s: %s\n", n, r.Skipped[0].ModelID, r.Skipped[0].Reason)
	}
	b.WriteString("\nModels with a smaller zscored.mse than all models of no more bytes\n")
	rows := []string{"\tpayload\tzscored.mse\tPCA int8\tGaussian bound\tMAE\tsaturated\tweights"}
	for _, p := range r.ParetoZScored {
		x := r.Result(p.ModelID)
		saturated := ""
		if x.Saturation.Total > 0 {
			saturated = strconv.FormatFloat(100*x.Saturation.Rate, 'f', 2, 64) + " %"
		}
		rows = append(rows, fmt.Sprintf("%s\t%d B\t%s\t%s\t%s\t%s\t%s\t%d", p.ModelID, p.PayloadBytes, table.Digits(p.ZScoredMSE),
			r.pcaInt8(p.PayloadBytes), r.gaussianBound(p.PayloadBytes), table.Digits(p.MAE), saturated, x.Cost.ParamCount))
	}
	mean := r.Baselines.Mean
	rows = append(rows, fmt.Sprintf("mean\t0 B\t%s\t\t\t%s\t\t", table.Digits(mean.ZScored.MSE), table.Digits(mean.MAE)))
	table.Write(&b, rows...)
	_, err := io.WriteString(w, b.String())
	return err
}

// pcaInt8 returns the error of the most components that fit n bytes as int8; "" if
// none do.
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
