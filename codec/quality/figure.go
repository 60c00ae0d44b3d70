package quality

import (
	"math"

	"github.com/loralink/loralink-go/dataset/sensor"
)

// Figure is a root mean square error of motion samples: of the values From to To-1 of
// a step, or of the distance on the ground.
type Figure struct {
	Name, Unit string
	From, To   int
	ground     bool // latitude and longitude, in metres
}

// Figures returns the figures of a motion sample: position, altitude, acceleration,
// angular rate and attitude.
func Figures() []Figure {
	return []Figure{
		{"position", "m", 0, 2, true}, {"altitude", "m", 2, 3, false}, {"acceleration", "m/s²", 3, 6, false},
		{"angular rate", "deg/s", 6, 9, false}, {"attitude", "deg", 9, 12, false},
	}
}

// RMS returns the root mean square error, in Unit. Dims returns the mean errors over
// values of a step, such as [Evaluation.Dims]. Latitude, in degrees, converts degrees
// of longitude to metres.
func (f Figure) RMS(dims func(from, to int) Errors, latitude float64) float64 {
	if !f.ground {
		return math.Sqrt(dims(f.From, f.To).MSE)
	}
	north := math.Sqrt(dims(f.From, f.From+1).MSE) * sensor.MetresPerDegree
	east := math.Sqrt(dims(f.From+1, f.To).MSE) * sensor.LongitudeMetres(latitude)
	return math.Hypot(north, east)
}
