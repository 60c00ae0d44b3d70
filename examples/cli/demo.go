package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/radio/endpoint"
)

// OpenEndpoint opens the endpoint of a RunSpec, like endpoint.Open. If isDefault is set,
// because the person named no RunSpec, and its model does not exist, OpenEndpoint first
// trains it as examples/train does without flags. It prints which model is used.
func OpenEndpoint(ctx context.Context, spec, role string, settings *endpoint.Settings, isDefault bool, stdout, stderr io.Writer) (*endpoint.Endpoint, error) {
	e, err := endpoint.Open(spec, role, settings)
	if manifest := missingModel(err); manifest != "" && isDefault && settings.BAMManifest == "" {
		dir := filepath.Dir(manifest)
		fmt.Fprintf(stdout, "no model in %s yet: training one on %s\n", dir, SampleRecording)
		if err := trainDemo(ctx, dir, stderr); err != nil {
			return nil, err
		}
		e, err = endpoint.Open(spec, role, settings)
	}
	if err != nil {
		return nil, ModelHint(err, "--bam-manifest")
	}
	if path := e.Manifest(); path != "" {
		fmt.Fprintf(stdout, "model %s\n", path)
	}
	return e, nil
}

// missingModel returns the path of the manifest that err reports as missing; "" if err is
// another error.
func missingModel(err error) string {
	located, ok := errors.AsType[*artifacts.Error](err)
	if !ok || !errors.Is(err, artifacts.ErrNotFound) || filepath.Base(located.File) != artifacts.ManifestFile {
		return ""
	}
	return located.File
}

// trainDemo trains a model on the recording in testdata with the defaults of
// examples/train, and writes it to dir. If another program does so at the same time, the
// first one's model stays.
func trainDemo(ctx context.Context, dir string, stderr io.Writer) error {
	defaults := flag.NewFlagSet("", flag.ContinueOnError)
	var settings train.Settings
	var methods train.MethodSettings
	var split dataset.SplitSettings
	settings.RegisterFlags(defaults)
	methods.RegisterFlags(defaults)
	split.RegisterFlags(defaults)
	method, err := methods.Method()
	if err != nil {
		return err
	}
	windows, name := OpenDataset("", settings.Window.Dims, settings.Window.W, settings.Window.Stride, stderr)
	if settings.Split, err = split.Split(windows); err != nil {
		return err
	}
	result, err := train.Train(ctx, windows, &settings, method)
	if err != nil {
		return err
	}
	result.Report.Dataset = name
	contents := result.Contents()
	contents.CreatedAt = time.Now()
	if _, err := save.Model(dir, contents, nil); err != nil && !errors.Is(err, save.ErrExists) {
		return err
	}
	return nil
}

// DefaultSampler makes a sampler read the recording in testdata, or simulate samples if
// there is none, unless flags name another source. It returns what it chose; "" if flags
// did.
func DefaultSampler(fs *flag.FlagSet, s *endpoint.SamplerSettings) string {
	if s.Path != "" || IsSet(fs, "sampler") {
		return ""
	}
	if _, err := os.Stat(SampleRecording); err == nil {
		s.Path = SampleRecording
		return SampleRecording
	}
	s.Kind = endpoint.SamplerDummy
	return "simulated samples"
}
