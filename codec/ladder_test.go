package codec_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/modelfile"
	"github.com/loralink/loralink-go/internal/testenv"
)

// fakeCodec answers every window with one payload and one window.
type fakeCodec struct {
	codec.Raw
	payload []byte
	window  []float64
	err     error
}

func (c fakeCodec) MaxPayloadLen() int { return len(c.payload) }
func (c fakeCodec) PayloadLen() int    { return len(c.payload) }
func (c fakeCodec) AppendEncode(dst []byte, _ []float64) ([]byte, error) {
	return append(dst, c.payload...), c.err
}
func (c fakeCodec) AppendDecode(dst []float64, _ []byte) ([]float64, error) {
	return append(dst, c.window...), nil
}

func fake(length int, window ...float64) fakeCodec {
	raw, err := codec.NewRaw(max(1, len(window)), 1)
	if err != nil {
		panic(err)
	}
	return fakeCodec{Raw: raw, payload: make([]byte, length), window: window}
}

func TestLadderTakesTheFirstRungThatHolds(t *testing.T) {
	values := func(change map[int]float64) []float64 {
		w := make([]float64, sensor.MotionDims)
		for i, v := range change {
			w[i] = v
		}
		return w
	}
	tolerances := slices.Repeat([]float64{1}, sensor.MotionDims)
	for _, c := range []struct {
		name        string
		sent, first map[int]float64
		rung        int // length of the payload; 0: refused
	}{
		{"equal", nil, nil, 2},
		{"at the tolerance", map[int]float64{3: 1}, nil, 2},
		{"just beyond", map[int]float64{3: math.Nextafter(1, 2)}, nil, 3},
		{"longitude across the date line", map[int]float64{1: 179.8}, map[int]float64{1: -179.9}, 2},
		{"roll", map[int]float64{9: 0.1}, map[int]float64{9: 359.9}, 2},
		{"yaw by three turns", map[int]float64{11: 1080}, map[int]float64{11: 0.5}, 2},
		{"pitch does not wrap", map[int]float64{10: 0.1}, map[int]float64{10: 359.9}, 3},
		{"latitude does not wrap", map[int]float64{0: 0.1}, map[int]float64{0: 360}, 3},
		{"first rung decodes to NaN", nil, map[int]float64{5: math.NaN()}, 3},
		{"first rung's angle decodes to NaN", nil, map[int]float64{11: math.NaN()}, 3},
		{"first rung decodes to infinity", nil, map[int]float64{9: math.Inf(1)}, 3},
		{"beyond the last rung", map[int]float64{5: 3}, nil, 0},
		{"NaN", map[int]float64{5: math.NaN()}, nil, 0},
	} {
		first := fake(2, values(c.first)...)
		last := fake(3, values(c.sent)...)
		if c.rung == 0 {
			last = fake(3, values(nil)...)
		}
		b, err := codec.NewLadder(sensor.Shape{Dims: sensor.MotionDims, W: 1}, nil, tolerances, first, last)
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.AppendEncode([]byte{9}, values(c.sent))
		if c.rung == 0 {
			if !errors.Is(err, codec.ErrValue) || len(got) != 1 {
				t.Errorf("%s: %v, %v", c.name, got, err)
			}
			continue
		}
		if err != nil || len(got) != 1+c.rung || got[0] != 9 {
			t.Errorf("%s: %v, %v, want a payload of %d", c.name, got, err, c.rung)
		}
	}
	// What a rung says it cannot do, or does at another length, is passed over.
	for name, first := range map[string]fakeCodec{
		"error":          {fake(2, 0, 0).Raw, make([]byte, 2), []float64{0, 0}, codec.ErrValue},
		"another window": {fake(2, 0, 0).Raw, make([]byte, 2), []float64{0, 5}, nil},
	} {
		b, err := codec.NewLadder(sensor.Shape{Dims: 2, W: 1}, nil, []float64{1, 1}, first, fake(3, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := b.AppendEncode(nil, []float64{0, 0}); err != nil || len(got) != 3 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestNewLadderRefuses(t *testing.T) {
	one, two := fake(2, 0, 0), fake(3, 0, 0)
	compressed, err := codec.NewZlib(2, 0, codec.DefaultZlibLevel)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := codec.NewLadder(sensor.Shape{Dims: 2, W: 1}, nil, []float64{1, 1}, one)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		window     sensor.Shape
		tolerances []float64
		rungs      []codec.Codec
	}{
		{"no rungs", sensor.Shape{Dims: 2, W: 1}, []float64{1, 1}, nil},
		{"equal lengths", sensor.Shape{Dims: 2, W: 1}, []float64{1, 1}, []codec.Codec{one, one}},
		{"falling lengths", sensor.Shape{Dims: 2, W: 1}, []float64{1, 1}, []codec.Codec{two, one}},
		{"lengths that vary", sensor.Shape{Dims: 2, W: 1}, []float64{1, 1}, []codec.Codec{compressed}},
		{"a ladder as a rung", sensor.Shape{Dims: 2, W: 1}, []float64{1, 1}, []codec.Codec{inner}},
		{"no bytes", sensor.Shape{Dims: 2, W: 1}, []float64{1, 1}, []codec.Codec{fake(0, 0, 0)}},
		{"beyond a frame", sensor.Shape{Dims: 2, W: 1}, []float64{1, 1}, []codec.Codec{fake(256, 0, 0)}},
		{"windows of another length", sensor.Shape{Dims: 2, W: 2}, []float64{1, 1}, []codec.Codec{one}},
		{"too few tolerances", sensor.Shape{Dims: 2, W: 1}, []float64{1}, []codec.Codec{one}},
		{"tolerance 0", sensor.Shape{Dims: 2, W: 1}, []float64{1, 0}, []codec.Codec{one}},
		{"tolerance infinite", sensor.Shape{Dims: 2, W: 1}, []float64{1, math.Inf(1)}, []codec.Codec{one}},
		{"tolerance NaN", sensor.Shape{Dims: 2, W: 1}, []float64{1, math.NaN()}, []codec.Codec{one}},
		{"no dims", sensor.Shape{W: 1}, nil, []codec.Codec{one}},
	} {
		if b, err := codec.NewLadder(c.window, nil, c.tolerances, c.rungs...); !errors.Is(err, codec.ErrSpec) || b != nil {
			t.Errorf("%s: %v, want %v", c.name, err, codec.ErrSpec)
		}
	}
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeLadder writes a ladder.json for windows of w motion samples.
func writeLadder(t testing.TB, path string, w int, rungs ...codec.RungSpec) {
	t.Helper()
	l := codec.LadderSpec{Window: sensor.Shape{Dims: 12, W: w, Stride: 1}, Tolerances: tolerances, Rungs: rungs}
	text, err := l.Text()
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, text)
}

// ladderFolder holds a model, a grid and a ladder of both and of the plain
// packing.
func ladderFolder(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	golden := os.DirFS(testenv.Repo("testdata", "golden"))
	for _, sub := range []string{"linear_int16", "linear_int8_saturating"} {
		tree, err := fs.Sub(golden, sub)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(dir, "models", sub), tree); err != nil {
			t.Fatal(err)
		}
	}
	model, err := codec.LoadBAM(filepath.Join(dir, "models", "linear_int16", "bam_manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := codec.NewSensor12(1, codec.Sensor12Scales{})
	if err != nil {
		t.Fatal(err)
	}
	g := fittedGrid(t, sample, 1000)
	write(t, filepath.Join(dir, "fitted.json"), g.File())
	writeLadder(t, filepath.Join(dir, codec.LadderFile), 1,
		codec.NewRungSpec(model, codec.Params{ManifestPath: "models/linear_int16/bam_manifest.json"}),
		codec.NewRungSpec(g, codec.Params{GridPath: "fitted.json"}),
		codec.NewRungSpec(plain, codec.Params{}))
	return dir
}

func TestLadderFile(t *testing.T) {
	dir := ladderFolder(t)
	b, err := codec.LoadLadder(filepath.Join(dir, codec.LadderFile))
	if err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(filepath.Join(dir, codec.LadderFile))
	if b.Schema() != "bounded_v1:"+modelfile.Hash(data) || len(b.Rungs()) != 3 || b.MaxPayloadLen() != 30 {
		t.Errorf("%s, %d rungs, %d bytes", b.Schema(), len(b.Rungs()), b.MaxPayloadLen())
	}
	embedded, err := codec.LoadLadderFS(os.DirFS(filepath.Dir(dir)), filepath.Base(dir)+"/"+codec.LadderFile)
	if err != nil || embedded.Schema() != b.Schema() {
		t.Errorf("through an fs.FS: %v", err)
	}
	t.Chdir(dir)
	if same, err := codec.LoadLadder(codec.LadderFile); err != nil || same.Schema() != b.Schema() {
		t.Errorf("from its own folder: %v", err)
	}

	edit := func(old, new string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, codec.LadderFile)
			text, _ := os.ReadFile(path)
			if !strings.Contains(string(text), old) {
				t.Fatalf("no %q in %s", old, text)
			}
			os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o644)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*testing.T, string)
		want   error
		names  []string
	}{
		{"missing", func(_ *testing.T, dir string) { os.Remove(filepath.Join(dir, codec.LadderFile)) }, codec.ErrNotFound, nil},
		{"a grid missing", func(_ *testing.T, dir string) { os.Remove(filepath.Join(dir, "fitted.json")) }, codec.ErrNotFound, []string{"rungs[1]", "fitted.json"}},
		{"a model missing", func(_ *testing.T, dir string) { os.RemoveAll(filepath.Join(dir, "models")) }, codec.ErrNotFound, []string{"rungs[0]"}},
		{"a grid changed", func(t *testing.T, dir string) {
			moved := slices.Clone(sample)
			moved[2]++
			write(t, filepath.Join(dir, "fitted.json"), fittedGrid(t, moved, 1000).File())
		}, codec.ErrMismatch, []string{"rungs[1].schema"}},
		{"a model of one shape swapped", func(t *testing.T, dir string) {
			layer := filepath.Join(dir, "models", "linear_int16", "layer_0.npz")
			b, err := os.ReadFile(layer)
			if err != nil {
				t.Fatal(err)
			}
			// The other members stay; a comment at the zip's end is no change
			// of the model, but of its bytes.
			b[len(b)-2], b = 1, append(b, 'x')
			os.WriteFile(layer, b, 0o644)
		}, codec.ErrMismatch, []string{"rungs[0].model_hash"}},
		{"a length that the codec does not make", edit(`"length": 30`, `"length": 31`), codec.ErrMismatch, []string{"rungs[2].length", "30", "31"}},
		{"lengths that fall", edit(`"length": 30`, `"length": 3`), codec.ErrMalformed, []string{"rungs[2].length"}},
		{"zlib", edit(`"sensor12_packed"`, `"zlib"`), codec.ErrUnsupported, []string{"rungs[2].codec", "zlib"}},
		{"a ladder within", edit(`"sensor12_packed"`, `"bounded"`), codec.ErrUnsupported, []string{"rungs[2].codec"}},
		{"an unknown codec", edit(`"sensor12_packed"`, `"gzip"`), codec.ErrSpec, []string{"rungs[2].codec", "gzip"}},
		{"a tolerance too few", edit(`0.5,`, ``), codec.ErrMalformed, []string{"tolerances", "11", "12"}},
		{"a tolerance of 0", edit(`0.5,`, `0,`), codec.ErrMalformed, []string{"tolerances[3]"}},
		{"another window", edit(`"W": 1`, `"W": 2`), codec.ErrSpec, []string{"rungs[0].codec"}},
		{"a misspelt key", edit(`"tolerances"`, `"tolerance"`), codec.ErrMalformed, []string{"tolerance"}},
		{"a wrong type", edit(`"W": 1`, `"W": "1"`), codec.ErrMalformed, []string{"window.W", "string"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := ladderFolder(t)
			c.change(t, dir)
			for _, load := range []func() (*codec.Ladder, error){
				func() (*codec.Ladder, error) { return codec.LoadLadder(filepath.Join(dir, codec.LadderFile)) },
				func() (*codec.Ladder, error) { return codec.LoadLadderFS(os.DirFS(dir), codec.LadderFile) },
			} {
				_, err := load()
				var located *codec.Error
				if !errors.Is(err, c.want) || !errors.As(err, &located) {
					t.Errorf("%v, want %v", err, c.want)
				}
				for _, name := range append(c.names, codec.LadderFile) {
					if !strings.Contains(fmt.Sprint(err), name) {
						t.Errorf("%v does not name %s", err, name)
					}
				}
			}
		})
	}
}

func TestHostileFilesTakeLittle(t *testing.T) {
	repeat := func(head, item, tail string) []byte {
		return []byte(head + strings.Repeat(item+",", (60<<10)/(len(item)+1)) + item + tail)
	}
	for name, data := range map[string][]byte{
		"grid of many dims":         repeat(`{"window_W":1,"dims":[`, `{}`, `]}`),
		"grid of 1000 dims":         []byte(`{"window_W":1,"dims":[` + strings.Repeat("{},", 999) + `{}]}`),
		"ladder of many rungs":      repeat(`{"window":{"dims":1,"W":1,"stride":1},"tolerances":[1],"rungs":[`, `{}`, `]}`),
		"ladder of many tolerances": repeat(`{"window":{"dims":1,"W":1,"stride":1},"rungs":[{}],"tolerances":[`, `0`, `]}`),
		"ladder of 1000 rungs":      []byte(`{"window":{"dims":1,"W":1,"stride":1},"tolerances":[1],"rungs":[` + strings.Repeat("{},", 999) + `{}]}`),
	} {
		var err error
		testenv.FewBytes(t, func() {
			if strings.HasPrefix(name, "grid") {
				_, err = codec.ParseGrid(codec.GridFile, data)
			} else {
				_, err = codec.ParseLadder(fstest.MapFS{}, data)
			}
		})
		if !errors.Is(err, codec.ErrTooLarge) {
			t.Errorf("%s: %v, want %v", name, err, codec.ErrTooLarge)
		}
	}
}

func TestLadderStaysInItsFileSystem(t *testing.T) {
	for _, path := range []string{"../secret.json", "/etc/passwd", "a/../../b"} {
		fsys := fstest.MapFS{codec.LadderFile: {Data: fmt.Appendf(nil, `{"window": {"dims": 1, "W": 1, "stride": 1}, "tolerances": [1],
			"rungs": [{"codec": {"id": "grid", "version": "1", "params": {"grid_path": %q}}, "length": 2}]}`, path)}}
		if _, err := codec.LoadLadderFS(fsys, codec.LadderFile); !errors.Is(err, codec.ErrUnsupported) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := codec.LoadLadderFS(fstest.MapFS{}, "../ladder.json"); !errors.Is(err, codec.ErrNotFound) {
		t.Errorf("the ladder itself: %v", err)
	}
}

func FuzzLadder(f *testing.F) {
	dir := ladderFolder(f)
	data, err := os.ReadFile(filepath.Join(dir, codec.LadderFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"window": {"dims": 2, "W": 3, "stride": 1}, "tolerances": [1, 1e-300], "rungs": [{"codec": {"id": "raw", "version": "1"}, "length": 12}]}`))
	files := fstest.MapFS{"fitted.json": {}}
	if files["fitted.json"].Data, err = os.ReadFile(filepath.Join(dir, "fitted.json")); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := codec.ParseLadder(files, data)
		if err != nil {
			return
		}
		window := make([]float64, b.WindowLen())
		payload, err := b.AppendEncode(nil, window)
		if err != nil {
			return
		}
		back, err := b.AppendDecode(nil, payload)
		if err != nil || b.Beyond(window, back) >= 0 {
			t.Errorf("%v decodes to %v, %v", window, back, err)
		}
	})
}
