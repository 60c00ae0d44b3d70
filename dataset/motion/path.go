package motion

import (
	"math"
	"math/rand/v2"
)

// vec is x, y, z, or east, north, up, or roll, pitch, yaw.
type vec [3]float64

// regime is a kind of motion of the sensor.
type regime int

const (
	still regime = iota
	walking
	driving
)

// path is the true motion, in small time steps. Speeds and angles follow their targets,
// which the regime sets, smoothly, so that accelerations are those of people and cars.
// Units are m, s and rad.
type path struct {
	rng *rand.Rand
	dt  float64

	regime      regime
	regimeLeft  float64 // s until the next regime
	speedWant   float64
	turnWant    float64
	commandLeft float64 // s until the next command

	speed, push   float64 // along the heading, and its derivative
	heading, turn float64 // of the velocity, and its derivative
	hill          float64 // slope of the ground
	slope         follower
	walkShare     float64     // weight of a walker's motion, 0 to 1
	driveShare    float64     // weight of a car's motion, 0 to 1
	gait          float64     // phase of the walker's steps
	mount         [3]follower // attitude of the sensor relative to its carrier
	lean          [2]follower // roll and pitch of a car's body
	shake         vec         // acceleration by the road's roughness
	shakeVel      vec         // velocity by it

	pos, vel, angle vec // position, velocity, attitude
	force           vec // specific force in body axes, m/s²
	rate            vec // angular rate in body axes, rad/s
}

// follower is a value that follows a target like a critically damped spring.
type follower struct {
	value, speed, target float64
	lag                  float64 // time constant, s
}

func (f *follower) step(dt float64) float64 {
	f.speed += dt * ((f.target-f.value)/f.lag - 2*f.speed) / f.lag
	f.value += float64(dt * f.speed)
	return f.value
}

func (p *path) start(rng *rand.Rand, dt float64) {
	p.rng, p.dt = rng, dt
	p.regimeLeft = p.uniform(15, 30)
	p.commandLeft = p.regimeLeft
	p.heading = p.uniform(-math.Pi, math.Pi)
	for i := range p.mount {
		p.mount[i].lag = 0.6
	}
	for i := range p.lean {
		p.lean[i].lag = 0.3
	}
	p.slope.lag = 1
	p.setMount()
	for i := range p.mount {
		p.mount[i].value = p.mount[i].target
	}
	p.angle, p.vel = p.orientation(), p.velocity()
	p.step()
	p.pos = vec{}
}

func (p *path) uniform(low, high float64) float64 { return low + float64((high-low)*p.rng.Float64()) }

func (p *path) either(size float64) float64 {
	if p.rng.IntN(2) == 0 {
		return -size
	}
	return size
}

// change switches to another regime.
func (p *path) change() {
	p.regime = (p.regime + 1 + regime(p.rng.IntN(2))) % 3
	switch p.regime {
	case still:
		p.regimeLeft = p.uniform(15, 45)
	case walking:
		p.regimeLeft = p.uniform(40, 120)
	case driving:
		p.regimeLeft = p.uniform(60, 180)
	}
	p.commandLeft = 0
	p.setMount()
}

// setMount sets a new target for the mount, as for a hand, a pocket or a dashboard.
func (p *path) setMount() {
	tilt := vec{0.4, 0.35, 0.3}
	if p.regime == driving {
		tilt = vec{0.05, 0.15, 0.05}
	}
	for i := range p.mount {
		p.mount[i].target = p.uniform(-tilt[i], tilt[i])
	}
}

// command sets the speed and the turn for the next seconds.
func (p *path) command() {
	switch p.regime {
	case still:
		p.speedWant, p.turnWant, p.commandLeft = 0, 0, p.regimeLeft
	case walking:
		p.speedWant, p.turnWant, p.commandLeft = p.uniform(1, 1.7), 0.06*p.rng.NormFloat64(), p.uniform(4, 12)
		if p.rng.IntN(4) == 0 { // a corner
			p.turnWant, p.commandLeft = p.either(p.uniform(0.4, 0.7)), p.uniform(2, 4)
		}
	case driving:
		switch p.rng.IntN(5) {
		case 0: // a red light
			p.speedWant, p.turnWant, p.commandLeft = 0, 0, p.uniform(8, 20)
		case 1, 2: // a corner
			p.speedWant, p.turnWant, p.commandLeft = p.uniform(5, 7), p.either(p.uniform(0.25, 0.4)), p.uniform(4, 6)
		default: // along the road
			p.speedWant, p.turnWant, p.commandLeft = p.uniform(9, 16), 0.01*p.rng.NormFloat64(), p.uniform(6, 25)
		}
	}
}

