package runlog

// Comparison compares a run with a baseline run. Each figure is a change in percent
// of the baseline's figure, and positive if the run is better. If the baseline's
// figure is zero, the change is zero too.
type Comparison struct {
	PDRImprovePct      float64 `json:"pdr_improve_pct"`    // increase of Metrics.PDR
	ETXReducePct       float64 `json:"etx_reduce_pct"`     // decrease of Metrics.ETX
	TimeOnAirReducePct float64 `json:"airtime_reduce_pct"` // decrease of Metrics.TimeOnAirS
	// EnergyReducePct is the decrease of the energy. nil unless both energies were
	// measured.
	EnergyReducePct *float64 `json:"energy_reduce_pct,omitempty"`
}

// Compare compares run with baseline, without energy; see SetEnergy.
func Compare(run, baseline Metrics) Comparison {
	return Comparison{
		PDRImprovePct:      -reducePct(run.PDR, baseline.PDR),
		ETXReducePct:       reducePct(run.ETX, baseline.ETX),
		TimeOnAirReducePct: reducePct(run.TimeOnAirS, baseline.TimeOnAirS),
	}
}

// SetEnergy adds the comparison of the energies of the two runs, in joules. It does
// nothing unless both are above zero.
func (c *Comparison) SetEnergy(run, baseline float64) {
	if run > 0 && baseline > 0 {
		pct := reducePct(run, baseline)
		c.EnergyReducePct = &pct
	}
}

// reducePct returns by how much x is below baseline, in percent of baseline.
func reducePct(x, baseline float64) float64 {
	if baseline == 0 {
		return 0
	}
	return 100 * (baseline - x) / baseline
}
