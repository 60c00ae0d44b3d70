package export

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/fit"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/entropygrid"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testwindows"
)

// randomMatrix returns a matrix of normal values.
func randomMatrix(rng *rand.Rand, rows, cols int, spread float64) bam.Matrix {
	m := bam.NewMatrix(rows, cols)
	for i := range m.Data {
		m.Data[i] = float32(spread * rng.NormFloat64())
	}
	return m
}

// randomBAM returns an untrained model with layers of the given sizes.
func randomBAM(t testing.TB, w int, packing bam.Packing, delta float64, cycles int, sizes ...int) *codec.BAM {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, uint64(len(sizes))))
	scale := 20.5
	c := &artifacts.Contents{Manifest: artifacts.Manifest{Packing: packing, Scale: &scale, Delta: &delta, EncodeCycles: cycles, DecodeCycles: cycles,
		Dims: sizes[0] / w, W: w, Stride: 1}}
	for i := range len(sizes) - 1 {
		spread := 1 / math.Sqrt(float64(sizes[i]))
		c.Layers = append(c.Layers, bam.Layer{W: randomMatrix(rng, sizes[i+1], sizes[i], spread), V: randomMatrix(rng, sizes[i], sizes[i+1], spread)})
	}
	norm := &bam.Norm{}
	for i := range sizes[0] {
		norm.Mean = append(norm.Mean, 100*rng.NormFloat64())
		norm.Std = append(norm.Std, math.Exp(3*rng.NormFloat64()))
		if i == 3 {
			norm.Std[i] = 0
		}
	}
	if len(sizes) != 4 { // a model without a norm
		c.Norm = norm
	}
	latents := sizes[len(sizes)-1]
	if packing == bam.BitPack {
		c.Tables = randomTables(rng, latents)
	}
	b, err := codec.NewBAM(artifacts.NewModel(c))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// randomTables returns tables with axes of 0 to 9 bits, of which some are rotated.
func randomTables(rng *rand.Rand, latents int) *bam.Tables {
	t := &bam.Tables{ComponentBits: 3, CheckByte: true, PayloadBytes: 1 + (3+9*latents+7)/8}
	for i := range 6 {
		c := bam.Component{Rotation: randomMatrix(rng, min(i, latents), min(i, latents), 0.7)}
		for j := range latents {
			c.Center = append(c.Center, float32(rng.NormFloat64()))
			c.Bits = append(c.Bits, uint8((i+j)%10))
			knots := make([]float32, min(1<<c.Bits[j], bam.MaxKnots))
			for k := range knots {
				knots[k] = float32(2 * rng.NormFloat64())
			}
			slices.Sort(knots)
			c.Knots = append(c.Knots, knots)
		}
		t.Components = append(t.Components, c)
	}
	return t
}

