package train

import (
	"context"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/loralink/loralink-go/bam"
)

// network is an unrolled model: a chain of steps from window to decoded window.
// Each step multiplies by one of the model's matrices and applies the
// transmission function. With cycles, steps share matrices.
type network struct {
	layers   []bam.Layer
	matrices []bam.Matrix // W and V of each layer in turn
	chain    []int        // index of each step's matrix
	latent   int          // index of the step whose result is the latent
	delta    float32
	round    float32   // quantisation step of the packing; 0 means no rounding
	limit    float32   // largest absolute latent of the packing
	weights  []float32 // of the squared error of each value

	gradient   []bam.Matrix // of each matrix
	adamMean   [][]float32  // Adam's first and second moments
	adamSquare [][]float32
	steps      int

	values   []bam.Matrix // the input of each step, and the output of the last
	products []bam.Matrix // each step's product, before the transmission function
}

// newNetwork returns the network of the layers. It shares their memory.
func newNetwork(p *Problem, layers []bam.Layer) *network {
	s := &p.Settings
	n := &network{layers: layers, delta: float32(s.Delta)}
	for i, l := range layers {
		n.matrices = append(n.matrices, l.W, l.V)
		n.chain = append(n.chain, 2*i)
		for range s.EncodeCycles {
			n.chain = append(n.chain, 2*i+1, 2*i)
		}
	}
	n.latent = len(n.chain) - 1
	for i := len(layers) - 1; i >= 0; i-- {
		n.chain = append(n.chain, 2*i+1)
		for range s.DecodeCycles {
			n.chain = append(n.chain, 2*i, 2*i+1)
		}
	}
	if s.Packing.Integer() && !s.AutoScale {
		n.round = float32(1 / s.Scale)
		n.limit = float32(float64(s.Packing.MaxInt()) / s.Scale)
	}
	for i, w := range p.Weights {
		if p.Widening != nil {
			w *= p.Widening[i]
		}
		n.weights = append(n.weights, float32(w*w))
	}
	for _, m := range n.matrices {
		n.gradient = append(n.gradient, bam.NewMatrix(m.Rows, m.Cols))
		n.adamMean = append(n.adamMean, make([]float32, len(m.Data)))
		n.adamSquare = append(n.adamSquare, make([]float32, len(m.Data)))
	}
	return n
}

// loss returns the mean weighted squared error of the decoded rows, with latents
// rounded as the packing rounds them.
func (n *network) loss(ctx context.Context, rows [][]float32) (float64, error) {
	const batchRows = 512
	sum := 0.0
	for i := 0; i < len(rows); i += batchRows {
		batch := rows[i:min(i+batchRows, len(rows))]
		if err := n.forward(ctx, batch, nil); err != nil {
			return 0, err
		}
		decoded := n.values[len(n.values)-1]
		for i, r := range batch {
			for j, v := range decoded.Row(i) {
				d := v - r[j]
				sum += float64(d * d * n.weights[j])
			}
		}
	}
	return sum / float64(len(rows)*len(rows[0])), nil
}

// step moves the weights against the gradient of the loss of one minibatch.
func (n *network) step(ctx context.Context, rows [][]float32, rate float64, rng *rand.Rand) error {
	if err := n.forward(ctx, rows, rng); err != nil {
		return err
	}
	if err := n.backward(ctx, rows); err != nil {
		return err
	}
	return n.adam(ctx, rate)
}

// forward computes the values of every step for a batch of rows. If rng is not nil, it
// does not round the latent, but adds noise of the size of the rounding error, because
// rounding has no gradient.
func (n *network) forward(ctx context.Context, rows [][]float32, rng *rand.Rand) error {
	x := bam.NewMatrix(len(rows), len(rows[0]))
	for i, r := range rows {
		copy(x.Row(i), r)
	}
	n.values, n.products = append(n.values[:0], x), n.products[:0]
	for t, index := range n.chain {
		m := n.matrices[index]
		product := bam.NewMatrix(len(rows), m.Rows)
		if err := multiply(ctx, blas.NoTrans, x, blas.Trans, m, 0, product); err != nil {
			return err
		}
		x = cloneMatrix(product)
		bam.Transmit(x.Data, n.delta)
		if t == n.latent && n.round > 0 {
			n.quantise(x.Data, rng)
		}
		n.products = append(n.products, product)
		n.values = append(n.values, x)
	}
	return nil
}

// quantise clips latents and rounds them. If rng is not nil, it adds noise instead of
// rounding.
func (n *network) quantise(latents []float32, rng *rand.Rand) {
	for i, v := range latents {
		v = min(n.limit, max(-n.limit, v))
		if rng != nil {
			v += float32(n.round * (rng.Float32() - 0.5))
		} else {
			v = n.round * float32(math.RoundToEven(float64(v/n.round)))
		}
		latents[i] = v
	}
}

