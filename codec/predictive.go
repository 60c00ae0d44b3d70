package codec

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/modelfile"
	"github.com/loralink/loralink-go/internal/predict"
)

const (
	predictiveID      = "predictive"
	predictiveVersion = "1"

	maxPredictiveDims = 64
	// minKeyBytes is the least Params.PayloadBytes of predictive: key frames of less
	// could refuse windows.
	minKeyBytes     = 7
	defaultKeyAfter = 3
	// maxReference is the largest distance, in SEQ, from a window to the one on which
	// its payload builds.
	maxReference = 15
)

// The values of Params.Profile. The small profile has no regressions, for
// microcontrollers.
const (
	ProfileFull  = "full"
	ProfileSmall = "small"
)

// The values of Params.PredictFrom: what a window is predicted from if there are no
// acknowledgements.
const (
	FromChain = "chain" // the window before
	FromKey   = "key"   // the last key frame
)

// Predictive codes each window as what a model of the earlier windows does not
// predict, at a bounded error. Nothing is trained beforehand; the model learns as
// windows are sent. A prior, see codec/fit, makes the first windows shorter.
//
// Memory between windows is in the [Encoder] and the [Decoder] that a Predictive
// makes, see [Stateful]. The methods of Predictive itself know no earlier windows:
// AppendEncode returns a key frame, which is about twice to five times as long as a
// predicted window, and AppendDecode decodes key frames that AppendEncode made.
//
// Every decoded value is within its tolerance, or the window is refused. With
// Params.PayloadBytes, payloads are at most so long, the quantisation step is the
// finest that fits, and the bound of each window is that of [Encoder.AppendBounds].
//
// The file docs/predictive.md describes the payload.
type Predictive struct {
	model       *predict.Model
	window      sensor.Shape
	tolerances  []float64
	angles      []bool
	limit       int  // MaxPayloadLen
	limited     bool // whether the quantisation step varies so that a window fits
	keyAfter    int
	keyEvery    int // 0: two-way
	fromKey     bool
	schema      string
	fingerprint uint32 // of what both ends must agree on
	pool        sync.Pool
}

var _ interface {
	Codec
	Windowed
	Angular
	Bounded
	Stateful
} = (*Predictive)(nil)

// NewPredictive returns the codec for windows of window.W steps of window.Dims values,
// 1..64; a stride of 0 means W. It reads these fields of params: Tolerances, Angles,
// Profile, PayloadBytes, KeyAfter, KeyEvery and PredictFrom. Prior is nil, or what
// codec/fit made of windows with the same tolerances, angles and profile; it then also
// stands for tolerances and angles that params lacks. An error wraps ErrSpec.
func NewPredictive(window sensor.Shape, params Params, prior *PriorSpec) (*Predictive, error) {
	if window.Stride == 0 {
		window.Stride = window.W
	}
	p, err := predictiveParams(window, params, prior)
	if err != nil {
		return nil, fmt.Errorf("%w: codec %s: %w", ErrSpec, predictiveID, err)
	}
	c := &Predictive{
		window: window, tolerances: p.Tolerances, angles: p.Angles, limit: MaxPayloadBytes,
		keyAfter: p.KeyAfter, keyEvery: p.KeyEvery, fromKey: p.PredictFrom == FromKey,
	}
	if p.PayloadBytes > 0 {
		c.limit, c.limited = p.PayloadBytes, true
	}
	var data []byte
	if prior != nil {
		data = prior.Data
	}
	c.model, err = predict.New(predict.Params{Tolerances: p.Tolerances, Angles: p.Angles, Small: p.Profile == ProfileSmall}, data)
	if err != nil {
		return nil, fmt.Errorf("%w: codec %s: %s", ErrSpec, predictiveID, bare(err))
	}
	c.setSchema(p, data)
	c.pool.New = func() any { return c.model.NewState() }
	return c, nil
}