// step advances by dt and sets force and rate to their values in between.
func (p *path) step() {
	p.regimeLeft -= p.dt
	if p.regimeLeft <= 0 {
		p.change()
	}
	p.commandLeft -= p.dt
	if p.commandLeft <= 0 {
		p.command()
	}
	p.travel()
	angle, vel := p.orientation(), p.velocity()

	var change, middle, accel vec
	for i := range 3 {
		change[i] = (angle[i] - p.angle[i]) / p.dt
		middle[i] = (angle[i] + p.angle[i]) / 2
		accel[i] = (vel[i] - p.vel[i]) / p.dt
		p.pos[i] += float64((vel[i] + p.vel[i]) / 2 * p.dt)
	}
	accel[2] += gravity
	p.force = intoBody(middle, accel)
	p.rate = bodyRate(middle, change)
	p.angle, p.vel = angle, vel
}

// travel advances everything with inertia by dt.
func (p *path) travel() {
	dt := p.dt
	hardest := 1.5 // m/s²
	if p.regime == driving {
		hardest = 3
	}
	push := min(max((p.speedWant-p.speed)/1.5, -hardest), hardest)
	p.push += float64(dt / 0.3 * (push - p.push))
	p.speed += float64(dt * p.push)
	p.turn += float64(dt / 0.5 * (float64(p.turnWant*min(max(p.speed, 0), 1)) - p.turn))
	p.heading += float64(dt * p.turn)

	// The slope of the ground is random, with a drift back to the height of the start.
	const steepness, hillLength = 0.02, 800.0 // slope, m
	way := math.Abs(p.speed) * dt / hillLength
	p.hill += float64(way*(-p.pos[2]/2000-p.hill)) + float64(steepness*math.Sqrt(2*way)*p.rng.NormFloat64())
	p.slope.target = p.hill
	p.slope.step(dt)

	p.walkShare += float64(dt / 0.7 * (oneIf(p.regime == walking) - p.walkShare))
	p.driveShare += float64(dt / 0.7 * (oneIf(p.regime == driving) - p.driveShare))
	p.gait += float64(dt * 2 * math.Pi * (1.3 + float64(0.4*p.speed)/1.4))

	const shakeMemory = 0.05
	rough := 0.25 * p.driveShare * math.Sqrt(math.Abs(p.speed)/10)
	for i := range 3 {
		p.shake[i] += float64(-dt/shakeMemory*p.shake[i]) + float64(rough*math.Sqrt(2*dt/shakeMemory)*p.rng.NormFloat64())
		p.shakeVel[i] += float64(dt * (p.shake[i] - p.shakeVel[i]/0.3))
	}
	for i := range p.mount {
		p.mount[i].step(dt)
	}
	p.lean[0].target = 0.03 * p.driveShare * p.speed * p.turn // outwards in a corner
	p.lean[1].target = -0.02 * p.driveShare * p.push          // nose up when it accelerates
	for i := range p.lean {
		p.lean[i].step(dt)
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// stride returns the amplitude of a walker's steps, 0 to 1.
func (p *path) stride() float64 { return p.walkShare * min(max(p.speed/1.2, 0), 1) }

// orientation returns roll, pitch and yaw; yaw is not wrapped.
func (p *path) orientation() vec {
	step := p.stride()
	return vec{
		p.mount[0].value + p.lean[0].value + float64(0.05*step*math.Sin(p.gait/2+0.5)),
		p.mount[1].value + p.lean[1].value - math.Atan(p.slope.value) + float64(0.035*step*math.Sin(p.gait+0.3)),
		p.mount[2].value + p.heading + float64(0.045*step*math.Sin(p.gait/2+1)),
	}
}

// velocity returns the components east, north and up.
func (p *path) velocity() vec {
	step := p.stride()
	along := p.speed + float64(0.12*step*math.Sin(p.gait+1))
	left := 0.08 * step * math.Sin(p.gait/2)
	up := float64(p.speed*p.slope.value) + float64(0.22*step*math.Sin(p.gait))
	sin, cos := math.Sincos(p.heading)
	return vec{
		float64(along*cos) - float64(left*sin) + p.shakeVel[0],
		float64(along*sin) + float64(left*cos) + p.shakeVel[1],
		up + p.shakeVel[2],
	}
}

// intoBody converts a vector from world axes to body axes.
func intoBody(angle, v vec) vec {
	sr, cr := math.Sincos(angle[0])
	sp, cp := math.Sincos(angle[1])
	sy, cy := math.Sincos(angle[2])
	x, y, z := float64(cy*v[0])+float64(sy*v[1]), float64(cy*v[1])-float64(sy*v[0]), v[2] // undo yaw
	x, z = float64(cp*x)-float64(sp*z), float64(sp*x)+float64(cp*z)                       // undo pitch
	return vec{x, float64(cr*y) + float64(sr*z), float64(cr*z) - float64(sr*y)}           // undo roll
}

// bodyRate returns the angular rate in body axes, given the derivatives of roll, pitch
// and yaw.
func bodyRate(angle, change vec) vec {
	sr, cr := math.Sincos(angle[0])
	sp, cp := math.Sincos(angle[1])
	return vec{
		change[0] - float64(change[2]*sp),
		float64(change[1]*cr) + float64(change[2]*cp*sr),
		float64(change[2]*cp*cr) - float64(change[1]*sr),
	}
}
