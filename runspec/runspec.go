// Package runspec reads, checks and writes RunSpecs. A RunSpec is a file that describes
// one end of a run, the sender or the receiver: its role, radio parameters, windows,
// codec, rules for sending, and the folder for logs. Package radio/endpoint runs it.
//
// The file is YAML, or JSON with the same keys:
//
//	run_id: example_bam            # name of the log files, without path separators
//	role: tx                       # tx | rx
//	mode: LATENT                   # LATENT: the receiver decodes payloads; RAW: it does not
//	phy: {sf: 7, bw_hz: 125000, cr: 5, preamble: 8, crc_on: false,
//	      explicit_header: true, tx_power_dbm: 22, ldro: auto}
//	window: {dims: 12, W: 1, stride: 1, sample_hz: 1.0}
//	codec: {id: bam, version: "0", params: {manifest_path: models/a/bam_manifest.json}}
//	tx: {guard_ms: 20, ack_timeout_ms: auto, max_retries: 0, max_inflight: 1}
//	logging: {out_dir: out/runtime}
//	max_payload_bytes: 238         # 1..255, but a frame holds at most 238
//	artifacts_manifest: models/a/artifacts.json
//
// Paths are relative to the working directory. Both ends log mode, whether it has an
// effect there or not. These keys are shared with an existing Python program, the
// reference. This package adds tx.queue, tx.queue_len, tx.duty_cycle and phy.profile.
// phy.profile is one of [Profiles]; it sets every key of phy that the file lacks.
//
// [Load] and [Parse] report all faults of a file at once in an [*Error]: the key of
// each, what was found and what is allowed. An unknown key is a fault too, because it
// is probably misspelt.
package runspec

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/internal/inputfile"
	"github.com/loralink/loralink-go/radio"
)

// MaxFileBytes is the largest size of a RunSpec in bytes. A larger file is refused.
const MaxFileBytes = 64 << 10

// ErrInvalid is wrapped by every error about the content of a RunSpec.
var ErrInvalid = errors.New("runspec: invalid")

// Roles, modes and queue policies.
const (
	RoleTX = "tx" // the sender
	RoleRX = "rx" // the receiver

	ModeRaw    = "RAW"    // the receiver does not decode payloads
	ModeLatent = "LATENT" // the receiver decodes payloads, whatever the codec

	QueueBlock      = "block"       // the source of windows waits while the queue is full
	QueueDropOldest = "drop_oldest" // a full queue drops its oldest window, which suits a live sensor
	QueueDropNewest = "drop_newest" // a full queue drops the new window
)

// RunSpec describes one end of a run. The zero value is not valid; [Parse] sets the
// defaults of keys that the file lacks. A tag validate holds a field's rule for the
// library validator, want its text in faults, and need says when the key is required.
type RunSpec struct {
	RunID             string  `yaml:"run_id" json:"run_id" validate:"required,excludesall=/\\" want:"a name without path separators" need:"always"`
	Role              string  `yaml:"role" json:"role" validate:"oneof=tx rx" want:"tx or rx" need:"always"`
	Mode              string  `yaml:"mode" json:"mode" validate:"oneof=RAW LATENT" want:"RAW or LATENT" need:"always"`
	PHY               PHY     `yaml:"phy" json:"phy" need:"always" want:"a mapping"`
	Window            Window  `yaml:"window" json:"window" need:"always" want:"a mapping"`
	Codec             Codec   `yaml:"codec" json:"codec" need:"always" want:"a mapping"`
	TX                TX      `yaml:"tx" json:"tx" need:"tx" want:"a mapping"`
	Logging           Logging `yaml:"logging" json:"logging" need:"always" want:"a mapping"`
	MaxPayloadBytes   int     `yaml:"max_payload_bytes" json:"max_payload_bytes" validate:"min=1,max=255" want:"1..255"` // a frame holds at most 238
	ArtifactsManifest string  `yaml:"artifacts_manifest,omitempty" json:"artifacts_manifest,omitempty" want:"a path"`
}