// backward computes the gradient of the loss. The rows are those given to forward.
func (n *network) backward(ctx context.Context, rows [][]float32) error {
	for _, g := range n.gradient {
		clear(g.Data)
	}
	d := n.outputGradient(rows)
	for t := len(n.chain) - 1; t >= 0; t-- {
		n.throughTransmission(t, d)
		index := n.chain[t]
		if err := multiply(ctx, blas.Trans, d, blas.NoTrans, n.values[t], 1, n.gradient[index]); err != nil {
			return err
		}
		if t == 0 {
			break
		}
		below := bam.NewMatrix(d.Rows, n.matrices[index].Cols)
		if err := multiply(ctx, blas.NoTrans, d, blas.NoTrans, n.matrices[index], 0, below); err != nil {
			return err
		}
		d = below
	}
	return nil
}

// outputGradient returns the gradient of the loss with respect to the decoded
// rows.
func (n *network) outputGradient(rows [][]float32) bam.Matrix {
	decoded := n.values[len(n.values)-1]
	d := bam.NewMatrix(decoded.Rows, decoded.Cols)
	scale := 2 / float32(len(d.Data))
	for i, r := range rows {
		for j, v := range decoded.Row(i) {
			d.Row(i)[j] = scale * n.weights[j] * (v - r[j])
		}
	}
	return d
}

// throughTransmission converts the gradient with respect to the result of step t to the
// gradient with respect to its product, in place.
func (n *network) throughTransmission(t int, d bam.Matrix) {
	for i, v := range n.products[t].Data {
		if t == n.latent && n.round > 0 && (n.values[t+1].Data[i] > n.limit || n.values[t+1].Data[i] < -n.limit) {
			d.Data[i] = 0
		}
		if n.delta == 0 {
			continue
		}
		f := float32((n.delta+1)*v) - float32(n.delta*v*v*v)
		if f >= 1 || f <= -1 {
			d.Data[i] = 0
		} else {
			d.Data[i] *= n.delta + 1 - float32(3*n.delta*v*v)
		}
	}
}

// adam updates the weights by their gradient.
func (n *network) adam(ctx context.Context, rate float64) error {
	n.steps++
	const b1, b2 = 0.9, 0.999
	fix1, fix2 := 1-math.Pow(b1, float64(n.steps)), 1-math.Pow(b2, float64(n.steps))
	for i, m := range n.matrices {
		if err := ctx.Err(); err != nil {
			return err
		}
		mean, square := n.adamMean[i], n.adamSquare[i]
		for j, g := range n.gradient[i].Data {
			mean[j] += float32((1 - b1) * (g - mean[j]))
			square[j] += float32((1 - b2) * (float32(g*g) - square[j]))
			m.Data[j] -= float32(rate * float64(mean[j]) / fix1 / (math.Sqrt(float64(square[j])/fix2) + 1e-12))
		}
	}
	return nil
}

// multiply sets c to a·b + beta·c. If transA or transB is blas.Trans, it uses the
// transpose of a or b. It checks the context first and, in large products, about every
// 100 ms. To do so it divides a product into parts, which does not change the result.
func multiply(ctx context.Context, transA blas.Transpose, a bam.Matrix, transB blas.Transpose, b bam.Matrix, beta float32, c bam.Matrix) error {
	// Gemm computes the elements of c in a different order of additions if c has
	// fewer than 4 blocks of 64×64. Parts must be on the same side of that limit
	// as the whole.
	const block, minBlocks = 64, 4
	const partProducts = 1 << 26
	blocks := func(n int) int { return (n + block - 1) / block }
	inner := a.Cols
	if transA == blas.Trans {
		inner = a.Rows
	}
	minRows := c.Rows
	if blocks(c.Rows)*blocks(c.Cols) >= minBlocks {
		minRows = block*((minBlocks-1)/blocks(c.Cols)) + 1
	}
	partRows := max(minRows, partProducts/(c.Cols*inner))
	for i := 0; i < c.Rows; {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows := min(partRows, c.Rows-i)
		if rest := c.Rows - i - rows; rest < minRows {
			rows += rest
		}
		part := general(a)
		if transA == blas.Trans {
			part.Cols, part.Data = rows, part.Data[i:]
		} else {
			part.Rows, part.Data = rows, part.Data[i*a.Cols:]
		}
		dst := general(c)
		dst.Rows, dst.Data = rows, dst.Data[i*c.Cols:]
		blas32.Gemm(transA, transB, 1, part, general(b), beta, dst)
		i += rows
	}
	return nil
}

func general(m bam.Matrix) blas32.General {
	return blas32.General{Rows: m.Rows, Cols: m.Cols, Stride: m.Cols, Data: m.Data}
}
