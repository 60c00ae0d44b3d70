package quality

import (
	"math"

	"github.com/loralink/loralink-go/dataset/sensor"
)

// Figure is an error of motion samples in a unit that a person can judge: the
// root mean square over the values From to To-1 of a step, or over the distance
// on the ground.
type Figure struct {
	Name, Unit string
	From, To   int
	ground     bool // latitude and longitude, in metres
}

// Figures are the figures of a motion sample: position, altitude, acceleration,
// angular rate and attitude.
func Figures() []Figure {
	return []Figure{
		{"position", "m", 0, 2, true}, {"altitude", "m", 2, 3, false}, {"acceleration", "m/s²", 3, 6, false},
		{"angular rate", "deg/s", 6, 9, false}, {"attitude", "deg", 9, 12, false},
	}
}

// RMS is the figure's value, given the mean errors over values of a step, as
// [Evaluation.Dims] has them. Latitude, in degrees, turns degrees of longitude
// into metres.
func (f Figure) RMS(dims func(from, to int) Errors, latitude float64) float64 {
	if !f.ground {
		return math.Sqrt(dims(f.From, f.To).MSE)
	}
	north := math.Sqrt(dims(f.From, f.From+1).MSE) * sensor.MetresPerDegree
	east := math.Sqrt(dims(f.From+1, f.To).MSE) * sensor.LongitudeMetres(latitude)
	return math.Hypot(north, east)
}
