// Package motion simulates recordings of a motion sensor that rests, is carried on a
// walk and rides in a car, by turns. A sample has the twelve values of sensor.Motion.
// All follow from one simulated path, so that they are consistent with each other.
//
// The recording starts at 2026-01-01T00:00:00Z, at 48.14° N, 11.57° E and 515 m of
// altitude, with a rest.
//
// World axes are east, north and up; body axes are x forward, y left and z up. Roll,
// pitch and yaw rotate the body about x, then y, then z, in degrees. Yaw is 0 towards
// east and grows counter-clockwise: it is not a compass heading, which is 0 towards
// north and grows clockwise. Angles are in (-180, 180].
//
//   - The accelerometer measures specific force in body axes, in m/s²: the acceleration
//     plus 9.80665 m/s² upwards. Level and at rest it measures (0, 0, 9.80665).
//   - The gyroscope measures the angular rate in body axes, in deg/s.
//   - GPS measures the position once a second, or with each sample if these are less
//     frequent, and repeats it in between.
//
// Sensors add a constant bias, white noise and their resolution. GPS adds an error of
// some metres that changes slowly. The same seed and rate give the same samples; any
// seed is valid.
package motion

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
)

const (
	gravity = 9.80665 // m/s²

	startMs   = 1767225600000 // 2026-01-01T00:00:00Z
	startLat  = 48.14         // deg
	startLon  = 11.57         // deg
	startAlt  = 515.0         // m
	degMetres = 111_320.0     // length of a degree at the equator of WGS 84; testdata/walk.jsonl was made with it

	maxRateHz = 1000
	minRateHz = 0.001 // between two samples the path moves in steps of maxStep
	maxStep   = 0.005 // s: the longest time step of the path
	gpsPeriod = 1.0   // s
)

// A Simulator generates samples without end. It is not safe for concurrent use.
type Simulator struct {
	path    path
	rng     *rand.Rand // for the sensors
	rateHz  float64
	substep int   // steps of the path from one sample to the next
	n       int64 // number of samples generated

	accelBias, gyroBias vec // m/s², deg/s
	gpsError, gps       vec // m: the slow error, the last measured position
	gpsDue              int64
}

// New returns a Simulator that generates rateHz samples per second. If rateHz is not
// 0.001 to 1000, New returns an error.
func New(seed int64, rateHz float64) (*Simulator, error) {
	if !(rateHz >= minRateHz && rateHz <= maxRateHz) {
		return nil, fmt.Errorf("motion: rateHz is %v, want %g..%d", rateHz, minRateHz, maxRateHz)
	}
	s := &Simulator{
		rng:     rand.New(rand.NewPCG(uint64(seed), 1)),
		rateHz:  rateHz,
		substep: max(1, int(math.Ceil(1/(rateHz*maxStep)))),
	}
	s.path.start(rand.New(rand.NewPCG(uint64(seed), 2)), 1/(rateHz*float64(s.substep)))
	for i := range 3 {
		s.accelBias[i] = s.uniform(-0.03, 0.03)
		s.gyroBias[i] = s.uniform(-0.05, 0.05)
		s.gpsError[i] = s.rng.NormFloat64() * gpsWander[i]
	}
	return s, nil
}

// Samples yields the first n samples of a new Simulator, the same in each pass. If n is
// below 1, the sequence does not end. If rateHz is invalid, it yields one error.
func Samples(seed int64, rateHz float64, n int) iter.Seq2[dataset.Sample, error] {
	return func(yield func(dataset.Sample, error) bool) {
		s, err := New(seed, rateHz)
		if err != nil {
			yield(dataset.Sample{}, err)
			return
		}
		for i := 0; n < 1 || i < n; i++ {
			if !yield(s.Next(), nil) {
				return
			}
		}
	}
}

// gpsWander is the standard deviation of the slow GPS error, in m.
var gpsWander = vec{1.2, 1.2, 2.5}

// Standard deviations and resolutions of the sensors.
const (
	gpsMemory  = 40.0 // s: the time constant of the slow GPS error
	gpsNoise   = 0.15 // m
	accelNoise = 0.03 // m/s²
	gyroNoise  = 0.1  // deg/s
	angleNoise = 0.05 // deg

	degStep, altStep, accelStep, gyroStep, angleStep = 1e7, 10, 1e3, 100, 100 // steps per unit
)

// Next returns the next sample.
func (s *Simulator) Next() dataset.Sample {
	if s.n > 0 {
		for range s.substep {
			s.path.step()
		}
	}
	t := float64(s.n) / s.rateHz
	if due := int64(t / gpsPeriod); s.n == 0 || due > s.gpsDue {
		s.gpsDue = due
		s.readGPS(max(gpsPeriod, 1/s.rateHz))
	}
	out := dataset.Sample{TsMs: startMs + int64(math.Round(t*1000)), Values: make([]float64, sensor.MotionDims)}
	v := out.Values
	v[0] = round(startLat+s.gps[1]/degMetres, degStep)
	v[1] = round(startLon+s.gps[0]/(degMetres*math.Cos(startLat*math.Pi/180)), degStep)
	v[2] = round(startAlt+s.gps[2], altStep)
	for i := range 3 {
		v[3+i] = round(s.path.force[i]+s.accelBias[i]+float64(accelNoise*s.rng.NormFloat64()), accelStep)
		v[6+i] = round(deg(s.path.rate[i])+s.gyroBias[i]+float64(gyroNoise*s.rng.NormFloat64()), gyroStep)
		v[9+i] = wrap(round(deg(s.path.angle[i])+float64(angleNoise*s.rng.NormFloat64()), angleStep))
	}
	s.n++
	return out
}

// readGPS measures a position, that many seconds after the last one.
func (s *Simulator) readGPS(after float64) {
	keep := math.Exp(-after / gpsMemory)
	for i := range 3 {
		s.gpsError[i] = float64(keep*s.gpsError[i]) + float64(math.Sqrt(1-float64(keep*keep))*gpsWander[i]*s.rng.NormFloat64())
		s.gps[i] = s.path.pos[i] + s.gpsError[i] + float64(gpsNoise*s.rng.NormFloat64())
	}
}

func (s *Simulator) uniform(low, high float64) float64 {
	return low + float64((high-low)*s.rng.Float64())
}

func deg(rad float64) float64 { return rad * 180 / math.Pi }

// round rounds v to the nearest multiple of 1/steps. The quotient is the float64 nearest
// to a short decimal, so that it prints as one.
func round(v, steps float64) float64 { return math.Round(v*steps) / steps }

// wrap returns the equivalent of an angle, a multiple of 0.01 degrees, in (-180, 180].
func wrap(deg float64) float64 {
	if deg > -180 && deg <= 180 {
		return deg
	}
	return round(deg-float64(360*math.Ceil((deg-180)/360)), angleStep)
}