// PHY is the radio's physical layer in the form of the file.
type PHY struct {
	Profile        string `yaml:"profile,omitempty" json:"profile,omitempty" want:"a profile's name"`
	SF             int    `yaml:"sf" json:"sf" need:"phy" want:"5..12"`
	BandwidthHz    int    `yaml:"bw_hz" json:"bw_hz" need:"phy" want:"Hz, as 125000"`
	CodingRate     int    `yaml:"cr" json:"cr" need:"phy" want:"1..4 or 5..8"` // 1..4, or the denominator 5..8: 1 and 5 both mean 4/5
	Preamble       int    `yaml:"preamble" json:"preamble" need:"phy" want:"1..65535"`
	CRCOn          bool   `yaml:"crc_on" json:"crc_on" need:"phy" want:"true or false"`
	ExplicitHeader bool   `yaml:"explicit_header" json:"explicit_header" need:"phy" want:"true or false"`
	TxPowerDBm     int    `yaml:"tx_power_dbm" json:"tx_power_dbm" need:"phy" want:"-9..22"`
	LDRO           LDRO   `yaml:"ldro" json:"ldro" want:"true, false or auto"`
}

// Radio converts p to a radio.PHY.
func (p PHY) Radio() radio.PHY {
	cr := p.CodingRate
	if cr >= 5 {
		cr -= 4
	}
	return radio.PHY{SF: p.SF, BandwidthHz: p.BandwidthHz, CodingRate: cr, Preamble: p.Preamble, CRC: p.CRCOn,
		ExplicitHeader: p.ExplicitHeader, LDRO: radio.LDRO(p.LDRO), TxPowerDBm: p.TxPowerDBm}
}

// FromRadio converts p to the form of the file.
func FromRadio(p radio.PHY) PHY {
	return PHY{SF: p.SF, BandwidthHz: p.BandwidthHz, CodingRate: p.CodingRate + 4, Preamble: p.Preamble, CRCOn: p.CRC,
		ExplicitHeader: p.ExplicitHeader, TxPowerDBm: p.TxPowerDBm, LDRO: LDRO(p.LDRO)}
}

// Profiles returns the values of phy.profile with their PHYs: the air data rates of the
// E22-900T22S module, e22_0.3k to e22_62.5k. Times on air that are derived from them are
// estimates, see [radio.AirDataRate].
func Profiles() []Profile {
	var all []Profile
	for _, a := range radio.AirDataRates() {
		all = append(all, Profile{"e22_" + a.Name, a.PHY})
	}
	return all
}

// Profile is a named PHY.
type Profile struct {
	Name string
	PHY  radio.PHY
}

// LDRO is a radio.LDRO. In a file it is true, false or auto.
type LDRO radio.LDRO

func (l LDRO) value() any {
	switch radio.LDRO(l) {
	case radio.LDROOn:
		return true
	case radio.LDROOff:
		return false
	}
	return "auto"
}

// MarshalYAML writes true, false or auto.
func (l LDRO) MarshalYAML() (any, error) { return l.value(), nil }

// MarshalJSON writes true, false or "auto".
func (l LDRO) MarshalJSON() ([]byte, error) { return json.Marshal(l.value()) }

// Window describes how samples are cut into windows: each has W steps of Dims values, and a
// new window begins every Stride samples. There are SampleHz samples per second.
type Window struct {
	Dims     int     `yaml:"dims" json:"dims" validate:"min=1,max=4096" want:"1..4096"`
	W        int     `yaml:"W" json:"W" validate:"min=1,max=4096" want:"1..4096" need:"always"`
	Stride   int     `yaml:"stride" json:"stride" validate:"min=1" want:"1 or more"`
	SampleHz float64 `yaml:"sample_hz" json:"sample_hz" validate:"gt=0,lte=1000000" want:"more than 0" need:"always"`
}

// Codec names the codec, its version and its parameters.
type Codec struct {
	ID      string         `yaml:"id" json:"id" validate:"required" want:"a codec's id" need:"always"`
	Version string         `yaml:"version" json:"version" validate:"required" want:"a version in quotes" need:"always"`
	Params  map[string]any `yaml:"params,omitempty" json:"params,omitempty" want:"a mapping"`
}

