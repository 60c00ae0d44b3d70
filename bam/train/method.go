package train

import (
	"context"
	"fmt"

	"github.com/loralink/loralink-go/bam"
)

// A Method fits the layers of a model to normalised windows. [PCA], [Gradient],
// [FEBAM] and [Auto] are Methods.
//
// A Method must be deterministic: its random choices depend only on the seeds in the
// problem's Settings. Package sweep recognises models that it has already trained by
// the JSON encoding of the Method, so parameters should be exported fields.
type Method interface {
	// Name returns the method's name in reports.
	Name() string
	// Fit returns layers that solve the problem. It does not modify the problem.
	// When ctx ends it returns the context's error, within 200 ms if possible.
	Fit(ctx context.Context, p *Problem) (*Fitted, error)
}

// Fitted is the result of a Method.
type Fitted struct {
	// Layers are the layers of the model, with the sizes of the problem's Dims.
	Layers []bam.Layer
	// Problem is the problem that the layers solve: the one given to Fit, or a result
	// of its methods Widened and With. Nil means the one given.
	Problem *Problem
	// Status is the reason why training ended; "" means Solved.
	Status Status
	// LayerReports describe the training of each layer; nil means none.
	LayerReports []LayerReport
	// Hyper has the parameters of the method, with defaults filled in, for the report's
	// hyper_parameters. Nil means the Method itself.
	Hyper any
	// Choices list the alternatives that the method compared; nil means none.
	Choices []MethodChoice
}

// Status is the reason why training ended.
type Status string

// Values of Status.
const (
	Solved        Status = "solved"         // solved in closed form
	EpochLimit    Status = "epoch limit"    // all epochs ran
	EarlyStop     Status = "early stop"     // the error stopped decreasing
	TargetReached Status = "target reached" // both errors reached their targets
)

// complete checks what a method returned for p and fills in defaults.
func (f *Fitted) complete(p *Problem, m Method) error {
	if f == nil {
		return fmt.Errorf("%w: %s returned nil", ErrMethod, m.Name())
	}
	if f.Problem == nil {
		f.Problem = p
	}
	if f.Status == "" {
		f.Status = Solved
	}
	if f.LayerReports == nil {
		f.LayerReports = []LayerReport{}
	}
	if f.Hyper == nil {
		f.Hyper = m
	}
	if err := checkSizes(f.Layers, f.Problem.Dims); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrMethod, m.Name(), err)
	}
	return nil
}

// checkSizes returns an error unless the layers have the sizes dims. Its text has no
// prefix.
func checkSizes(layers []bam.Layer, dims []int) error {
	if len(layers) != len(dims)-1 {
		return fmt.Errorf("found %d layers, want %d", len(layers), len(dims)-1)
	}
	for i, l := range layers {
		if l.In() != dims[i] || l.Out() != dims[i+1] || l.V.Rows != dims[i] || l.V.Cols != dims[i+1] {
			return fmt.Errorf("layer %d has a %d×%d matrix W and a %d×%d matrix V, want %d×%d and %d×%d", i,
				l.W.Rows, l.W.Cols, l.V.Rows, l.V.Cols, dims[i+1], dims[i], dims[i], dims[i+1])
		}
	}
	return nil
}
