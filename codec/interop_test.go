package codec_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/internal/testenv"
)

// numpy runs testdata/interop.py and reads its answer.
func numpy(t *testing.T, mode, dir string, in, answer any) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testenv.Python(t), filepath.Join("testdata", "interop.py"), mode, dir)
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("interop.py %s: %v\n%s", mode, err, &stderr)
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatal(err)
	}
}

// Go reads what numpy writes: half, single and double, either byte order, C and
// Fortran order, stored and deflated, npy 1.0 and 2.0.
func TestReadsNumpysModels(t *testing.T) {
	dir := t.TempDir()
	var models []struct {
		Name string
		W, V []float32
	}
	numpy(t, "write", dir, nil, &models)
	if len(models) != 36 {
		t.Errorf("%d models, want 36", len(models))
	}
	for _, m := range models {
		c, err := codec.LoadBAM(filepath.Join(dir, m.Name, artifacts.ManifestFile))
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		l := c.Model().Net.Layers[0]
		if l.W.Rows != 4 || l.W.Cols != 6 || !slices.Equal(l.W.Data, m.W) || !slices.Equal(l.V.Data, m.V) {
			t.Errorf("%s: read %v, want W %v, V %v", m.Name, l, m.W, m.V)
		}
	}
}

// numpy reads what Go writes, and decodes our payloads and encodes our windows
// as we do.
func TestNumpyReadsOurModels(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	layer := func(in, out int) bam.Layer {
		l := bam.Layer{W: bam.NewMatrix(out, in), V: bam.NewMatrix(in, out)}
		for i := range l.W.Data {
			l.W.Data[i], l.V.Data[i] = float32(0.3*rng.NormFloat64()), float32(0.3*rng.NormFloat64())
		}
		return l
	}
	for _, c := range []struct {
		packing        bam.Packing
		scale, delta   float64
		encode, decode int
		layers         []bam.Layer
		norm           bool
	}{
		{bam.Int8, 40.5, 0, 0, 0, []bam.Layer{layer(12, 5)}, true},
		{bam.Int16, 8000, 0.1, 1, 2, []bam.Layer{layer(12, 9), layer(9, 4)}, true},
		{bam.Float16, 0, 0.2, 0, 1, []bam.Layer{layer(12, 7), layer(7, 6), layer(6, 3)}, false},
		{bam.Float32, 0, 0, 0, 0, []bam.Layer{layer(12, 12)}, true},
	} {
		t.Run(string(c.packing), func(t *testing.T) {
			set := &artifacts.Contents{Layers: c.layers, CreatedAt: time.Unix(0, 0), Manifest: artifacts.Manifest{
				Packing: c.packing, Delta: &c.delta, EncodeCycles: c.encode, DecodeCycles: c.decode, Dims: 12, W: 1, Stride: 1}}
			if c.packing.Integer() {
				set.Manifest.Scale = &c.scale
			}
			if c.norm {
				set.Norm = &bam.Norm{Mean: sample, Std: []float64{1e-3, 1e-3, 10, 1, 1, 0.5, 20, 20, 20, 10, 0, 90}}
			}
			dir := filepath.Join(t.TempDir(), "m")
			if _, err := save.Model(dir, set, nil); err != nil {
				t.Fatal(err)
			}
			ours, err := codec.LoadBAM(filepath.Join(dir, artifacts.ManifestFile))
			if err != nil {
				t.Fatal(err)
			}
			var task struct {
				Payloads []string    `json:"payloads"`
				Windows  [][]float64 `json:"windows"`
			}
			for range 40 {
				w := make([]float64, 12)
				for i := range w {
					w[i] = rng.NormFloat64()
					if set.Norm != nil {
						w[i] = w[i]*set.Norm.Std[i] + set.Norm.Mean[i]
					}
				}
				payload, err := ours.AppendEncode(nil, w)
				if err != nil {
					t.Fatal(err)
				}
				task.Windows = append(task.Windows, w)
				task.Payloads = append(task.Payloads, hex.EncodeToString(payload))
			}
			var answer struct {
				Layers []struct {
					Dtype string
					Shape []int
					W, V  []float32
				}
				Decoded [][]float64
				Encoded []string
				// Encoded32 are the payloads with float32 from the first step on.
				Encoded32 []string `json:"encoded32"`
			}
			numpy(t, "read", dir, task, &answer)
			for i, l := range answer.Layers {
				want := c.layers[i]
				if l.Dtype != "float32" || !slices.Equal(l.Shape, []int{want.Out(), want.In()}) || !slices.Equal(l.W, want.W.Data) || !slices.Equal(l.V, want.V.Data) {
					t.Errorf("layer %d as numpy reads it: %+v, want %+v", i, l, want)
				}
			}
			if len(answer.Layers) != len(c.layers) {
				t.Errorf("%d layers, want %d", len(answer.Layers), len(c.layers))
			}
			lockstep, err := ours.WithFloat32Norm()
			if err != nil {
				t.Fatal(err)
			}
			other, other32 := 0, 0
			for r, text := range task.Payloads {
				payload, _ := hex.DecodeString(text)
				got, err := ours.AppendDecode(nil, payload)
				if err != nil {
					t.Fatal(err)
				}
				a, b := zscore(ours, got), zscore(ours, answer.Decoded[r])
				for i := range a {
					if d := math.Abs(a[i] - b[i]); !(d <= 5e-5*max(1, maxAbs(b))) {
						t.Errorf("row %d value %d: %g, numpy %g", r, i, a[i], b[i])
					}
				}
				if text != answer.Encoded[r] {
					other++
				}
				payload32, err := lockstep.AppendEncode(nil, task.Windows[r])
				if err != nil {
					t.Fatal(err)
				}
				if hex.EncodeToString(payload32) != answer.Encoded32[r] {
					other32++
				}
			}
			// Sums in another order differ in a last digit, which is a float32
			// payload's last digit; integers and halves seldom round apart.
			if c.packing != bam.Float32 && 10*other > len(task.Payloads) {
				t.Errorf("%d of %d payloads differ from numpy's", other, len(task.Payloads))
			}
			if c.packing != bam.Float32 && 10*other32 > len(task.Payloads) {
				t.Errorf("%d of %d payloads normalised in float32 differ from numpy's", other32, len(task.Payloads))
			}
			if c.packing == bam.Int16 && slices.Equal(answer.Encoded, answer.Encoded32) {
				t.Error("float32 makes no difference to numpy: the windows are too easy")
			}
		})
	}
}
