package fit

import (
	"context"
	"fmt"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/internal/predict"
)

// PriorSettings are the settings of [Prior]. The zero value is the default.
type PriorSettings struct {
	Bounds
	Small bool // for the profile codec.ProfileSmall
}

// PriorResult is a fitted prior.
type PriorResult struct {
	// Spec is what codec.NewPredictive takes.
	Spec *codec.PriorSpec
}

// Prior fits a prior for the codec predictive, which makes its first windows
// shorter. The windows of each recording must be in order of time and must not overlap.
// Settings may be nil.
func Prior(ctx context.Context, settings *PriorSettings, recordings ...Windows) (*PriorResult, error) {
	var s PriorSettings
	if settings != nil {
		s = *settings
	}
	bounds, err := s.filled()
	if err != nil {
		return nil, err
	}
	params := predict.Params{Tolerances: bounds.Tolerances, Angles: bounds.Schema.Angles(), Small: s.Small}
	model, err := predict.New(params, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	learner := model.NewLearner()
	for i, windows := range recordings {
		n := 0
		for window, err := range windows {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, err
			}
			if err := learner.Window(window); err != nil {
				return nil, fmt.Errorf("fit: recording %d, window %d: %w", i, n, err)
			}
			n++
		}
		learner.Next()
	}
	data := learner.Prior()
	if data == nil {
		return nil, fmt.Errorf("%w: want at least one", ErrNoData)
	}
	profile := codec.ProfileFull
	if s.Small {
		profile = codec.ProfileSmall
	}
	return &PriorResult{&codec.PriorSpec{Profile: profile, Tolerances: params.Tolerances, Angles: params.Angles, Data: data}}, nil
}

// Save writes the prior.json at path, which appears whole.
func (r *PriorResult) Save(path string) error {
	text, err := r.Spec.Text()
	if err != nil {
		return err
	}
	return saveFile(path, text)
}
