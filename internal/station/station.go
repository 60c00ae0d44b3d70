// Package station builds one end of a link from a RunSpec: its codec, checked
// against the model's artifacts, and the settings of the link's machines. It is
// what the programs that run links share.
package station

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/runspec"
)

// Station is one end of a link.
type Station struct {
	Spec     *runspec.RunSpec
	Codec    codec.Codec
	Timing   link.Timing
	Manifest string // path of the model's manifest; empty where the codec has none
	// ArtifactsFile is the artifacts.json that was verified; empty where there
	// was none.
	ArtifactsFile string
	Fingerprint   string // of it
	ModelHash     string // empty where the codec has no model
}

// New builds the station of a RunSpec. A manifest, where not empty, stands in
// for the RunSpec's manifest_path and artifacts_manifest.
func New(spec *runspec.RunSpec, manifest string) (*Station, error) {
	s := &Station{Spec: spec, Timing: Timing(spec)}
	params, err := codec.ParseParams(spec.Codec.Params)
	if err != nil {
		return nil, err
	}
	if manifest != "" {
		params.ManifestPath = manifest
	}
	s.Codec, err = codec.New(codec.Spec{ID: spec.Codec.ID, Version: spec.Codec.Version, Params: params,
		Window: sensor.Shape{Dims: spec.Window.Dims, W: spec.Window.W, Stride: spec.Window.Stride}, MaxPayloadBytes: spec.MaxPayloadBytes})
	if err != nil {
		return nil, err
	}
	bam, ok := s.Codec.(*codec.BAM)
	if !ok {
		return s, nil
	}
	model := bam.Model()
	path := params.ManifestPath
	s.Manifest, s.ModelHash = path, model.Hash()
	beside := filepath.Join(filepath.Dir(path), artifacts.ArtifactsFile)
	if want := spec.ArtifactsManifest; manifest == "" && want != "" && filepath.Clean(want) != beside {
		return nil, fmt.Errorf("artifacts_manifest: %s, want %s beside the manifest", want, beside)
	}
	if model.Artifacts != nil { // verified as the model was loaded
		s.ArtifactsFile, s.Fingerprint = beside, model.Artifacts.Fingerprint()
	} else if manifest == "" && spec.ArtifactsManifest != "" {
		return nil, fmt.Errorf("%s: no such file, want the model's artifacts to verify it by", beside)
	}
	return s, nil
}

// Timing returns what a RunSpec says of timing, without the radio's latency.
func Timing(spec *runspec.RunSpec) link.Timing {
	return link.Timing{
		PHY:           spec.PHY.Radio(),
		Guard:         time.Duration(spec.TX.GuardMs) * time.Millisecond,
		AckTimeout:    time.Duration(spec.TX.AckTimeoutMs) * time.Millisecond,
		MaxRetries:    spec.TX.MaxRetries,
		MaxInFlight:   spec.TX.MaxInFlight,
		MaxPayloadLen: spec.MaxPayloadBytes,
	}
}

// Sender returns the settings of this end's sender.
func (s *Station) Sender() link.SenderSettings {
	return link.SenderSettings{Timing: s.Timing, Codec: s.Codec, Queue: link.QueuePolicy(s.Spec.TX.Queue),
		QueueLen: s.Spec.TX.QueueLen, DutyCycle: s.Spec.TX.DutyCycle}
}

// Receiver returns the settings of this end's receiver. It decodes where the
// RunSpec's mode is LATENT.
func (s *Station) Receiver() link.ReceiverSettings {
	cfg := link.ReceiverSettings{Timing: s.Timing, DutyCycle: s.Spec.TX.DutyCycle}
	if s.Spec.Mode == runspec.ModeLatent {
		cfg.Codec = s.Codec
	}
	return cfg
}

// Agree says where two ends differ in what they must share.
func Agree(tx, rx *Station) error {
	type difference struct {
		what   string
		tx, rx any
	}
	phy := func(s *Station) runspec.PHY {
		p := runspec.FromRadio(s.Timing.PHY)
		p.TxPowerDBm = 0 // each end may choose its own
		return p
	}
	for _, d := range []difference{
		{"phy", phy(tx), phy(rx)},
		{"window", tx.Spec.Window, rx.Spec.Window},
		{"codec", tx.Codec.ID() + " " + tx.Codec.Version(), rx.Codec.ID() + " " + rx.Codec.Version()},
		{"payload schema", tx.Codec.Schema(), rx.Codec.Schema()},
		{"model", tx.ModelHash, rx.ModelHash},
	} {
		if d.tx != d.rx {
			return fmt.Errorf("the ends differ in %s: tx has %+v, rx %+v", d.what, d.tx, d.rx)
		}
	}
	return nil
}

// Load loads a RunSpec and checks its role.
func Load(path, role string) (*runspec.RunSpec, error) {
	spec, err := runspec.Load(path)
	if err != nil {
		return nil, err
	}
	if spec.Role != role {
		return nil, fmt.Errorf("%s: role: %s, want %s", path, spec.Role, role)
	}
	return spec, nil
}

// load builds the station of the RunSpec in a file.
func load(path, role, manifest string) (*Station, error) {
	spec, err := Load(path, role)
	if err != nil {
		return nil, err
	}
	s, err := New(spec, manifest)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