// TX holds the rules for sending. The receiver uses it too, to compute
// link.Timing.Memory. The two ends need the same values.
type TX struct {
	GuardMs      int        `yaml:"guard_ms" json:"guard_ms" validate:"min=0,max=3600000" want:"0 or more" need:"tx"`
	AckTimeoutMs AckTimeout `yaml:"ack_timeout_ms" json:"ack_timeout_ms" validate:"min=0,max=3600000" want:"auto, or 1..3600000" need:"tx"`
	MaxRetries   int        `yaml:"max_retries" json:"max_retries" validate:"min=0,max=1000" want:"0..1000" need:"tx"`
	MaxInFlight  int        `yaml:"max_inflight" json:"max_inflight" validate:"min=1,max=127" want:"1..127"`
	MaxWindows   int        `yaml:"max_windows,omitempty" json:"max_windows,omitempty" validate:"min=0" want:"1 or more, or none"` // 0, which a file must not have: no limit
	Queue        string     `yaml:"queue" json:"queue" validate:"oneof=block drop_oldest drop_newest" want:"block, drop_oldest or drop_newest"`
	QueueLen     int        `yaml:"queue_len" json:"queue_len" validate:"min=1,max=1000000" want:"1..1000000"`
	DutyCycle    float64    `yaml:"duty_cycle,omitempty" json:"duty_cycle,omitempty" validate:"min=0,max=1" want:"a share of time such as 0.01, or none"` // 0: no limit
}

// AckTimeout is a time in milliseconds. 0 means calculated, see
// link.Timing.AckTimeoutFor; in a file that is auto.
type AckTimeout int

func (a AckTimeout) value() any {
	if a == 0 {
		return "auto"
	}
	return int(a)
}

// MarshalYAML writes milliseconds or auto.
func (a AckTimeout) MarshalYAML() (any, error) { return a.value(), nil }

// MarshalJSON writes milliseconds or "auto".
func (a AckTimeout) MarshalJSON() ([]byte, error) { return json.Marshal(a.value()) }

// Logging holds the folder of the event log.
type Logging struct {
	OutDir string `yaml:"out_dir" json:"out_dir" validate:"required" want:"a folder" need:"always"`
}

// Load reads a RunSpec from a file and checks it. If the content has faults, the error is
// an [*Error].
func Load(path string) (*RunSpec, error) {
	f, size, err := inputfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("runspec: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, min(size, MaxFileBytes+1)))
	if err != nil {
		return nil, fmt.Errorf("runspec: %w", err)
	}
	spec, err := Parse(data)
	if located, ok := errors.AsType[*Error](err); ok {
		located.File = path
	}
	return spec, err
}

// Parse reads a RunSpec from YAML or JSON and checks it. The error is an [*Error].
func Parse(data []byte) (*RunSpec, error) {
	spec := RunSpec{
		Window:          Window{Dims: 12, Stride: 1},
		TX:              TX{MaxInFlight: 1, Queue: QueueBlock, QueueLen: 64},
		MaxPayloadBytes: 238,
	}
	faults := decode(data, &spec)
	// If a field could not be read, report only that.
	seen := map[string]bool{}
	for _, f := range faults {
		seen[f.Path] = true
	}
	for _, f := range spec.faults() {
		if !seen[f.Path] && !underAny(f.Path, seen) {
			faults = append(faults, f)
		}
	}
	if len(faults) > 0 {
		return nil, &Error{Faults: faults}
	}
	return &spec, nil
}

// underAny reports whether a key that contains path is in seen.
func underAny(path string, seen map[string]bool) bool {
	if seen[""] {
		return true
	}
	for i := range path {
		if path[i] == '.' && seen[path[:i]] {
			return true
		}
	}
	return false
}

// Marshal returns the RunSpec as YAML, including defaults. The error is that of Check.
func (s *RunSpec) Marshal() ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	b, err := yaml.MarshalWithOptions(s, yaml.IndentSequence(true))
	if err != nil {
		return nil, fmt.Errorf("runspec: %w", err)
	}
	return b, nil
}

// Save checks the RunSpec and writes it to path: as JSON if the name ends in .json,
// otherwise as YAML. If it returns an error, an existing file is unchanged.
func (s *RunSpec) Save(path string) error {
	b, err := s.Marshal()
	if err != nil {
		return err
	}
	if strings.EqualFold(filepath.Ext(path), ".json") {
		if b, err = json.MarshalIndent(s, "", "  "); err != nil {
			return fmt.Errorf("runspec: %w", err)
		}
		b = append(b, '\n')
	}
	if err := atomicfile.WriteBytes(path, b); err != nil {
		return fmt.Errorf("runspec: %w", err)
	}
	return nil
}
