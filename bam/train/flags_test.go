package train

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

func TestMethodSettings(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "&{Gradient:{Epochs:0 LearningRate:0 Batch:0 Patience:0}}"},
		{[]string{"--method", "gradient", "--epochs", "9", "--learning-rate", "0.01", "--early-stop-patience", "4"}, "&{Epochs:9 LearningRate:0.01 Batch:0 Patience:4}"},
		{[]string{"--method", "auto", "--epochs", "9"}, "&{Gradient:{Epochs:9 LearningRate:0 Batch:0 Patience:0}}"},
		{[]string{"--method", "pca", "--epochs", "9"}, "{}"},
		{[]string{"--method", "febam"}, "&{Epochs:1 LearningRate:0.0001 Cycles:1 InitRange:0.05 WeightClip:0 ShuffleBuffer:0 "},
		{[]string{"--method", "febam", "--epochs", "3", "--cycles", "2", "--shuffle-buffer", "7"}, "&{Epochs:3 LearningRate:0.0001 Cycles:2 InitRange:0.05 WeightClip:0 ShuffleBuffer:7 "},
	} {
		var s MethodSettings
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		s.RegisterFlags(fs)
		if err := fs.Parse(c.args); err != nil {
			t.Fatal(err)
		}
		m, err := s.Method()
		if got := fmt.Sprintf("%+v", m); err != nil || !strings.HasPrefix(got, c.want) || m.Name() != s.Name {
			t.Errorf("%v: %s, %v, want %s", c.args, got, err, c.want)
		}
	}
	for _, name := range MethodNames() {
		if m, err := (&MethodSettings{Name: name}).Method(); err != nil || m.Name() != name {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	for _, s := range []MethodSettings{{Name: "magic"}, {Name: "febam", Epochs: -1}, {Name: "gradient", LearningRate: -1}, {EarlyStopPatience: -1}} {
		if m, err := s.Method(); !errors.Is(err, ErrSettings) || m != nil {
			t.Errorf("%+v: %v, %v", s, m, err)
		}
	}
}

// Flags that are not given leave the defaults of package train.
func TestSettingsFlags(t *testing.T) {
	var s Settings
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	s.RegisterFlags(fs)
	if err := fs.Parse(nil); err != nil {
		t.Fatal(err)
	}
	for _, packing := range []string{"int8", "bitpack"} {
		if err := fs.Parse([]string{"--packing", packing}); err != nil {
			t.Fatal(err)
		}
		got, err := s.withDefaults()
		want, _ := (&Settings{Packing: s.Packing}).withDefaults()
		want.PayloadBytes = 8 // which int8 ignores
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", packing, got, err, want)
		}
	}
	args := "--hidden-dims 24,16 --latent-dim 3 --packing int16 --scale 9 --delta 0.1 --encode-cycles 1 --decode-cycles 2 --auto-scale --auto-scale-percentile 50 " +
		"--auto-scale-max-samples 7 --tolerances 1,2 --max-samples 100 --input-dims 2 --window-W 3 --window-stride 4 --max-payload-bytes 99 --seed 5 --shuffle-seed 6 --payload-bytes 7 --check-byte"
	if err := fs.Parse(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	want := "{Window:2 dims, W 3, stride 4 HiddenDims:[24 16] LatentDim:3 Packing:int16 PayloadBytes:7 CheckByte:true Seed:5 ShuffleSeed:6 Scale:9 AutoScale:true AutoScalePercentile:50 " +
		"AutoScaleWindows:7 Delta:0.1 EncodeCycles:1 DecodeCycles:2 Split:<nil> MaxWindows:100 Tolerances:[1 2] MaxPayloadBytes:99 Start:[] Recorder:<nil>}"
	if got := fmt.Sprintf("%+v", s); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, bad := range []string{"--latent-dim=0", "--window-W=0", "--window-stride=-1", "--max-payload-bytes=0", "--payload-bytes=0", "--scale=0", "--hidden-dims=a", "--hidden-dims=8,0",
		"--packing=int4", "--max-samples=-1", "--latent-dim=4097", "--payload-bytes=300", "--auto-scale-percentile=101", "--auto-scale-max-samples=0", "--input-dims=-1"} {
		if err := fs.Parse([]string{bad}); err == nil {
			t.Errorf("%s passes", bad)
		}
	}
}

// A flag without an effect is refused, with the reason.
func TestCheckFlags(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", ""},
		{"--packing bitpack --payload-bytes 4 --check-byte --latent-dim 8", ""},
		{"--payload-bytes 4", "--payload-bytes has no effect without packing bitpack"},
		{"--packing float32 --check-byte", "--check-byte has no effect without packing bitpack"},
		{"--scale 9", ""},
		{"--scale 9 --packing float32", "--scale has no effect without packing int8 or int16"},
		{"--scale 9 --auto-scale", "--scale has no effect with --auto-scale"},
		{"--auto-scale --packing bitpack", "--auto-scale has no effect without packing int8 or int16"},
		{"--auto-scale --auto-scale-percentile 99 --auto-scale-max-samples 7", ""},
		{"--auto-scale-percentile 99", "--auto-scale-percentile has no effect without --auto-scale"},
		{"--epochs 3", ""},
		{"--method pca --epochs 3", "--epochs has no effect with method pca"},
		{"--learning-rate 1", "--learning-rate has no effect with method auto, which uses the rate of method gradient"},
		{"--packing bitpack --epochs 1", "--epochs has no effect with method auto and packing bitpack, which always use pca"},
		{"--packing bitpack --method gradient --learning-rate 1", ""},
		{"--method febam --cycles 2 --shuffle-seed 1 --min-epochs 1", ""},
		{"--method gradient --cycles 2", "--cycles has no effect without method febam"},
		{"--shuffle-seed 2", "--shuffle-seed has no effect without method febam"},
		{"--tolerances 1", ""},
		{"--method febam --tolerances 1", "--tolerances has no effect with method febam"},
	} {
		var s Settings
		var m MethodSettings
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		s.RegisterFlags(fs)
		m.RegisterFlags(fs)
		if err := fs.Parse(strings.Fields(c.args)); err != nil {
			t.Fatal(err)
		}
		err := CheckFlags(fs, []bam.Packing{s.Packing}, []string{m.Name})
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrSettings) || err.Error() != "train: invalid settings: "+c.want+", want it left out") {
			t.Errorf("%s: %v", c.args, err)
		}
	}
}

