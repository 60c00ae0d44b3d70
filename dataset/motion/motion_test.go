package motion

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"testing"

	"github.com/loralink/loralink-go/dataset"
)

const (
	lat, lon, alt    = 0, 1, 2
	ax, gx           = 3, 6
	roll, pitch, yaw = 9, 10, 11
)

// record runs a simulator and hands each sample, with the true path behind it, to see.
func record(t *testing.T, seed int64, rateHz float64, n int, see func(i int, s dataset.Sample, p *path)) {
	t.Helper()
	sim, err := New(seed, rateHz)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		see(i, sim.Next(), &sim.path)
	}
}

// angles are a sample's roll, pitch and yaw in rad.
func angles(s dataset.Sample) vec {
	var a vec
	for i := range 3 {
		a[i] = s.Values[roll+i] * math.Pi / 180
	}
	return a
}

// intoWorld turns a vector of the body into the world.
func intoWorld(angle, v vec) vec {
	var out vec
	for i := range 3 {
		var axis vec
		axis[i] = 1
		b := intoBody(angle, axis)
		out[i] = b[0]*v[0] + b[1]*v[1] + b[2]*v[2]
	}
	return out
}

func metres(s dataset.Sample) vec {
	return vec{
		(s.Values[lon] - startLon) * degMetres * math.Cos(startLat*math.Pi/180),
		(s.Values[lat] - startLat) * degMetres,
		s.Values[alt] - startAlt,
	}
}

// At rest the accelerometer reads gravity, in the direction that roll and pitch say.
func TestGravityFollowsAttitude(t *testing.T) {
	checked, tilted := 0, 0
	record(t, 1, 50, 50*900, func(i int, s dataset.Sample, p *path) {
		settled := math.Abs(p.speed)+math.Abs(p.push)+p.walkShare+p.driveShare < 0.02
		for _, f := range p.mount {
			settled = settled && math.Abs(f.speed) < 0.01
		}
		if !settled {
			return
		}
		checked++
		a := angles(s)
		if math.Abs(a[0])+math.Abs(a[1]) > 0.2 {
			tilted++
		}
		want := vec{-gravity * math.Sin(a[1]), gravity * math.Cos(a[1]) * math.Sin(a[0]), gravity * math.Cos(a[1]) * math.Cos(a[0])}
		size := math.Hypot(math.Hypot(s.Values[ax], s.Values[ax+1]), s.Values[ax+2])
		if math.Abs(size-gravity) > 0.25 {
			t.Fatalf("sample %d: at rest |a| is %.3f, want %.3f", i, size, gravity)
		}
		for k := range 3 {
			if got := s.Values[ax+k]; math.Abs(got-want[k]) > 0.25 {
				t.Fatalf("sample %d: at rest a is %v, want %v for roll, pitch %v", i, s.Values[ax:ax+3], want, s.Values[roll:roll+2])
			}
		}
	})
	if checked < 1000 || tilted < 100 {
		t.Fatalf("only %d samples at rest, %d of them tilted", checked, tilted)
	}
}

// What the gyroscope read over ten seconds is what roll, pitch and yaw changed by.
func TestGyroIsTheDerivativeOfAttitude(t *testing.T) {
	const rateHz, span = 100, 1000
	var from, sum vec
	var before dataset.Sample
	most := 0.0
	record(t, 2, rateHz, rateHz*600, func(i int, s dataset.Sample, _ *path) {
		if i > 0 {
			// Body rates to the change of roll, pitch and yaw, midway between two samples.
			a, b := angles(before), angles(s)
			r, p := (a[0]+b[0])/2, (a[1]+b[1])/2
			var w vec
			for k := range 3 {
				w[k] = s.Values[gx+k] / rateHz
			}
			turned := w[1]*math.Sin(r) + w[2]*math.Cos(r)
			sum[0] += w[0] + turned*math.Tan(p)
			sum[1] += w[1]*math.Cos(r) - w[2]*math.Sin(r)
			sum[2] += turned / math.Cos(p)
		}
		before = s
		if i%span != 0 {
			return
		}
		if i > 0 {
			for k := range 3 {
				change := s.Values[roll+k] - from[k]
				if off := math.Abs(math.Remainder(change-sum[k], 360)); off > 1.5 {
					t.Fatalf("samples %d..%d: angle %d changed by %.2f deg, the gyroscope says %.2f", i-span, i, k, change, sum[k])
				}
				most = max(most, math.Abs(sum[k]))
			}
		}
		from, sum = vec(s.Values[roll:]), vec{}
	})
	if most < 90 {
		t.Fatalf("the most it ever turned in ten seconds is %.0f deg: nothing was tested", most)
	}
}