// predictiveParams checks the parameters and replaces their zeros.
func predictiveParams(window sensor.Shape, p Params, prior *PriorSpec) (Params, error) {
	if prior != nil {
		if err := prior.fill(&p); err != nil {
			return p, err
		}
	}
	values := sensor.ForDims(window.Dims)
	p.Tolerances, p.Angles = slices.Clone(p.Tolerances), slices.Clone(p.Angles)
	if p.Tolerances == nil {
		p.Tolerances = values.Tolerances()
	}
	if p.Angles == nil {
		p.Angles = values.Angles()
	}
	if p.Profile == "" {
		p.Profile = ProfileFull
	}
	if p.KeyAfter == 0 {
		p.KeyAfter = defaultKeyAfter
	}
	if p.PredictFrom == "" {
		p.PredictFrom = FromChain
	}
	if err := window.Check(); err != nil {
		return p, err
	}
	switch {
	case window.Dims > maxPredictiveDims:
		return p, fmt.Errorf("%d values a step, want at most %d", window.Dims, maxPredictiveDims)
	case window.Stride != window.W:
		return p, fmt.Errorf("a stride of %d with %d steps a window, want as many: windows must not overlap", window.Stride, window.W)
	case p.Tolerances == nil:
		return p, fmt.Errorf("no tolerances, want params.tolerances with one for each of %d values of a step", window.Dims)
	case len(p.Tolerances) != window.Dims:
		return p, fmt.Errorf("%d tolerances, want one for each of %d values of a step", len(p.Tolerances), window.Dims)
	case len(p.Angles) != window.Dims:
		return p, fmt.Errorf("%d entries of angles, want one for each of %d values of a step", len(p.Angles), window.Dims)
	case p.Profile != ProfileFull && p.Profile != ProfileSmall:
		return p, fmt.Errorf("profile %q, want %s or %s", p.Profile, ProfileFull, ProfileSmall)
	case p.PayloadBytes != 0 && (p.PayloadBytes < minKeyBytes || p.PayloadBytes > MaxPayloadBytes):
		return p, fmt.Errorf("payload_bytes %d, want %d..%d, or 0 for as many as each window needs", p.PayloadBytes, minKeyBytes, MaxPayloadBytes)
	case p.KeyAfter < 0:
		return p, fmt.Errorf("key_after %d, want 1 or more, or 0 for %d", p.KeyAfter, defaultKeyAfter)
	case p.KeyEvery < 0:
		return p, fmt.Errorf("key_every %d, want 1 or more, or 0 for a link with ACKs", p.KeyEvery)
	case p.PredictFrom != FromChain && p.PredictFrom != FromKey:
		return p, fmt.Errorf("predict_from %q, want %s or %s", p.PredictFrom, FromChain, FromKey)
	case p.PredictFrom == FromKey && (p.KeyEvery < 1 || p.KeyEvery > maxReference+1):
		return p, fmt.Errorf("key_every %d with predict_from %s, want 1..%d", p.KeyEvery, FromKey, maxReference+1)
	}
	return p, nil
}

// setSchema sets the schema and the fingerprint. The text is that of docs/predictive.md.
func (c *Predictive) setSchema(p Params, prior []byte) {
	var text strings.Builder
	fmt.Fprintf(&text, "predictive_v1\nprofile %s\nwindow %d %d\npayload_bytes %d\n", p.Profile, c.window.Dims, c.window.W, p.PayloadBytes)
	for i, tol := range c.tolerances {
		kind := "line"
		if c.angles[i] {
			kind = "angle"
		}
		fmt.Fprintf(&text, "%s %016x\n", kind, math.Float64bits(tol))
	}
	if prior != nil {
		fmt.Fprintf(&text, "prior %s\n", modelfile.Hash(prior))
	}
	hash := modelfile.Hash([]byte(text.String()))
	c.schema = fmt.Sprintf("predictive_v1:dims=%d:W=%d:profile=%s:payload_bytes=%d:%s", c.window.Dims, c.window.W, p.Profile, p.PayloadBytes, hash)
	first, _ := hex.DecodeString(hash[:8]) // of a hash
	c.fingerprint = binary.BigEndian.Uint32(first)
}

