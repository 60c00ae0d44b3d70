package endpoint

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/runspec"
)

// ErrSettings is wrapped by every error about settings that are out of range, or
// contradict each other or the RunSpec.
var ErrSettings = errors.New("endpoint: invalid settings")

// Settings are the settings of [Open] and [New] that a RunSpec does not hold. The zero
// value is the default.
type Settings struct {
	// BAMManifest is the path of a bam_manifest.json. It overrides the RunSpec's
	// codec.params.manifest_path and artifacts_manifest. "": the RunSpec's.
	BAMManifest string
	// Hashes is the path of a file of hashes, such as an artifacts.json, by which the
	// codec is verified. It overrides the RunSpec's artifacts_manifest. If it lies
	// beside a bam_manifest.json, and the codec is bam, it also selects that model,
	// unless BAMManifest is set. "": the RunSpec's.
	Hashes string
	// Codec is the codec to use. It must have the id and version that the RunSpec
	// names. nil: the codec that the RunSpec names.
	Codec codec.Codec
	// Latency returns how long the radio takes to carry a frame of frameLen bytes
	// between the host and the air. nil: the radio's, if it is a radio.LatencyRadio, or
	// else no time.
	Latency func(frameLen int) time.Duration
	// Warn is called with an error for each parameter of the codec that has no effect.
	// It may be nil.
	Warn func(error)
}

// Endpoint is one end of a link. It is immutable, and its methods may be called by
// several goroutines at once.
type Endpoint struct {
	spec    *runspec.RunSpec
	codec   codec.Codec
	latency func(frameLen int) time.Duration // nil: the radio's
	// manifest is the path of the model's manifest; "" if the codec has none.
	manifest string
	start    runlog.Start
}

// Open returns the endpoint of the RunSpec in the file at path. Role is runspec.RoleTX
// or runspec.RoleRX; if the RunSpec has the other role, the error wraps [ErrSettings].
// Other errors are those of runspec.Load and of [New]. Settings may be nil.
func Open(path, role string, settings *Settings) (*Endpoint, error) {
	if role != runspec.RoleTX && role != runspec.RoleRX {
		return nil, fmt.Errorf("%w: role is %q, want %s or %s", ErrSettings, role, runspec.RoleTX, runspec.RoleRX)
	}
	spec, err := runspec.Load(path)
	if err != nil {
		return nil, err
	}
	if spec.Role != role {
		return nil, &fileError{path, fmt.Errorf("%w: role is %s, want %s", ErrSettings, spec.Role, role)}
	}
	e, err := New(spec, settings)
	if err != nil {
		return nil, &fileError{path, err}
	}
	return e, nil
}

// fileError is an error about the RunSpec in a file.
type fileError struct {
	path string
	err  error
}

func (e *fileError) Error() string {
	text := e.err.Error()
	for _, prefix := range []string{"endpoint: ", "artifacts: ", "codec: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return "endpoint: " + e.path + ": " + text
}

func (e *fileError) Unwrap() error { return e.err }

// New returns the endpoint of a RunSpec, which must not be changed afterwards. It
// builds the codec. It verifies it by the file of hashes that the settings or the RunSpec
// name, and a model also by an artifacts.json beside it; the error wraps
// codec.ErrMismatch. If the files of the model, or those hashes, do not exist, the error
// wraps codec.ErrNotFound. Settings may be nil.
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
	warnUnread(spec, settings.Warn)
	hashes := settings.Hashes
	switch {
	case settings.BAMManifest != "":
		params.ManifestPath = settings.BAMManifest
	case hashes == "":
		hashes = spec.ArtifactsManifest
	case spec.Codec.ID == artifacts.CodecID:
		if beside := filepath.Join(filepath.Dir(hashes), artifacts.ManifestFile); isFile(beside) {
			params.ManifestPath = beside
		}
	}
	e.codec, err = codec.New(codec.Spec{ID: spec.Codec.ID, Version: spec.Codec.Version, Params: params,
		Window: sensor.Shape{Dims: spec.Window.Dims, W: spec.Window.W, Stride: spec.Window.Stride}, MaxPayloadBytes: spec.MaxPayloadBytes})
	if err != nil {
		return nil, err
	}
	e.start.ModelHash = optional(modelHash(e.codec))
	if modelOf(e.codec) != nil {
		e.manifest = params.ManifestPath
	}
	if err := e.verify(params.ManifestPath, hashes); err != nil {
		return nil, err
	}
	return e, nil
}

// warnUnread calls warn for each parameter that the RunSpec's codec does not read.
func warnUnread(spec *runspec.RunSpec, warn func(error)) {
	read := codec.ParamsOf(spec.Codec.ID)
	if warn == nil || read == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Codec.Params)) {
		if !slices.Contains(read, name) {
			warn(fmt.Errorf("endpoint: RunSpec codec.params.%s has no effect: codec %s does not read it", name, spec.Codec.ID))
		}
	}
}

// isFile reports whether there is a file at path.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// checkCodec returns an error if the codec of the settings does not fit the RunSpec.
func (e *Endpoint) checkCodec() error {
	c, spec := e.codec, e.spec
	n := spec.Window.Dims * spec.Window.W
	switch {
	case c.ID() != spec.Codec.ID || c.Version() != spec.Codec.Version:
		return fmt.Errorf("%w: Codec is %s version %q, want %s version %q as in the RunSpec", ErrSettings, c.ID(), c.Version(), spec.Codec.ID, spec.Codec.Version)
	case c.WindowLen() != n:
		return fmt.Errorf("%w: Codec %s encodes windows of %d values, want %d as in the RunSpec", ErrSettings, c.ID(), c.WindowLen(), n)
	case c.MaxPayloadLen() > spec.MaxPayloadBytes:
		return fmt.Errorf("%w: Codec %s makes payloads of up to %d bytes, want at most %d as in the RunSpec", ErrSettings, c.ID(), c.MaxPayloadLen(), spec.MaxPayloadBytes)
	}
	return nil
}

