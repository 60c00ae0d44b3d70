// Package entropygrid codes windows of quantised values with a range coder over
// learned frequencies. It is the model behind codec.EntropyGrid, which codec/fit
// fits and which gives every value the error bound of a uniform quantiser.
//
// A value is sent as its distance, in quantisation steps, from a predicted one:
// from the centre of a mixture component in a window's first step, from the step
// before in the others. The encoder takes the component in which the window is
// cheapest. The last component is fitted to all windows: the global fallback
// component.
package entropygrid

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/modelfile"
)

// MaxFile bounds the file, in bytes.
const MaxFile = 1 << 20

// Dim is how one value of a step is quantised: a line in steps Step wide, or an
// angle in Steps equal steps from Low on, once around.
type Dim struct {
	Step  float64 `json:"step,omitempty"`
	Low   float64 `json:"low,omitempty"`
	Steps int64   `json:"cells,omitempty"`
}

// File is entropy_grid.json. The frequencies of each table sum to 65,536, and so
// do those of the components.
type File struct {
	W          int         `json:"window_W"`
	Dims       []Dim       `json:"dims"`
	Components []Component `json:"modes"`
}

// Component is a mixture component.
type Component struct {
	Frequency int       `json:"frequency"`
	Center    []float64 `json:"center"`         // of a line a value, of an angle the number of a step
	First     [][]int   `json:"first"`          // dims tables, of a window's first step
	Next      [][]int   `json:"next,omitempty"` // of the steps behind it; absent where there are none
}

// Text is the file as it is written: a table a line.
func (f *File) Text() ([]byte, error) {
	var b bytes.Buffer
	var err error
	value := func(v any) {
		text, e := json.Marshal(v)
		if e != nil {
			err = e
		}
		b.Write(text)
	}
	list := func(name string, rows [][]int) {
		fmt.Fprintf(&b, ",\n      %q: [", name)
		for i, r := range rows {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString("\n        ")
			value(r)
		}
		b.WriteString("\n      ]")
	}
	fmt.Fprintf(&b, "{\n  \"window_W\": %d,\n  \"dims\": [", f.W)
	for i, d := range f.Dims {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		value(d)
	}
	b.WriteString("\n  ],\n  \"modes\": [")
	for i, c := range f.Components {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n    {\n      \"frequency\": %d,\n      \"center\": ", c.Frequency)
		value(c.Center)
		list("first", c.First)
		if c.Next != nil {
			list("next", c.Next)
		}
		b.WriteString("\n    }")
	}
	b.WriteString("\n  ]\n}\n")
	return b.Bytes(), err
}

// Parse reads a file and makes it ready for use.
func Parse(data []byte) (*Model, modelfile.Faults) {
	var f File
	if len(data) > MaxFile {
		return nil, modelfile.Faults{{Err: fmt.Errorf("%w: %d bytes, want at most %d", modelfile.ErrTooLarge, len(data), MaxFile)}}
	}
	if faults := modelfile.DecodeStrict(data, &f); len(faults) > 0 {
		return nil, faults
	}
	return New(&f, data)
}

