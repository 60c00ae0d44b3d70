package runreport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"
	"time"

	"github.com/loralink/loralink-go/internal/table"
)

// Blank is the text of an unknown field in a record, to be filled in by hand.
const Blank = "________"

// FillRecord executes a template for a record, a text/template such as
// examples/records/run.md, and returns the result. In it, {{field "name"}} is the value
// of that field. An unknown field, and any other name, gives [Blank]. The fields are:
//
//	run_id mode phy_id start end duration_s     of the run
//	tx_log rx_log power_record                  paths of its files
//	codec window max_retries                    from the RunSpec
//	windows sent retries pdr etx payload_bytes  from the sender's log
//	airtime_s e2e_ms                            from the sender's log
//	delivered parse_fails                       from either log
//	joules                                      from the power record
//	zscored_mse                                 from the data set that was sent
func (r *Report) FillRecord(templatePath string) ([]byte, error) {
	text, err := os.ReadFile(templatePath)
	if err != nil {
		return nil, fmt.Errorf("runreport: %w", err)
	}
	fields := r.Run.recordFields()
	t, err := template.New(templatePath).Funcs(template.FuncMap{"field": func(name string) string {
		if v := strings.TrimSpace(fields[name]); v != "" {
			return v
		}
		return Blank
	}}).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("runreport: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, nil); err != nil {
		return nil, fmt.Errorf("runreport: %w", err)
	}
	return b.Bytes(), nil
}

// recordFields returns the fields that are known.
func (r *Run) recordFields() map[string]string {
	m := &r.Metrics
	fields := map[string]string{
		"run_id": r.RunID, "mode": r.Mode, "phy_id": r.PHYID,
		"start": r.First.UTC().Format(time.RFC3339), "end": r.Last.UTC().Format(time.RFC3339),
		"tx_log": r.TX, "rx_log": r.RX, "power_record": r.Power,
		"duration_s": table.Digits(m.DurationS), "delivered": fmt.Sprint(m.Delivered),
		"parse_fails": fmt.Sprint(m.ParseFails),
	}
	var spec struct {
		Window struct {
			W, Stride int
			SampleHz  float64 `json:"sample_hz"`
		} `json:"window"`
		Codec struct{ ID, Version string } `json:"codec"`
		TX    struct {
			MaxRetries int `json:"max_retries"`
		} `json:"tx"`
	}
	if r.RunSpec != nil && json.Unmarshal(r.RunSpec, &spec) == nil {
		fields["codec"] = spec.Codec.ID + " " + spec.Codec.Version
		fields["window"] = fmt.Sprintf("W %d, stride %d, %g Hz", spec.Window.W, spec.Window.Stride, spec.Window.SampleHz)
		fields["max_retries"] = fmt.Sprint(spec.TX.MaxRetries)
	}
	if r.TX != "" {
		fields["windows"], fields["sent"], fields["retries"] = fmt.Sprint(m.Windows), fmt.Sprint(m.Sent), fmt.Sprint(m.Retries)
		fields["pdr"], fields["etx"] = fmt.Sprintf("%.4f", m.PDR), fmt.Sprintf("%.3f", m.ETX)
		fields["payload_bytes"] = table.Digits(m.PayloadMean)
		fields["airtime_s"] = fmt.Sprintf("%.3f", m.TimeOnAirS)
		fields["e2e_ms"] = fmt.Sprintf("%.1f", m.EndToEndMs.P50)
	}
	if r.Energy != nil {
		fields["joules"] = table.Digits(r.Energy.Joules)
	}
	if c := r.Reconstruction; c != nil {
		fields["zscored_mse"] = table.Digits(c.ZScored.MSE) + " (standard deviations of the " + c.ZScoredBy + ")"
	}
	return fields
}