// Shapes beyond reason are refused before anything is allocated, also if their product
// overflows an int.
func TestWindowShapeBeyondReason(t *testing.T) {
	const huge = math.MaxInt
	for _, s := range []Settings{
		{Window: sensor.Shape{Dims: huge}},
		{Window: sensor.Shape{W: huge}},
		{Window: sensor.Shape{Dims: huge/2 + 1, W: 4}},
		{Window: sensor.Shape{Dims: 257, W: 256}},
		{Window: sensor.Shape{Dims: -1}},
		{HiddenDims: []int{huge}},
		{HiddenDims: []int{60000, 60000}},
		{HiddenDims: []int{1 << 16, 1 << 16, 1 << 16}},
		{LatentDim: huge},
		{Packing: bam.BitPack, PayloadBytes: huge},
		{MaxPayloadBytes: huge},
		{EncodeCycles: huge},
	} {
		testenv.FewBytes(t, func() {
			if err := s.Check(); !errors.Is(err, ErrSettings) {
				t.Errorf("%+v: %v, want ErrSettings", s, err)
			}
		})
	}
	// The hidden layer is small enough for windows of 12 values, but not for these.
	windows := make([][]float64, 3)
	for i := range windows {
		windows[i] = make([]float64, 3000)
		windows[i][i] = 1
	}
	if _, err := Train(t.Context(), sequence(windows), &Settings{HiddenDims: []int{2000}}, PCA{}); !errors.Is(err, ErrSettings) {
		t.Errorf("%v, want ErrSettings", err)
	}
}
