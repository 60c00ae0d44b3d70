package trainflags

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/examples/cli"
)

func TestMethod(t *testing.T) {
	for _, c := range []struct {
		name, method string
		args         []string
		want         string
	}{
		{"defaults", "gradient", nil, "&{Epochs:0 LearningRate:0 Batch:0 Patience:0 Seed:0}"},
		{"parameters", "gradient", []string{"--epochs", "9", "--learning-rate", "0.01", "--early-stop-patience", "4", "--seed", "3"}, "&{Epochs:9 LearningRate:0.01 Batch:0 Patience:4 Seed:3}"},
		{"auto hands them on", "auto", []string{"--epochs", "9"}, "&{Gradient:{Epochs:9 LearningRate:0 Batch:0 Patience:0 Seed:0}}"},
		{"pca has none", "pca", []string{"--epochs", "9"}, "{}"},
		{"febam's defaults", "febam", nil, "Epochs:1 LearningRate:0.0001 Cycles:1 InitRange:0.05"},
	} {
		var f Flags
		fs := cli.NewFlags("tool", "")
		f.Register(fs)
		if err := cli.Parse(fs, c.args, io.Discard); err != nil {
			t.Fatal(err)
		}
		m, err := f.Method("method", c.method)
		if got := fmt.Sprintf("%+v", m); err != nil || f.Check() != nil || !strings.Contains(got, c.want) || m.Name() != c.method {
			t.Errorf("%s: %s, %v, want %s", c.name, got, err, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, args := range [][]string{{"--epochs", "0"}, {"--cycles", "-1"}, {"--window-W", "0"}, {"--window-stride", "0"}, {"--max-payload-bytes", "0"}} {
		var f Flags
		fs := cli.NewFlags("tool", "")
		f.Register(fs)
		if err := cli.Parse(fs, args, io.Discard); err != nil {
			t.Fatal(err)
		}
		if err := f.Check(); err == nil || !strings.Contains(err.Error(), args[0]) {
			t.Errorf("%v: %v", args, err)
		}
	}
	var f Flags
	f.Register(cli.NewFlags("tool", ""))
	var usage *cli.UsageError
	if _, err := f.Method("methods", "magic"); !errors.As(err, &usage) || !strings.Contains(err.Error(), "--methods") {
		t.Errorf("unknown method: %v", err)
	}
}
