package sweep_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"image/png"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/sweep"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/testenv"
)

// walk yields n windows of one motion sample, made of a few waves.
func walk(n int) iter.Seq2[dataset.Window, error] {
	return func(yield func(dataset.Window, error) bool) {
		for i := range n {
			x := float64(i)
			a, b, c := math.Sin(x/11), math.Cos(x/7), math.Sin(x/3)
			v := []float64{51 + 1e-4*a, 13 + 1e-4*b, 100 + 5*a, a, b + 0.1*c, 9.8 + 0.1*a*b, 10 * b, -10 * a, a + b*c, 3 * a, 2 * b, 90 + 20*(a-b)}
			if !yield(dataset.Window{ID: int64(i), TsMs: int64(1000 * i), Values: v}, nil) {
				return
			}
		}
	}
}

// pca is the method of tests that are not about methods, as it is quick.
var pca = map[string]train.Method{"pca": train.PCA{}}

func asJSON(t *testing.T, r *sweep.Report) string {
	t.Helper()
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func run(t *testing.T, s sweep.Settings) *sweep.Report {
	t.Helper()
	r, err := sweep.Run(t.Context(), walk(300), &s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func someGrid() sweep.Grid {
	return sweep.Grid{
		LatentDims: []int{4, 2}, HiddenDims: [][]int{nil, {8}}, Packings: []bam.Packing{bam.Int8, bam.BitPack, bam.Float16},
		PayloadBytes: []int{1}, Deltas: []float64{0, 0.1},
		Methods: map[string]train.Method{"pca": train.PCA{}, "febam": &train.FEBAM{Epochs: 2, ShuffleBuffer: 32}, "gradient": &train.Gradient{Epochs: 2}},
	}
}

// Neither workers, nor the order of the lists, nor duplicates in them, nor stored
// models change the report.
func TestSameReport(t *testing.T) {
	reversed := someGrid()
	slices.Reverse(reversed.LatentDims)
	slices.Reverse(reversed.HiddenDims)
	slices.Reverse(reversed.Packings)
	slices.Reverse(reversed.Deltas)
	reversed.Deltas = append(reversed.Deltas, 0.1)
	var first string
	for _, c := range []struct {
		name     string
		settings sweep.Settings
	}{
		{"one worker", sweep.Settings{Grid: someGrid(), Workers: 1}},
		{"four workers", sweep.Settings{Grid: someGrid(), Workers: 4}},
		{"lists reversed", sweep.Settings{Grid: reversed, Workers: 3}},
		{"models stored", sweep.Settings{Grid: someGrid(), Workers: 2, Dir: filepath.Join(t.TempDir(), "models")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.settings.Dataset = "walk"
			r := run(t, c.settings)
			for _, x := range r.Results {
				if want := c.settings.Dir != ""; (x.ModelDir == "models/"+x.ModelID) != want {
					t.Errorf("model_dir %q", x.ModelDir)
				}
				x.ModelDir = ""
			}
			got := asJSON(t, r)
			if first == "" {
				first = got
			}
			if got != first {
				t.Error("the report differs from the first")
			}
		})
	}
}

func TestReport(t *testing.T) {
	g := sweep.Grid{LatentDims: []int{1, 2, 4, 8, 300}, Packings: []bam.Packing{bam.Int8, bam.Int16}, Deltas: []float64{0, 0.7}, EncodeCycles: []int{0, 1}, Methods: pca}
	r := run(t, sweep.Settings{Grid: g})
	if r.TrainWindows+r.TestWindows != 300 || r.Subset != "holdout" || r.InputLen != 12 || *r.TrainRatio != 0.8 || *r.SplitSeed != 0 {
		t.Errorf("%+v", r)
	}
	// 2 packings × 4 sizes × 3 of the 4 transmission functions. A payload cannot
	// have 300 latents, and cycles do not converge with a delta of 0.7.
	if len(r.Results) != 24 || len(r.Skipped) != 16 {
		t.Errorf("%d results and %d skipped, want 24 and 16", len(r.Results), len(r.Skipped))
	}
	for id, want := range map[string]string{"int8-300_pca": "238", "int8-4_delta0.7_enc1_pca": "delta"} {
		i := slices.IndexFunc(r.Skipped, func(s sweep.Skipped) bool { return s.ModelID == id })
		if i < 0 || !strings.Contains(r.Skipped[i].Reason, want) {
			t.Errorf("skipped %v, want %s for a reason that names %s", r.Skipped, id, want)
		}
	}
	if m := r.Result("int16-4_pca"); m == nil || m.ExpectedPayloadBytes != 8 || m.Cost.ParamCount != 2*4*12 || m.Samples != r.TestWindows || m.ZScored.MSE <= 0 {
		t.Errorf("int16-4_pca: %+v", m)
	}
	if r.Result("none") != nil {
		t.Error("a result of no model")
	}
	checkFront(t, r, r.Pareto, func(x *sweep.Result) float64 { return x.Overall.MAE })
	checkFront(t, r, r.ParetoZScored, func(x *sweep.Result) float64 { return x.ZScored.MSE })

	b := r.Baselines
	if b.Mean.ZScored.MSE < 0.9 || b.Mean.ZScored.MSE > 1.1 || b.Mean.K != 0 {
		t.Errorf("mean %+v", b.Mean)
	}
	for k := 1; k <= 12; k++ {
		if b.PCA.ByK[k] == nil || k > 1 && b.PCA.ByK[k].ZScored.MSE > b.PCA.ByK[k-1].ZScored.MSE+1e-12 {
			t.Errorf("%d components: %+v", k, b.PCA.ByK[k])
		}
	}
	for packing, width := range map[bam.Packing]int{bam.Float32: 4, bam.Int16: 2, bam.Int8: 1} {
		for i, p := range b.PCA.ByBytes[packing] {
			if p.K != i+1 || p.PayloadBytes != width*p.K {
				t.Errorf("%s: %+v", packing, p)
			}
		}
	}
	if n := len(b.GaussianBound); n == 0 || b.GaussianBound[n-1].PayloadBytes != 16 || b.GaussianBound[0].ZScoredMSE <= b.GaussianBound[n-1].ZScoredMSE {
		t.Errorf("bound %+v", b.GaussianBound)
	}
	var keys map[string]any
	if err := json.Unmarshal([]byte(asJSON(t, r)), &keys); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"dataset", "input_len", "train_ratio", "split_seed", "train_n", "baselines.mean.mae", "baselines.pca.by_k.2.mae",
		"bam_results.0.model_id", "bam_results.0.model_dir", "bam_results.0.cost.param_count", "bam_results.0.overall.mae", "bam_results.0.payload_schema_hash",
		"bam_results.0.zscored.mse", "bam_results.0.saturation.rate", "pareto.0.model_id", "pareto.0.payload_bytes", "pareto.0.mae"} {
		var at any = keys
		for key := range strings.SplitSeq(path, ".") {
			if list, ok := at.([]any); ok {
				at = list[0]
				continue
			}
			m, _ := at.(map[string]any)
			at = m[key]
		}
		if at == nil {
			t.Errorf("the report lacks %s", path)
		}
	}
}

// checkFront checks a Pareto front by its definition.
func checkFront(t *testing.T, r *sweep.Report, front []sweep.Point, err func(*sweep.Result) float64) {
	t.Helper()
	for _, x := range r.Results {
		beaten := slices.ContainsFunc(r.Results, func(y *sweep.Result) bool {
			return y.ExpectedPayloadBytes <= x.ExpectedPayloadBytes && err(y) < err(x)
		})
		on := slices.ContainsFunc(front, func(p sweep.Point) bool { return p.ModelID == x.ModelID })
		if on && beaten {
			t.Errorf("%s is on the front and beaten", x.ModelID)
		}
		if !on && !beaten && !slices.ContainsFunc(front, func(p sweep.Point) bool {
			return p.PayloadBytes <= x.ExpectedPayloadBytes && err(r.Result(p.ModelID)) == err(x)
		}) {
			t.Errorf("%s is not on the front, and not beaten", x.ModelID)
		}
	}
}

// An interrupted sweep continues where it stopped, and its report is that of a
// sweep without interruption.
func TestResume(t *testing.T) {
	g := sweep.Grid{LatentDims: []int{2, 3, 4, 5}, Packings: []bam.Packing{bam.Int8, bam.BitPack}, PayloadBytes: []int{1}, Deltas: []float64{0, 0.1}, Methods: pca}
	whole := asJSON(t, run(t, sweep.Settings{Grid: g, Dir: filepath.Join(t.TempDir(), "models")}))

	dir := filepath.Join(t.TempDir(), "models")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := sweep.Run(ctx, walk(300), &sweep.Settings{Grid: g, Dir: dir, Workers: 1, Progress: func(done, total int) {
		if total != 10 {
			t.Errorf("%d models, want 10", total)
		}
		if done == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped: %v", err)
	}
	before, _ := filepath.Glob(filepath.Join(dir, "*", "artifacts.json"))
	if len(before) != 3 {
		t.Fatalf("%d models finished, want 3", len(before))
	}
	old := map[string]os.FileInfo{}
	for _, f := range before {
		old[f], _ = os.Stat(f)
	}
	if got := asJSON(t, run(t, sweep.Settings{Grid: g, Dir: dir})); got != whole {
		t.Error("resumed, the report differs")
	}
	for f, info := range old {
		if now, err := os.Stat(f); err != nil || !os.SameFile(now, info) {
			t.Errorf("%s was written anew", f)
		}
	}
	// Force trains them all again.
	if got := asJSON(t, run(t, sweep.Settings{Grid: g, Dir: dir, Force: true})); got != whole {
		t.Error("forced, the report differs")
	}
	for f, info := range old {
		if now, err := os.Stat(f); err != nil || os.SameFile(now, info) {
			t.Errorf("%s was not written anew", f)
		}
	}
}

// A folder with other content than the model is not overwritten.
func TestOtherModels(t *testing.T) {
	g := sweep.Grid{LatentDims: []int{2}, Methods: pca}
	for _, c := range []struct {
		name   string
		change func(t *testing.T, dir string, s *sweep.Settings)
		n      int
		names  string
	}{
		{"other settings", func(_ *testing.T, _ string, s *sweep.Settings) { s.Base.AutoScale = true }, 300, "other settings"},
		{"another split", func(_ *testing.T, _ string, s *sweep.Settings) { s.Base.Split = dataset.HashSplit{TrainRatio: 0.5} }, 300, "other settings"},
		{"a split of another kind", func(_ *testing.T, _ string, s *sweep.Settings) { s.Base.Split = dataset.TimeSplit{CutMs: 100000} }, 300, "other settings"},
		{"other windows", func(*testing.T, string, *sweep.Settings) {}, 299, "other windows"},
		{"a report of train", func(t *testing.T, dir string, _ *sweep.Settings) {
			if err := os.WriteFile(filepath.Join(dir, "train_report.json"), []byte("{}"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, 300, "other settings"},
		{"a broken report", func(t *testing.T, dir string, _ *sweep.Settings) {
			if err := os.WriteFile(filepath.Join(dir, "train_report.json"), []byte("{"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, 300, "train_report.json"},
		{"a broken model", func(t *testing.T, dir string, _ *sweep.Settings) {
			if err := os.WriteFile(filepath.Join(dir, "layer_0.npz"), []byte("PK"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, 300, "layer_0.npz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sweep.Settings{Grid: g, Dir: filepath.Join(t.TempDir(), "models")}
			run(t, s)
			dir := filepath.Join(s.Dir, "int8-2_pca")
			c.change(t, dir, &s)
			_, err := sweep.Run(t.Context(), walk(c.n), &s)
			if !errors.Is(err, sweep.ErrExists) || !strings.Contains(err.Error(), c.names) || !strings.Contains(err.Error(), "int8-2_pca") {
				t.Errorf("got %v, want %v that names %s", err, sweep.ErrExists, c.names)
			}
			s.Force = true
			if _, err := sweep.Run(t.Context(), walk(c.n), &s); err != nil {
				t.Errorf("forced: %v", err)
			}
		})
	}
	dir := filepath.Join(t.TempDir(), "models")
	if err := os.MkdirAll(filepath.Join(dir, "int8-2_pca"), 0o755); err != nil {
		t.Fatal(err)
	}
	thesis := filepath.Join(dir, "int8-2_pca", "thesis.tex")
	if err := os.WriteFile(thesis, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := sweep.Run(t.Context(), walk(300), &sweep.Settings{Grid: g, Dir: dir, Force: true}); err == nil || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("force over a file that is not a model's: %v", err)
	}
}

func TestGridRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		s     sweep.Settings
		names string
	}{
		{"packing", sweep.Settings{Grid: sweep.Grid{Packings: []bam.Packing{"int4"}}}, "int4"},
		{"latent dim", sweep.Settings{Grid: sweep.Grid{LatentDims: []int{0}}}, "LatentDims has 0"},
		{"payload bytes", sweep.Settings{Grid: sweep.Grid{PayloadBytes: []int{-1}}}, "PayloadBytes has -1"},
		{"hidden dims", sweep.Settings{Grid: sweep.Grid{HiddenDims: [][]int{{4, 0}}}}, "HiddenDims has 0"},
		{"delta", sweep.Settings{Grid: sweep.Grid{Deltas: []float64{math.NaN()}}}, "Deltas has NaN"},
		{"cycles", sweep.Settings{Grid: sweep.Grid{DecodeCycles: []int{-1}}}, "DecodeCycles has -1"},
		{"label", sweep.Settings{Grid: sweep.Grid{Methods: map[string]train.Method{"../x": train.PCA{}}}}, "../x"},
		{"no method", sweep.Settings{Grid: sweep.Grid{Methods: map[string]train.Method{"x": nil}}}, "a nil method x"},
		{"nothing left", sweep.Settings{Grid: sweep.Grid{LatentDims: []int{300, 400}}}, "none of the 2 models"},
		{"start", sweep.Settings{Base: train.Settings{Start: []bam.Layer{{}}}}, "Start"},
		{"workers", sweep.Settings{Workers: -1}, "Workers is -1"},
		{"method's name", sweep.Settings{Grid: sweep.Grid{MethodNames: []string{"magic"}}}, "magic"},
		{"method's parameter", sweep.Settings{Grid: sweep.Grid{MethodNames: []string{"febam"}, MethodSettings: train.MethodSettings{Cycles: -1}}}, "Cycles is -1"},
	} {
		if _, err := sweep.Run(t.Context(), walk(50), &c.s); !errors.Is(err, sweep.ErrSettings) || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s: got %v, want %v that names %s", c.name, err, sweep.ErrSettings, c.names)
		}
	}
	if _, err := sweep.Run(t.Context(), walk(0), nil); !errors.Is(err, train.ErrNoData) {
		t.Errorf("no windows: %v", err)
	}
	broken := errors.New("broken")
	if _, err := sweep.Run(t.Context(), func(yield func(dataset.Window, error) bool) { yield(dataset.Window{}, broken) }, nil); !errors.Is(err, broken) {
		t.Errorf("unreadable windows: %v", err)
	}
}

// A training that diverges does not end the sweep.
func TestDivergedIsSkipped(t *testing.T) {
	r := run(t, sweep.Settings{Grid: sweep.Grid{Methods: map[string]train.Method{"pca": train.PCA{}, "wild": &train.FEBAM{Epochs: 20, LearningRate: 50}}}})
	if len(r.Results) != 1 || len(r.Skipped) != 1 || !strings.Contains(r.Skipped[0].Reason, "diverged") {
		t.Errorf("results %v, skipped %v", r.Results, r.Skipped)
	}
}

// Without methods the method is auto, and the report has the method that it
// picked.
func TestDefaultMethod(t *testing.T) {
	r := run(t, sweep.Settings{Grid: sweep.Grid{LatentDims: []int{2}}})
	if x := r.Results[0]; x.ModelID != "int8-2_auto" || x.Method != "pca" && x.Method != "gradient" || len(x.HiddenDims) == 0 && x.Method == "gradient" {
		t.Errorf("%+v", x)
	}
}

func TestNoHoldout(t *testing.T) {
	r := run(t, sweep.Settings{Grid: sweep.Grid{Methods: pca}, Base: train.Settings{Split: dataset.HashSplit{TrainRatio: 1}, MaxWindows: 100}})
	if r.Subset != "train" || r.TrainWindows != 100 || r.TestWindows != 100 || r.Results[0].Samples != 100 {
		t.Errorf("%+v", r)
	}
}

func TestCSV(t *testing.T) {
	r := run(t, sweep.Settings{Grid: someGrid()})
	var b bytes.Buffer
	if err := r.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+len(r.Results) || rows[0][0] != "model_id" || !slices.Contains(rows[0], "gyro_mae") {
		t.Fatalf("%d rows, header %v", len(rows), rows[0])
	}
	front := 0
	for i, row := range rows[1:] {
		if row[0] != r.Results[i].ModelID {
			t.Errorf("row %d is %s, want %s", i, row[0], r.Results[i].ModelID)
		}
		if row[len(row)-1] == "1" {
			front++
		}
	}
	if front != len(r.ParetoZScored) {
		t.Errorf("%d rows on the front, want %d", front, len(r.ParetoZScored))
	}
}

// halves is a method from outside of package train: it sends the first values of a
// window, divided by Divisor.
type halves struct{ Divisor float32 }

func (halves) Name() string { return "halves" }

func (h halves) Fit(_ context.Context, p *train.Problem) (*train.Fitted, error) {
	n, k := p.Dims[0], p.Dims[1]
	l := bam.Layer{W: bam.NewMatrix(k, n), V: bam.NewMatrix(n, k)}
	for i := range k {
		l.W.Row(i)[i], l.V.Row(i)[i] = 1/h.Divisor, h.Divisor
	}
	return &train.Fitted{Layers: []bam.Layer{l}}, nil
}

// Methods of the caller's own can be swept and stored. Their parameters identify
// them.
func TestOwnMethod(t *testing.T) {
	s := sweep.Settings{
		Grid: sweep.Grid{LatentDims: []int{2, 4}, Methods: map[string]train.Method{"halves": halves{4}}, MethodNames: []string{"pca"}},
		Dir:  filepath.Join(t.TempDir(), "models"),
	}
	r := run(t, s)
	own, pca := r.Result("int8-4_halves"), r.Result("int8-4_pca")
	if len(r.Results) != 4 || own == nil || pca == nil || own.Method != "halves" || own.ZScored.MSE > 0.8 || pca.ZScored.MSE > own.ZScored.MSE {
		t.Errorf("%s", asJSON(t, r))
	}
	if again := run(t, s); asJSON(t, again) != asJSON(t, r) {
		t.Error("resumed, the report differs")
	}
	s.Grid.Methods["halves"] = halves{5}
	if _, err := sweep.Run(t.Context(), walk(300), &s); !errors.Is(err, sweep.ErrExists) {
		t.Errorf("another parameter: %v, want %v", err, sweep.ErrExists)
	}
}

func TestTable(t *testing.T) {
	r := run(t, sweep.Settings{Dataset: "walk", Grid: sweep.Grid{LatentDims: []int{2, 300}, Methods: pca}})
	var b strings.Builder
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	want := "walk: 1 models, trained on " + strconv.Itoa(r.TrainWindows) + " windows of 12 values, measured on " + strconv.Itoa(r.TestWindows) + " windows (holdout)\n1 combinations skipped, the first is int8-300_pca: "
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if !strings.HasPrefix(b.String(), want) || len(lines) != 10 || !strings.HasPrefix(lines[5], "  mean") || !strings.HasPrefix(lines[6], "  int8-2_pca") {
		t.Errorf("got\n%s", b.String())
	}
}

// Plots are PNG images, if the report has the data for them.
func TestPlots(t *testing.T) {
	r := run(t, sweep.Settings{Grid: sweep.Grid{LatentDims: []int{4, 2}, Methods: map[string]train.Method{"pca": train.PCA{}, "febam": &train.FEBAM{Epochs: 2}}}})
	var read sweep.Report // lacks what is not part of the JSON
	if err := json.Unmarshal([]byte(asJSON(t, r)), &read); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		plot func(io.Writer) error
		want error
	}{
		{"errors", r.PlotErrors, nil}, {"groups", r.PlotGroups, nil}, {"curves", r.PlotCurves, nil},
		{"errors of JSON", read.PlotErrors, nil}, {"groups of JSON", read.PlotGroups, sweep.ErrNoPlot}, {"curves of JSON", read.PlotCurves, sweep.ErrNoPlot},
	} {
		var b bytes.Buffer
		if err := c.plot(&b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if img, err := png.Decode(&b); c.want == nil && (err != nil || img.Bounds().Dx() < 800) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	dir := filepath.Join(t.TempDir(), "new", "dir")
	names, err := r.WriteFiles(dir, true)
	if err != nil || len(names) != 5 {
		t.Fatalf("%v, %v", names, err)
	}
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if names, err := read.WriteFiles(dir, false); err != nil || len(names) != 2 {
		t.Errorf("without plots: %v, %v", names, err)
	}
}

// referenceGrid is the grid of the reference runtime's documentation.
func referenceGrid() sweep.Settings {
	return sweep.Settings{
		Grid: sweep.Grid{
			LatentDims: []int{2, 4, 8, 16}, HiddenDims: [][]int{{24, 16}}, Packings: []bam.Packing{bam.Int16, bam.Int8},
			Deltas: []float64{0.1}, EncodeCycles: []int{0, 1}, DecodeCycles: []int{0, 1},
		},
		Base: train.Settings{AutoScale: true},
	}
}

func field(t testing.TB) iter.Seq2[dataset.Window, error] {
	samples := dataset.OpenSamples(testenv.Shared(t, "field", "walk.jsonl"), dataset.SampleSettings{})
	return dataset.Windows(samples, dataset.WindowerSettings{W: 1, Stride: 1})
}

func TestReferenceSweep(t *testing.T) {
	s := referenceGrid()
	s.Grid.Methods = pca // what follows is of the grid and the baselines
	r, err := sweep.Run(t.Context(), field(t), &s)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Results) != 32 || r.TrainWindows != 2008 || r.TestWindows != 497 {
		t.Errorf("%d results, %d train, %d test, want 32, 2008, 497", len(r.Results), r.TrainWindows, r.TestWindows)
	}
	// Results of numpy for the same windows.
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"PCA int8, 4 B", r.Baselines.PCA.ByBytes[bam.Int8][3].ZScored.MSE, 0.238},
		{"PCA int16, 8 B", r.Baselines.PCA.ByBytes[bam.Int16][3].ZScored.MSE, 0.238},
		{"PCA int16, 4 B", r.Baselines.PCA.ByBytes[bam.Int16][1].ZScored.MSE, 0.493},
		{"PCA int16, 16 B", r.Baselines.PCA.ByBytes[bam.Int16][7].ZScored.MSE, 0.036},
		{"PCA int8, 8 B", r.Baselines.PCA.ByBytes[bam.Int8][7].ZScored.MSE, 0.036},
		{"Gaussian bound, 4 B", r.Baselines.GaussianBound[slices.IndexFunc(r.Baselines.GaussianBound, func(b sweep.Bound) bool { return b.PayloadBytes == 4 })].ZScoredMSE, 0.0118},
	} {
		if math.Abs(c.got-c.want) > 0.03*c.want {
			t.Errorf("%s: zscored.mse %.4g, want %.4g", c.name, c.got, c.want)
		}
	}
}

// BenchmarkReferenceSweep reads the recording, trains 32 models by the default
// method and writes their folders.
func BenchmarkReferenceSweep(b *testing.B) {
	windows := field(b)
	for b.Loop() {
		s := referenceGrid()
		s.Dir = filepath.Join(b.TempDir(), "models")
		r, err := sweep.Run(b.Context(), windows, &s)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(r.ParetoZScored[len(r.ParetoZScored)-1].ZScoredMSE, "zscored.mse")
		b.ReportMetric(float64(len(r.Results)), "models")
	}
}