// New makes a file ready for use, whose text is data.
func New(f *File, data []byte) (*Model, modelfile.Faults) {
	var faults modelfile.Faults
	f.checkDims(&faults)
	if len(faults) > 0 {
		return nil, faults
	}
	m := &Model{Dims: f.Dims, W: f.W, Text: data, Hash: modelfile.Hash(data)}
	sum, weights := 0, make([]int, len(f.Components))
	for i := range f.Components {
		weights[i] = f.Components[i].Frequency
		sum += min(max(weights[i], 0), 1<<FrequencyBits+1)
		if weights[i] < 1 {
			faults.Add(fmt.Sprintf("modes[%d].frequency", i), modelfile.ErrMalformed, "%d, want at least 1", weights[i])
		}
	}
	if sum != 1<<FrequencyBits {
		faults.Add("modes", modelfile.ErrMalformed, "frequencies that sum to %d, want %d", sum, 1<<FrequencyBits)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	m.choice = newFrequencies(weights)
	for i := range f.Components {
		c, ok := f.component(i, &faults)
		if !ok {
			return nil, faults
		}
		m.components = append(m.components, c)
	}
	m.pool.New = func() any {
		n := len(m.Dims) * m.W
		return &Scratch{
			angles: make([]int64, n), distances: make([]int64, n), try: make([]int64, n),
			coder: rangeEncoder{out: make([]byte, 0, 8*n+16)},
		}
	}
	return m, nil
}

// Caps of a file.
const (
	maxComponents = 256
	maxSteps      = 1 << 30
)

// checkDims reports what is wrong with sizes and quantisers.
func (f *File) checkDims(faults *modelfile.Faults) {
	for _, s := range []struct {
		field            string
		sentinel         error
		found, low, high int
	}{
		{"window_W", modelfile.ErrTooLarge, f.W, 1, sensor.MaxWindowLen}, {"dims", modelfile.ErrTooLarge, len(f.Dims), 1, sensor.MaxWindowLen},
		{"modes", modelfile.ErrTooLarge, len(f.Components), 1, maxComponents},
	} {
		switch {
		case s.found < s.low:
			faults.Add(s.field, modelfile.ErrMalformed, "%d, want at least %d", s.found, s.low)
		case s.found > s.high:
			faults.Add(s.field, s.sentinel, "%d, want at most %d", s.found, s.high)
		}
	}
	if len(*faults) > 0 {
		return
	}
	if len(f.Dims)*f.W > sensor.MaxWindowLen {
		faults.Add("window_W", modelfile.ErrTooLarge, "%d steps of %d dims, want at most %d values a window", f.W, len(f.Dims), sensor.MaxWindowLen)
	}
	for i, d := range f.Dims {
		at := fmt.Sprintf("dims[%d]", i)
		switch {
		case d.Step < 0:
			faults.Add(at+".step", modelfile.ErrMalformed, "%g, want more than 0", d.Step)
		case d.Steps < 0:
			faults.Add(at+".cells", modelfile.ErrMalformed, "%d, want more than 0", d.Steps)
		case d.Step > 0 == (d.Steps > 0):
			faults.Add(at, modelfile.ErrMalformed, "step %g and cells %d, want one of them above 0", d.Step, d.Steps)
		case d.Steps > maxSteps:
			faults.Add(at+".cells", modelfile.ErrTooLarge, "%d, want at most %d", d.Steps, maxSteps)
		case d.Step > 1e200 || d.Step > 0 && d.Step < 1e-200:
			faults.Add(at+".step", modelfile.ErrMalformed, "%g, want 1e-200..1e200", d.Step)
		case !(d.Low >= -360 && d.Low <= 360):
			faults.Add(at+".low", modelfile.ErrMalformed, "%g, want -360..360", d.Low)
		}
	}
}

// component makes component i ready for use; ok is false where it is at fault.
func (f *File) component(i int, faults *modelfile.Faults) (c component, ok bool) {
	src := &f.Components[i]
	at := fmt.Sprintf("modes[%d]", i)
	if len(src.Center) != len(f.Dims) {
		faults.Add(at+".center", modelfile.ErrMalformed, "%d values, want %d", len(src.Center), len(f.Dims))
		return c, false
	}
	n := len(f.Dims)
	c = component{origin: src.Center, cell: make([]int64, n), low: make([]int64, n), high: make([]int64, n)}
	for j, v := range src.Center {
		d := &f.Dims[j]
		switch {
		case d.Steps == 0 && !(math.Abs(v) <= d.Reach()):
			faults.Add(fmt.Sprintf("%s.center[%d]", at, j), modelfile.ErrMalformed, "%g, want one within %g", v, d.Reach())
		case d.Steps > 0 && !(v >= 0 && v < float64(d.Steps) && v == math.Trunc(v)):
			faults.Add(fmt.Sprintf("%s.center[%d]", at, j), modelfile.ErrMalformed, "%g, want the number of one of %d steps", v, d.Steps)
		case d.Steps > 0:
			c.cell[j] = int64(v)
		default:
			c.low[j], c.high[j] = d.distance(-d.Reach(), v), d.distance(d.Reach(), v)
		}
	}
	want := 0
	if f.W > 1 {
		want = len(f.Dims)
	}
	c.first = tables(at+".first", src.First, len(f.Dims), faults)
	c.next = tables(at+".next", src.Next, want, faults)
	return c, len(*faults) == 0
}

// tables makes the tables of one field ready for use.
func tables(field string, rows [][]int, want int, faults *modelfile.Faults) []frequencies {
	if len(rows) != want {
		faults.Add(field, modelfile.ErrMalformed, "%d tables, want %d", len(rows), want)
		return nil
	}
	out := make([]frequencies, len(rows))
	for i, r := range rows {
		sum, least := 0, 1
		for _, n := range r {
			sum += min(n, 1<<FrequencyBits)
			least = min(least, n)
		}
		if len(r) != Symbols || least < 1 || sum != 1<<FrequencyBits {
			faults.Add(fmt.Sprintf("%s[%d]", field, i), modelfile.ErrMalformed, "%d frequencies of %d or more that sum to %d, want %d of at least 1 that sum to %d",
				len(r), least, sum, Symbols, 1<<FrequencyBits)
			return nil
		}
		out[i] = newFrequencies(r)
	}
	return out
}

// WholeFrequencies turns shares that sum to about 1 into frequencies.
func WholeFrequencies(shares []float64) []int {
	out := make([]int, len(shares))
	rest, largest := 1<<FrequencyBits, 0
	for i, v := range shares {
		out[i] = max(1, int(v*(1<<FrequencyBits)))
		rest -= out[i]
		if out[i] > out[largest] {
			largest = i
		}
	}
	out[largest] += rest
	return out
}