// ID returns "predictive".
func (c *Predictive) ID() string { return predictiveID }

// Version returns "1".
func (c *Predictive) Version() string { return predictiveVersion }

// Schema returns a string with the SHA-256 of tolerances, angles, profile, window and
// prior. The check of each payload covers it too.
func (c *Predictive) Schema() string { return c.schema }

// WindowLen returns dims·W.
func (c *Predictive) WindowLen() int { return c.window.Len() }

// Window returns the shape of the windows. Its stride is W.
func (c *Predictive) Window() sensor.Shape { return c.window }

// MaxPayloadLen returns Params.PayloadBytes, or the largest that a frame holds. A
// window whose code is longer is refused with ErrTooLong.
func (c *Predictive) MaxPayloadLen() int { return c.limit }

// Angles reports for each value of a step whether it is an angle.
func (c *Predictive) Angles() []bool { return slices.Clone(c.angles) }

// Tolerances returns the largest error of each value of a step, or nil if payloads are
// limited: then [Encoder.AppendBounds] tells.
func (c *Predictive) Tolerances() []float64 {
	if c.limited {
		return nil
	}
	return slices.Clone(c.tolerances)
}

// Reference implements Stateful.
func (c *Predictive) Reference(payload []byte) int {
	if len(payload) < 2 {
		return 0
	}
	return int(payload[1] >> 4)
}

// OneWay reports whether Params.KeyEvery is set.
func (c *Predictive) OneWay() bool { return c.keyEvery > 0 }

// NewEncoder implements Stateful.
func (c *Predictive) NewEncoder(epoch func() uint16) Encoder { return newPredictiveEncoder(c, epoch) }

// NewDecoder implements Stateful.
func (c *Predictive) NewDecoder() Decoder { return newPredictiveDecoder(c) }

// AppendEncode appends a key frame, of epoch 0 and SEQ 0.
func (c *Predictive) AppendEncode(dst []byte, window []float64) ([]byte, error) {
	s := c.pool.Get().(*predict.State)
	defer c.pool.Put(s)
	c.model.Reset(s)
	return c.encode(dst, s, window, header{})
}

// AppendDecode decodes what AppendEncode appended, and the key frames of epoch 0 and
// SEQ 0 that an Encoder made.
func (c *Predictive) AppendDecode(dst []float64, payload []byte) ([]float64, error) {
	h, err := c.parseHeader(payload)
	if err != nil {
		return dst, err
	}
	if h.distance != 0 || h.epoch != 0 {
		return dst, fmt.Errorf("%w: it builds on earlier windows: decode it with a Decoder", ErrReference)
	}
	s := c.pool.Get().(*predict.State)
	defer c.pool.Put(s)
	c.model.Reset(s)
	return c.decode(dst, s, payload, h)
}

// header is what a payload says besides the window.
type header struct {
	check    byte
	distance int    // in SEQ, to the reference window; 0: a key frame
	epoch    uint16 // sent with key frames, known with others
	seq      byte   // of the frame; the payload does not have it
}

const (
	headerBits    = 12      // check and distance
	keyHeaderBits = 12 + 16 // and the epoch
)

func (h header) bits() int {
	if h.distance == 0 {
		return keyHeaderBits
	}
	return headerBits
}

// put writes the header, apart from the check.
func (h header) put(payload []byte) {
	payload[1] |= byte(h.distance) << 4
	if h.distance == 0 {
		payload[1] |= byte(h.epoch >> 12)
		payload[2] = byte(h.epoch >> 4)
		payload[3] |= byte(h.epoch << 4)
	}
}

