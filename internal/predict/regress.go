package predict

// covariance is an exponentially weighted second moment of a vector whose
// last parts are to be predicted from those before. One LDL factorisation of
// it holds all the sequential regressions: row j of L predicts part j from the
// residuals of the parts before it.
//
// These are the package's only floating-point sums. Every product is rounded
// by a conversion before it is added, so that no processor fuses the two.
type covariance struct {
	weight float64   // of all samples so far, the old ones faded
	moment []float64 // lower triangle, row by row
}

func newCovariance(n int) covariance { return covariance{moment: make([]float64, n*(n+1)/2)} }

const (
	ridge   = 0.002 // added to the diagonal, in squared quantisation steps
	reach   = 30    // parts are clipped to this many quantisation steps
	freedom = 64    // degrees of freedom in the weight of a sample that is far out

	// What a covariance starts from: so many steps of independent parts with this
	// variance.
	startSteps    = 16
	startVariance = 0.02
)

// reset takes from c what it has learned.
func (c *covariance) reset() {
	c.weight = startSteps
	clear(c.moment)
	for i, row := 0, 2; i < len(c.moment); i, row = i+row, row+1 {
		c.moment[i] = startVariance
	}
}

// regression is the work space of a factorisation.
type regression struct {
	n        int
	row      []float64 // L, n rows of n
	pivot    []float64
	column   []float64
	part     []float64
	residual []float64
}

func newRegression(n int) *regression {
	return &regression{
		n: n, row: make([]float64, n*n), pivot: make([]float64, n),
		column: make([]float64, n), part: make([]float64, n), residual: make([]float64, n),
	}
}

// factor makes ready to predict from the moments.
func (r *regression) factor(c *covariance) {
	n := r.n
	from := c.moment
	for i := range n {
		copy(r.row[i*n:], from[:i+1])
		r.row[i*n+i] += ridge
		from = from[i+1:]
	}
	for k := range n {
		pivot := r.row[k*n+k]
		if !(pivot > ridge/1024) {
			pivot = ridge / 1024
		}
		r.pivot[k] = pivot
		column := r.column[:n]
		for i := k + 1; i < n; i++ {
			column[i] = r.row[i*n+k]
		}
		for i := k + 1; i < n; i++ {
			l := column[i] / pivot
			r.row[i*n+k] = l
			row := r.row[i*n+k+1 : i*n+i+1]
			column := column[k+1:][:len(row)]
			for j, v := range column {
				row[j] -= float64(l * v)
			}
		}
	}
}

// predict returns part j by the parts before it. It is finite whatever
// the moments are.
func (r *regression) predict(j int) float64 {
	sum := 0.0
	for k, l := range r.row[j*r.n : j*r.n+j] {
		sum += float64(l * r.residual[k])
	}
	return max(min(sum, 100*reach), -100*reach)
}

// set gives part j, in quantisation steps, where predicted is what predict
// returned or would return.
func (r *regression) set(j int, v, predicted float64) {
	v = max(min(v, reach), -reach)
	r.part[j] = v
	r.residual[j] = v - predicted
}

// update adds the parts to the moments. The weight of a sample that is far out
// is less, as for a multivariate t distribution.
func (r *regression) update(c *covariance, fade float64) {
	c.weight = float64(c.weight*fade) + 1
	gain := 1 / c.weight
	far := 0.0
	for i, e := range r.residual {
		far += float64(e*e) / r.pivot[i]
	}
	gain = float64(gain * ((freedom + float64(r.n)) / (freedom + far)))
	gain = min(gain, 0.5)
	moment := c.moment
	for i, v := range r.part {
		row := moment[:i+1]
		part := r.part[:len(row)]
		for j, m := range row {
			row[j] = m + float64(gain*(float64(v*part[j])-m))
		}
		moment = moment[i+1:]
	}
}