// hugeBAM returns a model whose latents and decoded values overflow.
func hugeBAM(t testing.TB) *codec.BAM {
	t.Helper()
	scale := 1e-38
	l := bam.Layer{W: bam.NewMatrix(2, 3), V: bam.NewMatrix(3, 2)}
	for i := range l.W.Data {
		l.W.Data[i], l.V.Data[i] = 1e38, 1e30
	}
	b, err := codec.NewBAM(artifacts.NewModel(&artifacts.Contents{Layers: []bam.Layer{l},
		Norm:     &bam.Norm{Mean: make([]float64, 3), Std: []float64{1, 1e300, 1e-300}},
		Manifest: artifacts.Manifest{Packing: bam.Int16, Scale: &scale, Dims: 3, W: 1, Stride: 1}}))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// oddGrid returns a grid with every kind of quantiser.
func oddGrid(t testing.TB, w int) *codec.Grid {
	t.Helper()
	g, err := codec.NewGrid(w, []codec.GridDim{
		{Low: -90, Step: 1e-7, Bits: 32},
		{Low: -180, Step: 0.7, Bits: 10, Angle: true},
		{Low: 0, Step: 0.7, Bits: 10, Angle: true},
		{Low: 355, Step: 1, Bits: 5, Angle: true},
		{Low: -200, Step: 3, Bits: 5, Angle: true},
		{Low: -0.1, Step: 0.1, Bits: 3},
		{Low: 5, Step: 2, Bits: 0},
		{Low: 1e300, Step: 1e290, Bits: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// randomEntropyGrid returns an entropy-coded grid with random frequencies, for five
// values a step.
func randomEntropyGrid(t testing.TB, w, components, payloadBytes int) *codec.EntropyGrid {
	t.Helper()
	return entropyGridOf(t, w, components, payloadBytes, true)
}

// entropyGridOf returns one with angles, or with the values that are none.
func entropyGridOf(t testing.TB, w, components, payloadBytes int, angles bool) *codec.EntropyGrid {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(w), uint64(components)))
	f := &entropygrid.File{W: w, Dims: []entropygrid.Dim{{Step: 0.1}, {Low: -180, Steps: 61}, {Step: 1e-5}, {Low: 12.5, Steps: 4000}, {Step: 3}}}
	lines := func(i int) bool { return angles || f.Dims[i].Steps == 0 }
	shares := func(n int, steep float64) []int {
		p, sum := make([]float64, n), 0.0
		for i := range p {
			p[i] = math.Pow(rng.Float64(), steep)
			sum += p[i]
		}
		for i := range p {
			p[i] /= sum
		}
		return entropygrid.WholeFrequencies(p)
	}
	tables := func() (out [][]int) {
		for range f.Dims {
			out = append(out, shares(entropygrid.Symbols, 8))
		}
		return out
	}
	weights := shares(components, 2)
	for i := range components {
		c := entropygrid.Component{Frequency: weights[i], Center: []float64{rng.NormFloat64(), float64(rng.IntN(61)), 40 * rng.NormFloat64(), float64(rng.IntN(4000)), 1e8 * rng.NormFloat64()}, First: tables()}
		if w > 1 {
			c.Next = tables()
		}
		f.Components = append(f.Components, c)
	}
	if !angles {
		for i := range f.Components {
			c := &f.Components[i]
			c.Center, c.First, c.Next = keep(c.Center, lines), keep(c.First, lines), keep(c.Next, lines)
		}
		f.Dims = keep(f.Dims, lines)
	}
	text, err := f.Text()
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.ParseEntropyGrid(text, payloadBytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// keep returns the values whose index ok accepts.
func keep[T any](values []T, ok func(i int) bool) (out []T) {
	for i, v := range values {
		if ok(i) {
			out = append(out, v)
		}
	}
	return out
}

// gridLadder returns a ladder of grids, without angles.
func gridLadder(t testing.TB) *codec.Ladder {
	t.Helper()
	var rungs []codec.Codec
	for _, bits := range []int{8, 12, 17} {
		g, err := codec.NewGrid(2, []codec.GridDim{{Low: -3, Step: 0.1, Bits: bits}, {Low: -8, Step: 1e-3, Bits: bits + 2}})
		if err != nil {
			t.Fatal(err)
		}
		rungs = append(rungs, g)
	}
	l, err := codec.NewLadder(sensor.Shape{Dims: 2, W: 2}, nil, []float64{0.06, 5.01e-4}, rungs...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// mixedLadder returns a ladder of every kind of codec, whose five values have names of
// their own.
func mixedLadder(t testing.TB, w int) *codec.Ladder {
	t.Helper()
	coded := randomEntropyGrid(t, w, 3, 0)
	length := func(n int) codec.Codec {
		c, err := coded.WithPayloadBytes(n)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	grid, err := codec.NewGrid(w, []codec.GridDim{{Low: -3, Step: 0.1, Bits: 6}, {Low: -180, Step: 5, Bits: 7, Angle: true},
		{Low: -100, Step: 1e-5, Bits: 26}, {Low: 0, Step: 0.09, Bits: 12, Angle: true}, {Low: -1e9, Step: 3, Bits: 30}})
	if err != nil {
		t.Fatal(err)
	}
	b := randomBAM(t, w, bam.Int8, 0, 0, 5*w, 3)
	n := grid.PayloadLen()
	var rungs []codec.Codec
	for _, k := range []int{2, 4, 5, 7, n - 1} {
		rungs = append(rungs, length(k))
	}
	rungs = append(rungs, b, grid, length(n+3))
	slices.SortFunc(rungs, func(a, b codec.Codec) int { return a.MaxPayloadLen() - b.MaxPayloadLen() })
	l, err := codec.NewLadder(sensor.Shape{Dims: 5, W: w, Stride: 1},
		sensor.Schema{{Name: "temp"}, {Name: "yaw", Unit: "deg", Angle: true}, {Name: "x*/y", Unit: "\\ü"}, {Name: "yaw", Angle: true}, {Name: "dims", Unit: "m"}},
		[]float64{0.06, 3, 6e-6, 0.046, 1.6}, rungs...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// modelLadder returns a ladder of two models, which compares angles.
func modelLadder(t testing.TB) *codec.Ladder {
	t.Helper()
	l, err := codec.NewLadder(sensor.Shape{Dims: 12, W: 1, Stride: 1}, nil, slices.Repeat([]float64{150}, 12),
		randomBAM(t, 1, bam.BitPack, 0, 0, 12, 5), randomBAM(t, 1, bam.Int16, 0, 0, 12, 9))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// trained trains a model on windows and saves it, so that it has a hash.
func trained(t testing.TB, recording string, settings train.Settings) *codec.BAM {
	t.Helper()
	windows := dataset.Windows(dataset.OpenSamples(recording, dataset.SampleSettings{}), dataset.WindowerSettings{W: max(1, settings.Window.W)})
	settings.Split = dataset.HashSplit{TrainRatio: 0.8}
	r, err := train.Train(t.Context(), windows, &settings, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "model")
	if _, err := save.Model(dir, r.Contents(), nil); err != nil {
		t.Fatal(err)
	}
	c, err := codec.LoadBAM(filepath.Join(dir, artifacts.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fitted fits a ladder to a recording's windows.
func fitted(t testing.TB, windows fit.Windows, w int) *codec.Ladder {
	t.Helper()
	r, err := fit.Ladder(t.Context(), windows, &fit.LadderSettings{Window: sensor.Shape{W: w}, Bounds: fit.Bounds{Schema: sensor.Motion()}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Codec
}

// builtCodecs are codecs that need no recording, by name.
var builtCodecs = []struct {
	name  string
	build func(t testing.TB) codec.Codec
}{
	{"int8", func(t testing.TB) codec.Codec { return randomBAM(t, 1, bam.Int8, 0, 0, 12, 8) }},
	{"int16 two layers transmission", func(t testing.TB) codec.Codec { return randomBAM(t, 1, bam.Int16, 0.7, 0, 13, 7, 5) }},
	{"float16 no norm cycles", func(t testing.TB) codec.Codec { return randomBAM(t, 2, bam.Float16, 0.2, 2, 10, 6, 7, 4) }},
	{"float32 cycles", func(t testing.TB) codec.Codec { return randomBAM(t, 1, bam.Float32, 0.3, 3, 9, 5, 3) }},
	{"int8 cycles without transmission", func(t testing.TB) codec.Codec { return randomBAM(t, 1, bam.Int8, 0, 1, 6, 5) }},
	{"bitpack", func(t testing.TB) codec.Codec { return randomBAM(t, 1, bam.BitPack, 0, 0, 12, 7) }},
	{"overflow", func(t testing.TB) codec.Codec { return hugeBAM(t) }},
	{"grid", func(t testing.TB) codec.Codec { return oddGrid(t, 1) }},
	{"grid W=3", func(t testing.TB) codec.Codec { return oddGrid(t, 3) }},
	{"entropy_grid", func(t testing.TB) codec.Codec { return randomEntropyGrid(t, 1, 4, 0) }},
	{"entropy_grid fixed length", func(t testing.TB) codec.Codec { return randomEntropyGrid(t, 1, 1, 9) }},
	{"entropy_grid W=3", func(t testing.TB) codec.Codec { return randomEntropyGrid(t, 3, 3, 30) }},
	{"entropy_grid W=12", func(t testing.TB) codec.Codec { return randomEntropyGrid(t, 12, 3, 0) }},
	{"entropy_grid without angles", func(t testing.TB) codec.Codec { return entropyGridOf(t, 2, 3, 0, false) }},
	{"ladder of grids", func(t testing.TB) codec.Codec { return gridLadder(t) }},
	{"ladder", func(t testing.TB) codec.Codec { return mixedLadder(t, 1) }},
	{"ladder of models", func(t testing.TB) codec.Codec { return modelLadder(t) }},
	{"ladder W=2", func(t testing.TB) codec.Codec { return mixedLadder(t, 2) }},
}

// recordedCodecs are fitted to a field recording.
var recordedCodecs = []struct {
	name  string
	w     int
	only  string // the recording; "": each
	build func(t testing.TB, recording string) codec.Codec
}{
	{"int8", 1, "", func(t testing.TB, r string) codec.Codec {
		return trained(t, path(t, r), train.Settings{LatentDim: 8, Packing: bam.Int8, AutoScale: true})
	}},
	{"int16 W=8", 8, "", func(t testing.TB, r string) codec.Codec {
		return trained(t, path(t, r), train.Settings{Window: sensor.Shape{W: 8}, LatentDim: 12, Packing: bam.Int16, AutoScale: true})
	}},
	{"bitpack", 1, "", func(t testing.TB, r string) codec.Codec {
		return trained(t, path(t, r), train.Settings{Packing: bam.BitPack, PayloadBytes: 4})
	}},
	{"bitpack check byte W=8", 8, "walk", func(t testing.TB, r string) codec.Codec {
		return trained(t, path(t, r), train.Settings{Window: sensor.Shape{W: 8}, Packing: bam.BitPack, PayloadBytes: 16, CheckByte: true, MaxWindows: 400})
	}},
	{"ladder", 1, "", func(t testing.TB, r string) codec.Codec {
		return fitted(t, testwindows.Recording(t, r, "train", 1), 1)
	}},
	{"ladder W=8", 8, "", func(t testing.TB, r string) codec.Codec {
		return fitted(t, testwindows.Recording(t, r, "train", 8), 8)
	}},
}

func path(t testing.TB, recording string) string {
	return testenv.Shared(t, "field", recording+".jsonl")
}