// parseHeader reads the header of a payload. The epoch is that of a key frame.
func (c *Predictive) parseHeader(payload []byte) (h header, err error) {
	if n := len(payload); n < (headerBits+7)/8 || n > c.limit {
		return h, fmt.Errorf("%w: %d bytes, want %d..%d", ErrCorrupt, n, (headerBits+7)/8, c.limit)
	}
	h.check, h.distance = payload[0], c.Reference(payload)
	if h.distance > 0 {
		return h, nil
	}
	if n := len(payload); n < (keyHeaderBits+7)/8 {
		return h, fmt.Errorf("%w: key frame of %d bytes, want at least %d", ErrCorrupt, n, (keyHeaderBits+7)/8)
	}
	h.epoch = uint16(payload[1]&15)<<12 | uint16(payload[2])<<4 | uint16(payload[3]>>4)
	return h, nil
}

// checkOf returns the check of a payload: a CRC-8 over SEQ and all bytes after the
// check, plus 8 bits of a hash of what both ends know already. Digest is that of the
// state on which the payload builds.
func (c *Predictive) checkOf(payload []byte, digest uint32, h header) byte {
	crc := crc8(crc8(0xff, h.seq), payload[1:]...)
	known := mix(mix(mix(c.fingerprint)^uint32(h.epoch)) ^ digest)
	return crc ^ byte(known>>24)
}

// crc8 continues a CRC-8 with the polynomial of AUTOSAR, x^8+x^5+x^3+x^2+x+1, highest
// bit first.
func crc8(crc byte, b ...byte) byte {
	for _, v := range b {
		crc ^= v
		for range 8 {
			carry := crc & 0x80
			if crc <<= 1; carry != 0 {
				crc ^= 0x2f
			}
		}
	}
	return crc
}

// mix is the finaliser of MurmurHash3.
func mix(h uint32) uint32 {
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

// encode appends the payload of a window that builds on s, and advances s by it. On
// an error s is of no use.
func (c *Predictive) encode(dst []byte, s *predict.State, window []float64, h header) (_ []byte, err error) {
	if err := checkWindow(c, window); err != nil {
		return dst, err
	}
	digest, out := s.Digest(), dst
	c.skip(s, h)
	if c.limited {
		out, err = c.model.AppendEncodeLimit(dst, s, window, nil, h.bits(), c.limit)
	} else {
		out, err = c.model.AppendEncode(dst, s, window, nil, h.bits())
	}
	switch {
	case errors.Is(err, predict.ErrTooLong):
		return dst, fmt.Errorf("%w: %s", ErrTooLong, bare(err))
	case err != nil:
		return dst, fmt.Errorf("%w: %s", ErrRange, bare(err))
	case len(out)-len(dst) > c.limit:
		return dst, fmt.Errorf("%w: %d bytes, want at most %d", ErrTooLong, len(out)-len(dst), c.limit)
	}
	payload := out[len(dst):]
	h.put(payload)
	payload[0] = c.checkOf(payload, digest, h)
	return out, nil
}

// decode appends the window of a payload that builds on s, and advances s by it. On
// an error s is of no use.
func (c *Predictive) decode(dst []float64, s *predict.State, payload []byte, h header) (_ []float64, err error) {
	if want := c.checkOf(payload, s.Digest(), h); h.check != want {
		return dst, fmt.Errorf("%w: check %#02x, want %#02x", ErrCorrupt, h.check, want)
	}
	c.skip(s, h)
	out := dst
	if c.limited {
		out, err = c.model.AppendDecodeLimit(dst, s, payload, c.window.W, h.bits())
	} else {
		out, err = c.model.AppendDecode(dst, s, payload, c.window.W, h.bits())
	}
	if err != nil {
		return dst, fmt.Errorf("%w: %s", ErrCorrupt, bare(err))
	}
	return out, nil
}

// skip tells the model how many steps lie between the reference window and this one.
func (c *Predictive) skip(s *predict.State, h header) {
	if h.distance > 1 {
		c.model.Skip(s, (h.distance-1)*c.window.W)
	}
}

// bare returns the text of an error of package predict without its sentinel's.
func bare(err error) string {
	text := err.Error()
	for _, sentinel := range []error{predict.ErrParams, predict.ErrRange, predict.ErrTooLong, predict.ErrCorrupt} {
		if rest, ok := strings.CutPrefix(text, sentinel.Error()+": "); ok {
			return rest
		}
	}
	return text
}
