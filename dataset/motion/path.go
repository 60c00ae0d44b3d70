package motion

import (
	"math"
	"math/rand/v2"
)

// vec is x, y, z, or east, north, up, or roll, pitch, yaw.
type vec [3]float64

// regime is how the box moves.
type regime int

const (
	still regime = iota
	walking
	driving
)

// path is the true motion, in small steps of time. Everything that moves is a
// smooth follower of what the regime asks for, so that accelerations stay those
// of people and cars. Units are m, s and rad.
type path struct {
	rng *rand.Rand
	dt  float64

	regime      regime
	regimeLeft  float64 // s until the next one
	speedWant   float64
	turnWant    float64
	commandLeft float64 // s until it wants something else

	speed, push   float64 // along the heading, and its derivative
	heading, turn float64 // likewise
	hill          float64 // slope of the ground
	slope         follower
	carried       float64 // share of a walker's motion, 0 to 1
	riding        float64 // share of a car's
	gait          float64 // phase of the steps
	mount         [3]follower
	lean          [2]follower // of a car's body: roll, pitch
	shake         vec         // acceleration by the road
	shakeVel      vec

	pos, vel, angle vec // the state a sample sees
	force           vec // specific force in the body, m/s²
	rate            vec // turning in the body, rad/s
}

// follower goes after a target as a critically damped spring does.
type follower struct {
	at, speed, target float64
	lag               float64
}

func (f *follower) step(dt float64) float64 {
	f.speed += dt * ((f.target-f.at)/f.lag - 2*f.speed) / f.lag
	f.at += dt * f.speed
	return f.at
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
	p.place()
	for i := range p.mount {
		p.mount[i].at = p.mount[i].target
	}
	p.angle, p.vel = p.orientation(), p.velocity()
	p.step()
	p.pos = vec{}
}

func (p *path) uniform(low, high float64) float64 { return low + (high-low)*p.rng.Float64() }

func (p *path) either(size float64) float64 {
	if p.rng.IntN(2) == 0 {
		return -size
	}
	return size
}

// change goes over to another regime.
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
	p.place()
}

// place puts the box where it is kept in this regime: a hand, a pocket, a dashboard.
func (p *path) place() {
	tilt := vec{0.4, 0.35, 0.3}
	if p.regime == driving {
		tilt = vec{0.05, 0.15, 0.05}
	}
	for i := range p.mount {
		p.mount[i].target = p.uniform(-tilt[i], tilt[i])
	}
}

// command decides where to go next.
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

// step moves on by dt, and leaves what sensors feel in between.
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
		p.pos[i] += (vel[i] + p.vel[i]) / 2 * p.dt
	}
	accel[2] += gravity
	p.force = intoBody(middle, accel)
	p.rate = bodyRate(middle, change)
	p.angle, p.vel = angle, vel
}

// travel moves everything that has an inertia of its own.
func (p *path) travel() {
	dt := p.dt
	hardest := 1.5 // m/s²
	if p.regime == driving {
		hardest = 3
	}
	push := min(max((p.speedWant-p.speed)/1.5, -hardest), hardest)
	p.push += dt / 0.3 * (push - p.push)
	p.speed += dt * p.push
	p.turn += dt / 0.5 * (p.turnWant*min(max(p.speed, 0), 1) - p.turn)
	p.heading += dt * p.turn

	const steepness, hillLength = 0.02, 800.0 // m; and back to the height it came from
	way := math.Abs(p.speed) * dt / hillLength
	p.hill += way*(-p.pos[2]/2000-p.hill) + steepness*math.Sqrt(2*way)*p.rng.NormFloat64()
	p.slope.target = p.hill
	p.slope.step(dt)

	p.carried += dt / 0.7 * (share(p.regime == walking) - p.carried)
	p.riding += dt / 0.7 * (share(p.regime == driving) - p.riding)
	p.gait += dt * 2 * math.Pi * (1.3 + 0.4*p.speed/1.4)

	const shakeMemory = 0.05
	rough := 0.25 * p.riding * math.Sqrt(math.Abs(p.speed)/10)
	for i := range 3 {
		p.shake[i] += -dt/shakeMemory*p.shake[i] + rough*math.Sqrt(2*dt/shakeMemory)*p.rng.NormFloat64()
		p.shakeVel[i] += dt * (p.shake[i] - p.shakeVel[i]/0.3)
	}
	for i := range p.mount {
		p.mount[i].step(dt)
	}
	p.lean[0].target = 0.03 * p.riding * p.speed * p.turn // outwards
	p.lean[1].target = -0.02 * p.riding * p.push          // nose up when it gathers speed
	for i := range p.lean {
		p.lean[i].step(dt)
	}
}

func share(all bool) float64 {
	if all {
		return 1
	}
	return 0
}

// stride is how strongly steps are felt.
func (p *path) stride() float64 { return p.carried * min(max(p.speed/1.2, 0), 1) }

// orientation is roll, pitch and yaw, the last without wrapping.
func (p *path) orientation() vec {
	step := p.stride()
	return vec{
		p.mount[0].at + p.lean[0].at + 0.05*step*math.Sin(p.gait/2+0.5),
		p.mount[1].at + p.lean[1].at - math.Atan(p.slope.at) + 0.035*step*math.Sin(p.gait+0.3),
		p.mount[2].at + p.heading + 0.045*step*math.Sin(p.gait/2+1),
	}
}

// velocity is east, north and up.
func (p *path) velocity() vec {
	step := p.stride()
	along := p.speed + 0.12*step*math.Sin(p.gait+1)
	left := 0.08 * step * math.Sin(p.gait/2)
	up := p.speed*p.slope.at + 0.22*step*math.Sin(p.gait)
	sin, cos := math.Sincos(p.heading)
	return vec{
		along*cos - left*sin + p.shakeVel[0],
		along*sin + left*cos + p.shakeVel[1],
		up + p.shakeVel[2],
	}
}

// intoBody turns a vector of the world into the body.
func intoBody(angle, v vec) vec {
	sr, cr := math.Sincos(angle[0])
	sp, cp := math.Sincos(angle[1])
	sy, cy := math.Sincos(angle[2])
	x, y, z := cy*v[0]+sy*v[1], cy*v[1]-sy*v[0], v[2] // yaw taken back
	x, z = cp*x-sp*z, sp*x+cp*z                       // pitch
	return vec{x, cr*y + sr*z, cr*z - sr*y}           // roll
}

// bodyRate is the turning about the body's axes that changes roll, pitch and yaw so.
func bodyRate(angle, change vec) vec {
	sr, cr := math.Sincos(angle[0])
	sp, cp := math.Sincos(angle[1])
	return vec{
		change[0] - change[2]*sp,
		change[1]*cr + change[2]*cp*sr,
		change[2]*cp*cr - change[1]*sr,
	}
}
