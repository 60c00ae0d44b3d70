// Package sensor describes the values that a step of a window holds: their
// names, units, groups, physical ranges and default tolerances, and which of
// them are angles.
//
// [Motion] is the schema of a motion sample, twelve values:
//
//	lat lon           deg      position, WGS 84
//	alt               m        altitude
//	ax ay az          m/s^2    acceleration
//	gx gy gz          deg/s    angular rate
//	roll pitch yaw    deg      attitude
//
// Other data has a schema of the caller's own: a list of [Value]s, or [Named] if
// only names and units are known. Several goroutines may share a schema, as long as
// none modifies it.
package sensor

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// MotionDims is the number of values of a motion sample.
const MotionDims = 12

// Value describes one value of a step. Fields of what is unknown are zero.
type Value struct {
	Name string
	Unit string // as data sets write it: deg, m, m/s^2, deg/s; "": unknown
	// Angle reports whether the value is in degrees and wraps at 360, so that 359.9
	// and 0.1 are close. Pitch does not wrap: it ends at ±90. Errors of angles are
	// taken modulo 360, see Difference.
	Angle bool
	// Low and High are the physical range of the sensor, in the value's unit. Both
	// are 0 if the range is unknown.
	Low, High float64
	// Tolerance is the default largest error, in the value's unit; 0: none.
	Tolerance float64
	// Group is the name of the sensor group for which evaluations report errors;
	// "": none.
	Group string
}

// Schema lists the values of a step in their order.
type Schema []Value

// The default tolerances: 5 m on the ground (at the equator), 5 m of altitude,
// 0.5 m/s², 5 deg/s and 3 deg.
var motion = Schema{
	{Name: "lat", Unit: "deg", Low: -90, High: 90, Tolerance: 4.5e-5, Group: "gps"},
	{Name: "lon", Unit: "deg", Angle: true, Low: -180, High: 180, Tolerance: 4.5e-5, Group: "gps"},
	{Name: "alt", Unit: "m", Low: -500, High: 20000, Tolerance: 5, Group: "gps"},
	{Name: "ax", Unit: "m/s^2", Low: -160, High: 160, Tolerance: 0.5, Group: "accel"},
	{Name: "ay", Unit: "m/s^2", Low: -160, High: 160, Tolerance: 0.5, Group: "accel"},
	{Name: "az", Unit: "m/s^2", Low: -160, High: 160, Tolerance: 0.5, Group: "accel"},
	{Name: "gx", Unit: "deg/s", Low: -2000, High: 2000, Tolerance: 5, Group: "gyro"},
	{Name: "gy", Unit: "deg/s", Low: -2000, High: 2000, Tolerance: 5, Group: "gyro"},
	{Name: "gz", Unit: "deg/s", Low: -2000, High: 2000, Tolerance: 5, Group: "gyro"},
	{Name: "roll", Unit: "deg", Angle: true, Low: -180, High: 180, Tolerance: 3, Group: "rpy"},
	{Name: "pitch", Unit: "deg", Low: -180, High: 180, Tolerance: 3, Group: "rpy"},
	{Name: "yaw", Unit: "deg", Angle: true, Low: -180, High: 180, Tolerance: 3, Group: "rpy"},
}

// Motion returns the schema of a motion sample.
func Motion() Schema { return slices.Clone(motion) }

// Named returns the schema of values with these names, in this order. A value named
// like one of Motion's, with the same unit or none, gets Motion's description. Any
// other value has a name and a unit only. Units maps names to units; a name that it
// does not have, as in a nil map, has no unit.
func Named(names []string, units map[string]string) Schema {
	s := make(Schema, len(names))
	for i, name := range names {
		s[i] = Value{Name: name, Unit: units[name]}
		if m := motion.Index(name); m >= 0 && (s[i].Unit == "" || s[i].Unit == motion[m].Unit) {
			s[i] = motion[m]
		}
	}
	return s
}

// ForDims returns Motion for n = 12, and n unnamed values otherwise. It is what
// other packages assume if a data set names no values. It panics if n is negative.
func ForDims(n int) Schema {
	if n == MotionDims {
		return Motion()
	}
	return make(Schema, n)
}

// IsMotion reports whether s has the names of Motion, in the same order.
func (s Schema) IsMotion() bool {
	return slices.EqualFunc(s, motion, func(a, b Value) bool { return a.Name == b.Name })
}

// Index returns the index of the named value, or -1.
func (s Schema) Index(name string) int {
	return slices.IndexFunc(s, func(v Value) bool { return v.Name == name })
}

// Label returns the name of value i. If it has none, or s has no value i, Label
// returns text such as "dim 3".
func (s Schema) Label(i int) string {
	if i < len(s) && s[i].Name != "" {
		return s[i].Name
	}
	return fmt.Sprintf("dim %d", i)
}

// Names returns the names of the values in their order; nil if one has none.
func (s Schema) Names() []string {
	names := make([]string, len(s))
	for i, v := range s {
		if v.Name == "" {
			return nil
		}
		names[i] = v.Name
	}
	return names
}

// Units returns the known units by name. The map is never nil.
func (s Schema) Units() map[string]string {
	units := make(map[string]string, len(s))
	for _, v := range s {
		if v.Name != "" && v.Unit != "" {
			units[v.Name] = v.Unit
		}
	}
	return units
}

// Angles returns the field Angle of each value.
func (s Schema) Angles() []bool {
	angles := make([]bool, len(s))
	for i, v := range s {
		angles[i] = v.Angle
	}
	return angles
}

// Tolerances returns the default tolerance of each value, in its unit; nil if one
// has none.
func (s Schema) Tolerances() []float64 {
	tolerances := make([]float64, len(s))
	for i, v := range s {
		if v.Tolerance == 0 {
			return nil
		}
		tolerances[i] = v.Tolerance
	}
	return tolerances
}

// A Group is a sensor group: the values From to To-1 of a step.
type Group struct {
	Name     string
	From, To int
}

// Groups returns the sensor groups, which are runs of values with the same group
// name, in their order.
func (s Schema) Groups() []Group {
	var groups []Group
	for i, v := range s {
		switch n := len(groups); {
		case v.Group == "":
		case n > 0 && groups[n-1].Name == v.Group && groups[n-1].To == i:
			groups[n-1].To++
		default:
			groups = append(groups, Group{v.Group, i, i + 1})
		}
	}
	return groups
}

// Equal reports whether s and t have the same names and units in the same order. It
// does not compare the other fields, which Named derives from these two.
func (s Schema) Equal(t Schema) bool {
	return slices.Equal(s.Names(), t.Names()) && maps.Equal(s.Units(), t.Units()) && len(s) == len(t)
}

// Difference returns a - b. For angles, which may be in any range, it returns the
// shorter way round, from -180 to 180; of two angles half a turn apart the result is
// 180 or -180. If a or b is NaN or infinite, the result may be NaN.
func Difference(a, b float64, angle bool) float64 {
	if angle {
		return math.Remainder(a-b, 360)
	}
	return a - b
}

// MetresPerDegree is the length in metres of a degree of latitude, and of longitude
// at the equator, on a sphere of 40,000 km circumference.
const MetresPerDegree = 40e6 / 360

// LongitudeMetres returns the length in metres of a degree of longitude at a
// latitude in degrees, -90 to 90.
func LongitudeMetres(latitude float64) float64 {
	return MetresPerDegree * math.Cos(latitude*math.Pi/180)
}
