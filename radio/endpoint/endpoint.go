package endpoint

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/runspec"
)

// ErrSettings marks settings that do not fit together, with each other or with
// the RunSpec.
var ErrSettings = errors.New("endpoint: invalid settings")

// Settings are what a RunSpec does not say. The zero value is the default.
type Settings struct {
	// Manifest is the path of a bam_manifest.json. It stands in for the RunSpec's
	// codec.params.manifest_path and artifacts_manifest. "": what these say.
	Manifest string
	// Codec is used instead of building the one that the RunSpec names. It must
	// have its id and version. nil: the codec is built.
	Codec codec.Codec
	// Latency is how long a radio takes to carry a frame of a number of bytes
	// between the host and the air. nil: what the radio says, where it is a
	// radio.LatencyRadio, and otherwise 0.
	Latency func(frameLen int) time.Duration
}

// Endpoint is one end of a link, ready to run. It is immutable; its methods may
// be called from several goroutines at once.
type Endpoint struct {
	spec    *runspec.RunSpec
	codec   codec.Codec
	latency func(frameLen int) time.Duration // nil: the radio's
	start   runlog.Start
}

// Open returns the endpoint of the RunSpec in a file, which must be of the given
// role: runspec.RoleTX or runspec.RoleRX. Settings may be nil.
func Open(path, role string, settings *Settings) (*Endpoint, error) {
	spec, err := runspec.Load(path)
	if err != nil {
		return nil, err
	}
	if spec.Role != role {
		return nil, fmt.Errorf("%w: %s: role: %s, want %s", ErrSettings, path, spec.Role, role)
	}
	e, err := New(spec, settings)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

// New returns the endpoint of a RunSpec, which must not be changed afterwards.
// Settings may be nil. It builds the codec and verifies the model's files where
// an artifacts.json says what they must be.
func New(spec *runspec.RunSpec, settings *Settings) (*Endpoint, error) {
	if settings == nil {
		settings = &Settings{}
	}
	e := &Endpoint{spec: spec, codec: settings.Codec, latency: settings.Latency, start: runlog.Start{RunSpec: spec}}
	if e.codec != nil {
		if err := e.checkCodec(); err != nil {
			return nil, err
		}
		e.start.ModelHash = optional(modelHash(e.codec))
		return e, nil
	}
	params, err := codec.ParseParams(spec.Codec.Params)
	if err != nil {
		return nil, err
	}
	if settings.Manifest != "" {
		params.ManifestPath = settings.Manifest
	}
	e.codec, err = codec.New(codec.Spec{ID: spec.Codec.ID, Version: spec.Codec.Version, Params: params,
		Dims: spec.Window.Dims, W: spec.Window.W, Stride: spec.Window.Stride, MaxPayloadBytes: spec.MaxPayloadBytes})
	if err != nil {
		return nil, err
	}
	e.start.ModelHash = optional(modelHash(e.codec))
	return e, e.findArtifacts(params.ManifestPath, settings.Manifest == "")
}

// checkCodec reports a codec of the caller's that is not the RunSpec's.
func (e *Endpoint) checkCodec() error {
	c, spec := e.codec, e.spec
	n := spec.Window.Dims * spec.Window.W
	switch {
	case c.ID() != spec.Codec.ID || c.Version() != spec.Codec.Version:
		return fmt.Errorf("%w: codec %s version %q, want %s version %q as in the RunSpec", ErrSettings, c.ID(), c.Version(), spec.Codec.ID, spec.Codec.Version)
	case c.WindowLen() != n:
		return fmt.Errorf("%w: codec %s takes windows of %d values, want %d as in the RunSpec", ErrSettings, c.ID(), c.WindowLen(), n)
	case c.MaxPayloadLen() > spec.MaxPayloadBytes:
		return fmt.Errorf("%w: codec %s makes payloads of up to %d bytes, want at most %d as in the RunSpec", ErrSettings, c.ID(), c.MaxPayloadLen(), spec.MaxPayloadBytes)
	}
	return nil
}

// findArtifacts notes the artifacts.json by which the model at manifest was
// verified as it was loaded. Where the RunSpec asks for one, there must be one.
func (e *Endpoint) findArtifacts(manifest string, asked bool) error {
	model := modelOf(e.codec)
	if model == nil {
		return nil
	}
	path := filepath.Join(filepath.Dir(manifest), artifacts.ArtifactsFile)
	want := e.spec.ArtifactsManifest
	if asked && want != "" && filepath.Clean(want) != path {
		return fmt.Errorf("%w: artifacts_manifest: %s, want %s beside the manifest", ErrSettings, want, path)
	}
	if model.Artifacts != nil {
		e.start.ArtifactsManifest, e.start.ManifestFingerprint = optional(path), optional(model.Artifacts.Fingerprint())
	} else if asked && want != "" {
		return fmt.Errorf("%w: %s: no such file, want the model's artifacts to verify it by", ErrSettings, path)
	}
	return nil
}

// optional is nil for an empty string.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Spec returns the RunSpec. It must not be changed.
func (e *Endpoint) Spec() *runspec.RunSpec { return e.spec }

// Codec returns the codec.
func (e *Endpoint) Codec() codec.Codec { return e.codec }

// Schema returns the names and units of the values of a step, as far as the
// codec or the number of values tells.
func (e *Endpoint) Schema() sensor.Schema { return schemaOf(e.codec, e.spec.Window.Dims) }

// ModelHash returns the hash of the model behind the codec, by which two ends
// agree on one; "" where the codec has none.
func (e *Endpoint) ModelHash() string {
	if e.start.ModelHash == nil {
		return ""
	}
	return *e.start.ModelHash
}

// DataStd returns the standard deviation of each value over the windows that the
// codec was made from; nil where the codec does not tell.
func (e *Endpoint) DataStd() []float64 { return dataStd(e.codec) }

// LogHeader returns what every line of the run's log repeats.
func (e *Endpoint) LogHeader() runlog.Header {
	return runlog.Header{RunID: e.spec.RunID, Role: link.Role(e.spec.Role), Mode: e.spec.Mode, PHYID: e.spec.PHY.Radio().ID()}
}

// LogPath returns the path of the run's log.
func (e *Endpoint) LogPath() string {
	return filepath.Join(e.spec.Logging.OutDir, e.LogHeader().FileName())
}

// Timing returns the timing of the link over a radio; nil stands for one without
// latency.
func (e *Endpoint) Timing(r radio.Radio) link.Timing {
	tx := e.spec.TX
	t := link.Timing{
		PHY:           e.spec.PHY.Radio(),
		Guard:         time.Duration(tx.GuardMs) * time.Millisecond,
		AckTimeout:    time.Duration(tx.AckTimeoutMs) * time.Millisecond,
		MaxRetries:    tx.MaxRetries,
		MaxInFlight:   tx.MaxInFlight,
		MaxPayloadLen: e.spec.MaxPayloadBytes,
		Latency:       e.latency,
	}
	if l, ok := r.(radio.LatencyRadio); ok && t.Latency == nil {
		t.Latency = l.Latency
	}
	return t
}

// SenderSettings returns the settings of the link's sender over a radio, or nil
// for one without latency. [Endpoint.Send] adds the first SEQ and a clock.
func (e *Endpoint) SenderSettings(r radio.Radio) link.SenderSettings {
	tx := e.spec.TX
	return link.SenderSettings{Timing: e.Timing(r), Codec: e.codec, Queue: link.QueuePolicy(tx.Queue), QueueLen: tx.QueueLen, DutyCycle: tx.DutyCycle}
}

// ReceiverSettings returns the settings of the link's receiver over a radio, or
// nil for one without latency. It decodes where the RunSpec's mode is LATENT.
func (e *Endpoint) ReceiverSettings(r radio.Radio) link.ReceiverSettings {
	s := link.ReceiverSettings{Timing: e.Timing(r), DutyCycle: e.spec.TX.DutyCycle}
	if e.spec.Mode == runspec.ModeLatent {
		s.Codec = e.codec
	}
	return s
}

// CheckPeer reports where two ends differ in what they must share: the PHY but
// for its power, the window, the codec, the payload schema and the model.
func (e *Endpoint) CheckPeer(peer *Endpoint) error {
	phy := func(e *Endpoint) runspec.PHY {
		p := runspec.FromRadio(e.spec.PHY.Radio())
		p.TxPowerDBm = 0 // each end may choose its own
		return p
	}
	for _, d := range []struct {
		what       string
		mine, your any
	}{
		{"phy", phy(e), phy(peer)},
		{"window", e.spec.Window, peer.spec.Window},
		{"codec", e.codec.ID() + " " + e.codec.Version(), peer.codec.ID() + " " + peer.codec.Version()},
		{"payload schema", e.codec.Schema(), peer.codec.Schema()},
		{"model", e.ModelHash(), peer.ModelHash()},
	} {
		if d.mine != d.your {
			return fmt.Errorf("%w: the ends differ in %s: %s has %+v, %s %+v", ErrSettings, d.what, e.spec.Role, d.mine, peer.spec.Role, d.your)
		}
	}
	return nil
}
