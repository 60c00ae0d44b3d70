package codec

import (
	"fmt"
	"io/fs"
	"math"
	"strings"
	"sync"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/modelfile"
)

const bamID = artifacts.CodecID

// BAM sends the packed latent of a trained model, a bidirectional associative
// memory. The error of a decoded window depends on the model and the data; it has no
// bound.
type BAM struct {
	model  *artifacts.Model
	packer bam.Packer
	// float32Norm: windows are normalised in float32.
	float32Norm bool
	pool        sync.Pool // *bamScratch
}

var _ interface {
	Codec
	FixedLength
	Windowed
	Described
	Modelled
	Saturating
} = (*BAM)(nil)

type bamScratch struct {
	net *bam.Scratch
	x   []float32 // a normalised window
	y   []float32 // its latent
}

// LoadBAM returns the codec of the model whose bam_manifest.json is at path. If there
// is an artifacts.json beside it, the model's files must be those it lists.
func LoadBAM(path string) (*BAM, error) { return opener{tree: modelfile.Disk()}.bam(path) }

// LoadBAMFS is like LoadBAM with a file in fsys, such as an embed.FS.
func LoadBAMFS(fsys fs.FS, name string) (*BAM, error) {
	return opener{tree: modelfile.FS(fsys), dir: "."}.bam(name)
}

func (o opener) bam(name string) (*BAM, error) {
	var m *artifacts.Model
	var err error
	switch fsys := o.tree.FS(); {
	case fsys != nil:
		m, err = artifacts.LoadFS(fsys, name)
	case o.warn != nil:
		m, err = artifacts.LoadUnverified(name)
	default:
		m, err = artifacts.Load(name)
	}
	if err != nil {
		return nil, err
	}
	if o.warn != nil && m.Artifacts != nil {
		if err := m.Artifacts.Verify(m); err != nil {
			o.warn(err)
		}
	}
	return NewBAM(m)
}

// NewBAM returns the codec of a model, which must not be modified afterwards.
func NewBAM(m *artifacts.Model) (*BAM, error) {
	packer, err := m.Packer()
	if err != nil {
		return nil, err
	}
	c := &BAM{model: m, packer: packer}
	c.pool.New = func() any {
		return &bamScratch{
			net: m.Net.NewScratch(),
			x:   make([]float32, m.Net.InputLen()),
			y:   make([]float32, m.Net.LatentDim()),
		}
	}
	return c, nil
}

// WithFloat32Norm returns the codec of the same model that normalises windows in
// float32, see bam.Norm.NormalizeFloat32, and so encodes the payloads of the reference to
// the byte. The default, float64, keeps the digits of latitudes. Either decodes the
// payloads of the other.
func (c *BAM) WithFloat32Norm() (*BAM, error) {
	with, err := NewBAM(c.model)
	if err != nil {
		return nil, err
	}
	with.float32Norm = true
	return with, nil
}

// Model returns the codec's model, which must not be modified.
func (c *BAM) Model() *artifacts.Model { return c.model }

// ID returns "bam".
func (c *BAM) ID() string { return bamID }

// Version returns "0".
func (c *BAM) Version() string { return artifacts.CodecVersion }

// Schema returns a string with the number of latents, the packing and its scale.
func (c *BAM) Schema() string { return c.model.Manifest.Schema() }

// String returns a short text for people, such as "bam, 4 latents as int8, scale 146".
func (c *BAM) String() string {
	m := &c.model.Manifest
	text := fmt.Sprintf("%s, %d latents as %s", bamID, m.LatentDim, m.Packing)
	if m.Packing.Integer() && m.Scale != nil {
		text += fmt.Sprintf(", scale %.4g", *m.Scale)
	}
	return text
}

// WindowLen returns dims·W of the model.
func (c *BAM) WindowLen() int { return c.model.Manifest.WindowLen() }

// MaxPayloadLen returns the length of every payload.
func (c *BAM) MaxPayloadLen() int { return c.packer.PayloadLen() }

// PayloadLen returns the length of every payload.
func (c *BAM) PayloadLen() int { return c.packer.PayloadLen() }

// Window returns the shape of the model's windows.
func (c *BAM) Window() sensor.Shape { return c.model.Manifest.Window() }

// SensorSchema returns what the manifest says of the values of a step.
func (c *BAM) SensorSchema() sensor.Schema { return c.model.Manifest.SensorSchema() }

// ModelHash returns the hash over the model's files, or "" if it was not loaded from
// files.
func (c *BAM) ModelHash() string {
	if len(c.model.Files) == 0 {
		return ""
	}
	return c.model.Hash()
}

// DataStd returns the standard deviation of each value over the training windows, or
// nil if the model has no norm.
func (c *BAM) DataStd() []float64 { return c.model.DataStd() }

// AppendEncode implements Codec.
func (c *BAM) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	if err := checkWindow(c, window); err != nil {
		return dst, err
	}
	s := c.pool.Get().(*bamScratch)
	defer c.pool.Put(s)
	c.latent(s, window)
	out, err := c.packer.AppendPack(dst, s.y)
	if err != nil {
		return dst, fmt.Errorf("%w: %s", ErrValue, strings.TrimPrefix(err.Error(), "bam: "))
	}
	return out, nil
}

func (c *BAM) latent(s *bamScratch, window []float64) {
	switch {
	case c.model.Norm != nil && c.float32Norm:
		c.model.Norm.NormalizeFloat32(s.x, window)
	case c.model.Norm != nil:
		c.model.Norm.Normalize(s.x, window)
	default:
		for i, v := range window {
			s.x[i] = float32(v)
		}
	}
	c.model.Net.Encode(s.y, s.x, s.net)
}

// AppendLatent appends the window's latent, as it is before packing, to dst and
// returns the extended slice.
func (c *BAM) AppendLatent(dst []float32, window []float64) ([]float32, error) {
	if err := checkWindow(c, window); err != nil {
		return dst, err
	}
	s := c.pool.Get().(*bamScratch)
	defer c.pool.Put(s)
	c.latent(s, window)
	return append(dst, s.y...), nil
}

// AppendDecode implements Codec.
func (c *BAM) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	s := c.pool.Get().(*bamScratch)
	defer c.pool.Put(s)
	if err := c.packer.Unpack(s.y, payload); err != nil {
		return dst, fmt.Errorf("%w: %s", ErrCorrupt, strings.TrimPrefix(err.Error(), bam.ErrCorrupt.Error()+": "))
	}
	c.model.Net.Decode(s.x, s.y, s.net)
	out := dst
	if c.model.Norm != nil {
		out = c.model.Norm.AppendDenormalize(dst, s.x)
	} else {
		for _, v := range s.x {
			out = append(out, float64(v))
		}
	}
	for i, v := range out[len(dst):] {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, fmt.Errorf("%w: %s decodes to %g", ErrCorrupt, valueName(c, i), v)
		}
	}
	return out, nil
}

// Saturated implements Saturating.
func (c *BAM) Saturated(payload []byte) (count, total int) {
	return c.packer.Saturated(payload)
}