// GPS follows the integral of the velocity, and its velocity that of the accelerometer.
func TestGPSFollowsVelocity(t *testing.T) {
	const rateHz, seconds = 50, 900
	var travelled, gained vec
	var fixes, speeds []vec // each second: the fix, and the mean of gained over the second to come
	var farthest, fastest float64
	record(t, 3, rateHz, rateHz*seconds, func(i int, s dataset.Sample, p *path) {
		if i > 0 {
			f := intoWorld(angles(s), vec(s.Values[ax:]))
			f[2] -= gravity
			for k := range 3 {
				travelled[k] += p.vel[k] / rateHz
				gained[k] += f[k] / rateHz
			}
		}
		if i%rateHz == 0 {
			fixes, speeds = append(fixes, metres(s)), append(speeds, vec{})
		}
		now := len(fixes) - 1
		for k := range 3 {
			speeds[now][k] += gained[k] / rateHz
			if off := math.Abs(metres(s)[k] - fixes[now][k]); off > 1e-6 {
				t.Fatalf("sample %d: GPS moved between two fixes", i)
			}
			if off := math.Abs(metres(s)[k] - travelled[k] - fixes[0][k]); i%rateHz == 0 && off > 12 {
				t.Fatalf("sample %d: GPS is %.1f m off the integral of the velocity on axis %d", i, off, k)
			}
		}
		farthest = max(farthest, math.Hypot(travelled[0], travelled[1]))
	})
	// Over every ten seconds the mean velocity by GPS gained what the accelerometer says.
	for at := 10; at+4 < seconds; at++ {
		for k := range 2 {
			byGPS, byForce := 0.0, 0.0
			for _, half := range []struct{ from, sign int }{{at - 10, -1}, {at, 1}} {
				byGPS += float64(half.sign) * (fixes[half.from+4][k] - fixes[half.from][k]) / 4
				for j := range 4 {
					byForce += float64(half.sign) * speeds[half.from+j][k] / 4
				}
			}
			if math.Abs(byGPS-byForce) > 1.2 {
				t.Fatalf("at %d s: axis %d gained %.2f m/s by GPS, %.2f by the accelerometer", at, k, byGPS, byForce)
			}
			fastest = max(fastest, math.Abs(byForce))
		}
	}
	if farthest < 300 || fastest < 8 {
		t.Fatalf("it came %.0f m far and gained at most %.1f m/s: nothing was tested", farthest, fastest)
	}
}

func TestRegimes(t *testing.T) {
	for seed := range int64(5) {
		var seen [3]int
		var quiet, shaken []float64
		record(t, seed, 10, 9000, func(i int, s dataset.Sample, p *path) {
			seen[p.regime]++
			size := math.Hypot(math.Hypot(s.Values[ax], s.Values[ax+1]), s.Values[ax+2])
			switch {
			case p.regime == still && p.walkShare+p.driveShare+math.Abs(p.speed) < 0.01:
				quiet = append(quiet, math.Abs(size-gravity))
			case p.stride() > 0.9:
				shaken = append(shaken, math.Abs(size-gravity))
			}
			if size < 2 || size > 25 || math.Abs(p.speed) > 18 || math.Abs(s.Values[pitch]) > 60 {
				t.Fatalf("seed %d, sample %d: |a| %.1f m/s², %.1f m/s, pitch %.0f", seed, i, size, p.speed, s.Values[pitch])
			}
			for k := roll; k <= yaw; k++ {
				if !(s.Values[k] > -180 && s.Values[k] <= 180) {
					t.Fatalf("seed %d, sample %d: angle %v", seed, i, s.Values[k])
				}
			}
		})
		for r, n := range seen {
			if n < 300 {
				t.Errorf("seed %d: %d of 9000 samples in regime %d", seed, n, r)
			}
		}
		if mean(shaken) < 10*mean(quiet) {
			t.Errorf("seed %d: walking shakes by %.2f m/s², rest by %.2f", seed, mean(shaken), mean(quiet))
		}
	}
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

func TestDeterminism(t *testing.T) {
	first := take(Samples(7, 5, 500))
	if again := take(Samples(7, 5, 500)); !reflect.DeepEqual(first, again) {
		t.Fatal("one seed gave two recordings")
	}
	if other := take(Samples(8, 5, 500)); reflect.DeepEqual(first, other) {
		t.Fatal("two seeds gave one recording")
	}
	n := 0
	for range Samples(7, 5, 0) { // without an end
		if n++; n == 1000 {
			break
		}
	}
	if len(first) != 500 || n != 1000 {
		t.Fatalf("got %d and %d samples, want 500 and 1000", len(first), n)
	}
}

func take(seq func(func(dataset.Sample, error) bool)) []dataset.Sample {
	var out []dataset.Sample
	for s, err := range seq {
		if err != nil {
			return nil
		}
		out = append(out, s)
	}
	return out
}

func TestTimesAndResolution(t *testing.T) {
	for _, c := range []struct {
		rateHz float64
		want   []int64 // after the first
	}{{1, []int64{1000, 2000}}, {3, []int64{333, 667, 1000}}, {0.5, []int64{2000}}, {1000, []int64{1, 2}}} {
		samples := take(Samples(1, c.rateHz, len(c.want)+1))
		for i, want := range c.want {
			if got := samples[i+1].TsMs - samples[0].TsMs; got != want {
				t.Errorf("%v Hz: sample %d after %d ms, want %d", c.rateHz, i+1, got, want)
			}
		}
	}
	for i, s := range take(Samples(1, 20, 2000)) {
		for k, v := range s.Values {
			if text := strconv.FormatFloat(v, 'f', -1, 64); len(text) > 12 {
				t.Fatalf("sample %d, value %d: %s has more digits than a sensor gives", i, k, text)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, rateHz := range []float64{0, -1, 1e-12, 1001, math.NaN(), math.Inf(1)} {
		if _, err := New(1, rateHz); err == nil {
			t.Errorf("%v Hz: got no error", rateHz)
		}
		for _, err := range Samples(1, rateHz, 3) {
			if err == nil {
				t.Errorf("%v Hz: Samples gave no error", rateHz)
			}
		}
	}
}

func Example() {
	sim, err := New(1, 10)
	if err != nil {
		panic(err)
	}
	s := sim.Next()
	g := math.Hypot(math.Hypot(s.Values[3], s.Values[4]), s.Values[5])
	fmt.Printf("at rest |a| is %.1f m/s²\n", g)
	// Output: at rest |a| is 9.8 m/s²
}
