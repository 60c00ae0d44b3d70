package codec_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/internal/float16"
	"github.com/loralink/loralink-go/internal/testenv"
)

type goldenCase struct {
	Name     string
	Manifest string
	Rows     []struct {
		Window  []float64
		Latent  []float64
		Payload string
		Decoded []float64
	}
}

// goldenCases are the vectors that numpy made; testdata/README.md says how.
func goldenCases(t testing.TB) []goldenCase {
	t.Helper()
	data, err := os.ReadFile(testenv.Repo("testdata", "golden", "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 7 {
		t.Fatalf("%d models, want 7", len(cases))
	}
	return cases
}

func goldenCodec(t testing.TB, manifest string) *codec.BAM {
	t.Helper()
	c, err := codec.LoadBAM(testenv.Repo("testdata", "golden", filepath.FromSlash(manifest)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func maxAbs(v []float64) (m float64) {
	for _, x := range v {
		m = max(m, math.Abs(x))
	}
	return m
}

// Tolerances: integers equal to the byte but within 0.01 of a rounding
// boundary, and no more than 2 % of a model's latents there; float16 within one
// unit in the last place; float32 within 1e-5·max(1, max|y|); decoded windows
// within 5e-5·max(1, max|want|), in z-score units where there is a norm.
func TestGolden(t *testing.T) {
	for _, gc := range goldenCases(t) {
		t.Run(gc.Name, func(t *testing.T) {
			c := goldenCodec(t, gc.Manifest)
			man := c.Model().Manifest
			near, total := 0, 0
			for r, row := range gc.Rows {
				want, err := hex.DecodeString(row.Payload)
				if err != nil {
					t.Fatal(err)
				}
				got, err := c.AppendEncode(nil, row.Window)
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != len(want) {
					t.Fatalf("row %d: %d bytes, want %d", r, len(got), len(want))
				}
				total += man.LatentDim
				for k := range man.LatentDim {
					n := man.Packing.BytesPerLatent()
					g, w := got[k*n:(k+1)*n], want[k*n:(k+1)*n]
					switch man.Packing {
					case bam.Int8, bam.Int16:
						if bytes.Equal(g, w) {
							continue
						}
						a := row.Latent[k] * float64(float32(*man.Scale))
						if math.Abs(a-math.Floor(a)-0.5) > 0.01 {
							t.Errorf("row %d latent %d: %x, want %x (y·scale %g)", r, k, g, w, a)
						}
						near++
					case bam.Float16:
						a, b := float16.FromBits(binary.LittleEndian.Uint16(g)), float16.FromBits(binary.LittleEndian.Uint16(w))
						ulp := int(binary.LittleEndian.Uint16(g)) - int(binary.LittleEndian.Uint16(w))
						if ulp < -1 || ulp > 1 {
							t.Errorf("row %d latent %d: %g, want %g", r, k, a, b)
						}
					case bam.Float32:
						a, b := math.Float32frombits(binary.LittleEndian.Uint32(g)), math.Float32frombits(binary.LittleEndian.Uint32(w))
						if d := math.Abs(float64(a) - float64(b)); !(d <= 1e-5*max(1, maxAbs(row.Latent))) {
							t.Errorf("row %d latent %d: %g, want %g", r, k, a, b)
						}
					}
				}
				window, err := c.AppendDecode(nil, want)
				if err != nil {
					t.Fatal(err)
				}
				a, b := zscore(c, window), zscore(c, row.Decoded)
				for i := range b {
					if d := math.Abs(a[i] - b[i]); !(d <= 5e-5*max(1, maxAbs(b))) {
						t.Errorf("row %d value %d: %g, want %g", r, i, a[i], b[i])
					}
				}
			}
			if 50*near > total {
				t.Errorf("%d of %d latents differ near a rounding boundary, want at most 2 %%", near, total)
			}
		})
	}
}

func zscore(c *codec.BAM, window []float64) []float64 {
	out := append([]float64(nil), window...)
	if n := c.Model().Norm; n != nil {
		for i := range out {
			out[i] -= n.Mean[i]
			if n.Std[i] != 0 {
				out[i] /= n.Std[i]
			}
		}
	}
	return out
}
