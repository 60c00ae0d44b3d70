// Package codec turns a window of sensor values into a payload of a few bytes
// and back, whatever the method behind it.
package codec

// Codec encodes windows of float64 values, oldest step first, into payloads.
// A Codec is immutable and safe for concurrent use.
type Codec interface {
	// ID and Version name the codec as a RunSpec and artifacts.json do.
	ID() string
	Version() string
	// Schema is the payload schema string that both ends must share.
	Schema() string
	// WindowLen is the number of values a window has: dims·W.
	WindowLen() int
	// MaxPayloadLen is the length of the longest payload, in bytes.
	MaxPayloadLen() int
	// AppendEncode appends the payload of window to dst and returns the
	// extended slice. On error it returns dst unchanged.
	AppendEncode(dst []byte, window []float64) ([]byte, error)
	// AppendDecode appends the window of payload to dst and returns the
	// extended slice. On error it returns dst unchanged.
	AppendDecode(dst []float64, payload []byte) ([]float64, error)
}
