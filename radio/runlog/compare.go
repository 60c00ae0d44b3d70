package runlog

// Comparison sets the metrics of a run against those of a baseline run. Each
// figure is a change in percent of the baseline's, and positive where the run
// does better. It is zero where the baseline's figure is zero.
type Comparison struct {
	PDRImprovePct    float64 `json:"pdr_improve_pct"`
	ETXReducePct     float64 `json:"etx_reduce_pct"`
	AirtimeReducePct float64 `json:"airtime_reduce_pct"`
	// EnergyReducePct is nil unless both energies were measured.
	EnergyReducePct *float64 `json:"energy_reduce_pct,omitempty"`
}

// Compare sets run against baseline. It knows no energies, see SetEnergy.
func Compare(run, baseline Metrics) Comparison {
	return Comparison{
		PDRImprovePct:    -reducePct(run.PDR, baseline.PDR),
		ETXReducePct:     reducePct(run.ETX, baseline.ETX),
		AirtimeReducePct: reducePct(run.AirtimeS, baseline.AirtimeS),
	}
}

// SetEnergy compares the energies that the two runs took, in joules. It does
// nothing where one of them is not above zero.
func (c *Comparison) SetEnergy(run, baseline float64) {
	if run > 0 && baseline > 0 {
		pct := reducePct(run, baseline)
		c.EnergyReducePct = &pct
	}
}

// reducePct is how far x is below baseline, in percent of it.
func reducePct(x, baseline float64) float64 {
	if baseline == 0 {
		return 0
	}
	return 100 * (baseline - x) / baseline
}