// verify compares the codec with the file of hashes at path. If path is "", it notes the
// artifacts.json by which the model at manifest was verified when it was loaded.
func (e *Endpoint) verify(manifest, path string) error {
	model := modelOf(e.codec)
	if path == "" {
		if model != nil && model.Artifacts != nil {
			path = filepath.Join(filepath.Dir(manifest), artifacts.ArtifactsFile)
			e.start.ArtifactsManifest, e.start.ManifestFingerprint = optional(path), optional(model.Artifacts.Fingerprint())
		}
		return nil
	}
	hashes, err := artifacts.LoadHashes(path)
	if err != nil {
		return err
	}
	if err := hashes.Verify(e.codec.ID(), e.codec.Version(), e.codec.Schema(), model); err != nil {
		return err
	}
	e.start.ArtifactsManifest, e.start.ManifestFingerprint = optional(path), optional(hashes.Fingerprint())
	return nil
}

// optional returns nil for an empty string.
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

// SensorSchema returns the schema of the values of a step: the codec's or, if the codec
// knows none, sensor.ForDims of the RunSpec's window.
func (e *Endpoint) SensorSchema() sensor.Schema { return schemaOf(e.codec, e.spec.Window.Dims) }

// ModelHash returns the hash of the codec's model, or "" if the codec has no model. Two
// ends with the same hash have the same model.
func (e *Endpoint) ModelHash() string {
	if e.start.ModelHash == nil {
		return ""
	}
	return *e.start.ModelHash
}

// Manifest returns the path of the model's bam_manifest.json, or "" if the codec is not a
// model or was passed in the settings.
func (e *Endpoint) Manifest() string { return e.manifest }

// DataStd returns the standard deviation of each value over the windows that the
// codec was fitted to, or nil if the codec does not know them.
func (e *Endpoint) DataStd() []float64 { return dataStd(e.codec) }

// LogHeader returns the fields that every line of the run's log repeats.
func (e *Endpoint) LogHeader() runlog.Header {
	return runlog.Header{RunID: e.spec.RunID, Role: link.Role(e.spec.Role), Mode: e.spec.Mode, PHYID: e.spec.PHY.Radio().ID()}
}

// LogPath returns the path of the run's log.
func (e *Endpoint) LogPath() string {
	return filepath.Join(e.spec.Logging.OutDir, e.LogHeader().FileName())
}

// Timing returns the timing of the link over a radio. R may be nil; then only
// Settings.Latency counts.
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

// SenderSettings returns the settings of a link.Sender over a radio, see Timing.
// [Endpoint.Send] adds the first sequence number and a clock.
func (e *Endpoint) SenderSettings(r radio.Radio) link.SenderSettings {
	tx := e.spec.TX
	s := link.SenderSettings{Timing: e.Timing(r), Codec: e.codec, Queue: link.QueuePolicy(tx.Queue), QueueLen: tx.QueueLen, DutyCycle: tx.DutyCycle}
	SetEncoder(&s, e.codec, nil)
	return s
}

// ReceiverSettings returns the settings of a link.Receiver over a radio, see Timing.
// Their codec is nil, so that payloads are not decoded, if the RunSpec's mode is RAW. A
// codec that remembers decodes in either mode.
func (e *Endpoint) ReceiverSettings(r radio.Radio) link.ReceiverSettings {
	s := link.ReceiverSettings{Timing: e.Timing(r), DutyCycle: e.spec.TX.DutyCycle}
	if e.spec.Mode == runspec.ModeLatent {
		s.Codec = e.codec
	}
	SetDecoder(&s, e.codec)
	return s
}

// CheckPeer returns an error that wraps [ErrSettings] if two ends do not fit together.
// They must have the same PHY, except for the power, and the same window, codec,
// payload schema and model.
func (e *Endpoint) CheckPeer(peer *Endpoint) error {
	var differ []string
	compare := func(name string, mine, theirs any) {
		if mine != theirs {
			differ = append(differ, fmt.Sprintf("%s (%s has %v, %s has %v)", name, e.spec.Role, mine, peer.spec.Role, theirs))
		}
	}
	a, b := e.spec.PHY.Radio(), peer.spec.PHY.Radio()
	compare("phy.sf", a.SF, b.SF)
	compare("phy.bw_hz", a.BandwidthHz, b.BandwidthHz)
	compare("phy.cr", a.CodingRate, b.CodingRate)
	compare("phy.preamble", a.Preamble, b.Preamble)
	compare("phy.crc_on", a.CRC, b.CRC)
	compare("phy.explicit_header", a.ExplicitHeader, b.ExplicitHeader)
	compare("phy.ldro", a.LDRO, b.LDRO)
	compare("window.dims", e.spec.Window.Dims, peer.spec.Window.Dims)
	compare("window.W", e.spec.Window.W, peer.spec.Window.W)
	compare("window.stride", e.spec.Window.Stride, peer.spec.Window.Stride)
	compare("window.sample_hz", e.spec.Window.SampleHz, peer.spec.Window.SampleHz)
	compare("codec.id", e.codec.ID(), peer.codec.ID())
	compare("codec.version", e.codec.Version(), peer.codec.Version())
	if e.codec.ID() == peer.codec.ID() {
		compare("codec.params, which make the schema", e.codec.Schema(), peer.codec.Schema())
		compare("the model's hash", e.ModelHash(), peer.ModelHash())
	}
	if differ != nil {
		return fmt.Errorf("%w: the ends differ in %s", ErrSettings, strings.Join(differ, ", "))
	}
	return nil
}
