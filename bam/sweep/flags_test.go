package sweep

import (
	"flag"
	"fmt"
	"io"
	"reflect"
	"testing"

	"github.com/loralink/loralink-go/bam"
)

func TestArchitectures(t *testing.T) {
	for text, want := range map[string]string{"24,16": "[[24 16]]", "24,16;32;": "[[24 16] [32] []]", "": "[[]]", " 8 ; 4,2": "[[8] [4 2]]"} {
		var v architectures
		if err := v.Set(text); err != nil || fmt.Sprint([][]int(v)) != want {
			t.Errorf("%q: %v, %v, want %s", text, [][]int(v), err, want)
		}
	}
}

func TestRegisterFlags(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  []string
		check func(s *Settings) bool
	}{
		{"defaults", nil, func(s *Settings) bool {
			g := &s.Grid
			return fmt.Sprint(g.LatentDims, g.PayloadBytes, g.Packings, g.MethodNames, g.HiddenDims, g.Deltas) == "[2 4 8 16] [2 4 8] [int8 bitpack] [auto] [] []" && s.Base.Window.W == 1
		}},
		{"lists replace the defaults", []string{"--packings", "int16, float16", "--methods", "pca,febam", "--latent-dims", "3"}, func(s *Settings) bool {
			g := &s.Grid
			return reflect.DeepEqual(g.Packings, []bam.Packing{bam.Int16, bam.Float16}) && reflect.DeepEqual(g.MethodNames, []string{"pca", "febam"}) && reflect.DeepEqual(g.LatentDims, []int{3})
		}},
		{"parameters of methods", []string{"--methods", "febam", "--epochs", "7", "--seed", "5"}, func(s *Settings) bool {
			m, err := s.Grid.methods()
			return err == nil && fmt.Sprintf("%+v", m["febam"])[:10] == "&{Epochs:7" && s.Base.Seed == 5
		}},
	} {
		var s Settings
		fs := flag.NewFlagSet("sweep", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		s.RegisterFlags(fs)
		if err := fs.Parse(c.args); err != nil || !c.check(&s) {
			t.Errorf("%s: %v, %+v", c.name, err, s)
		}
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
