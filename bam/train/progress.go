package train

import "fmt"

// A Recorder receives the progress of a training.
type Recorder interface {
	// Record is called at the start of every stage, before every step of a stage
	// that has several, and after every epoch. Calls do not overlap. An error
	// ends the training; Train returns it.
	Record(Progress) error
}

// Stages of a training. A Method can report others.
const (
	StageRead       = "reading windows"      // reading and normalising the training windows
	StagePCA        = "principal components" // computing principal components
	StageValidation = "validation"           // fitting a candidate without some windows, and measuring it on them
	StageFit        = "training"             // fitting the weights
	StageScale      = "scale"                // measuring the scale of an integer packing
	StageTables     = "bitpack tables"       // fitting the tables of packing bitpack
)

// Progress is the state of a training.
type Progress struct {
	Method string // name of the method
	Stage  string // one of the Stage constants, or another one that the method reports
	// Step counts the steps of the stage from 1 to Steps. Both are 0 in a stage of
	// one step. A stage can end before its last step.
	Step, Steps int
	// Layer is the index of the layer that is being trained, from 0; Layers is the
	// number of layers. Both are 0 outside of epochs, as are the fields below.
	Layer, Layers int
	// Epoch is the number of epochs done, Epochs the largest number.
	Epoch, Epochs int
	// MSEX and MSEY are the errors of the last epoch; see LayerReport.
	MSEX, MSEY float64
}

// String returns text such as "gradient: validation 3 of 12, epoch 7 of 60".
func (p Progress) String() string {
	text := p.Stage
	if p.Method != "" {
		text = p.Method + ": " + text
	}
	if p.Steps > 0 {
		text += fmt.Sprintf(" %d of %d", p.Step, p.Steps)
	}
	if p.Layers > 1 {
		text += fmt.Sprintf(", layer %d of %d", p.Layer+1, p.Layers)
	}
	if p.Epochs > 0 {
		text += fmt.Sprintf(", epoch %d of %d, mse_x %.3g", p.Epoch, p.Epochs, p.MSEX)
	}
	return text
}

// Record passes progress to Settings.Recorder, if it is not nil, and returns its error,
// which Fit must return. If the field Method is "", Record sets it to the name of the
// current method.
func (p *Problem) Record(progress Progress) error {
	if p.Settings.Recorder == nil {
		return nil
	}
	if progress.Method == "" {
		progress.Method = p.method
	}
	return p.Settings.Recorder.Record(progress)
}

// record reports the start of a stage.
func (p *Problem) record(stage string) error { return p.Record(Progress{Stage: stage}) }
