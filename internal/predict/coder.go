package predict

import "bytes"

// coder is a binary range coder (Martin 1979) for both directions, so that one
// function describes the code of a window for the encoder and the decoder. It
// holds an interval [low, low+size) in parts of 2^-32 below the last byte of
// out; carries run back into the bytes already out. The decoder keeps the same
// interval and besides it the place of the code within, so that it can tell
// whether a payload is the one that an encoder writes.
//
// A code is a number in the interval, as the shortest string of bytes that
// names one where zeros follow for ever.
type coder struct {
	low    uint64 // below 2^33 with the carry
	size   uint64 // above 2^24, at most 2^32
	out    []byte
	limit  int // bytes that the code may have
	decode bool
	in     []byte // not read yet
	offset uint64 // of the code within the interval
	over   bool   // it has more
}

const (
	probBits = 16
	probOne  = 1 << probBits
)

// startEncode begins a code that leaves the first header bits zero.
func (c *coder) startEncode(header, limit int) {
	*c = coder{size: 1 << 32, out: c.out[:0], limit: limit}
	for header > 0 {
		n := min(header, 8)
		c.put(0, c.size>>n)
		header -= n
	}
}

// startDecode begins to read a payload; its first header bits are ignored.
func (c *coder) startDecode(payload []byte, header int) {
	*c = coder{size: 1 << 32, out: c.out[:0], limit: maxPayload + 8, decode: true, in: payload}
	for range 4 {
		c.offset = c.offset<<8 | uint64(c.next())
	}
	// The bits of the header count as zeros.
	for header > 0 {
		n := min(header, 8)
		c.offset &= 1<<(32-n) - 1
		c.put(0, c.size>>n)
		header -= n
	}
}

func (c *coder) next() byte {
	if len(c.in) == 0 {
		return 0
	}
	b := c.in[0]
	c.in = c.in[1:]
	return b
}

// put narrows the interval to the part of the given size that begins at first.
func (c *coder) put(first, size uint64) {
	c.low += first
	if c.low >= 1<<32 {
		c.low -= 1 << 32
		for i := len(c.out) - 1; i >= 0; i-- { // the code is below 1, so some byte is not 255
			if c.out[i]++; c.out[i] != 0 {
				break
			}
		}
	}
	for c.size = size; c.size <= 1<<24; c.size <<= 8 {
		c.out = append(c.out, byte(c.low>>24))
		c.low = c.low << 8 & (1<<32 - 1)
		if c.decode {
			c.offset = c.offset<<8 | uint64(c.next())
		}
		c.over = c.over || len(c.out) > c.limit
	}
}

// bit codes one bit, which is 0 with a probability of p parts of probOne, and
// returns it. The bit given counts for the encoder alone.
func (c *coder) bit(bit int, p int) int {
	zero := c.size >> probBits * uint64(p)
	if c.decode {
		bit = 0
		if c.offset >= zero {
			bit = 1
		}
	}
	if bit == 0 {
		c.put(0, zero)
		return 0
	}
	if c.decode {
		c.offset -= zero
	}
	c.put(zero, c.size-zero)
	return 1
}

// bits codes n bits of v, the highest first, each as likely 0 as 1.
func (c *coder) bits(v uint64, n int) uint64 {
	var got uint64
	for i := n - 1; i >= 0; i-- {
		got = got<<1 | uint64(c.bit(int(v>>i&1), probOne/2))
	}
	return got
}

// finish ends the code with the fewest bytes, but at least so many.
func (c *coder) finish(least int) {
	for n := 0; ; n++ { // bytes of low to keep
		up := -c.low & (1<<(32-8*n) - 1)
		if up < c.size {
			c.size = 1 << 32 // put has nothing more to shift out
			c.put(up, 1<<32)
			for range n {
				c.out = append(c.out, byte(c.low>>24))
				c.low = c.low << 8 & (1<<32 - 1)
			}
			break
		}
	}
	for len(c.out) > least && c.out[len(c.out)-1] == 0 {
		c.out = c.out[:len(c.out)-1]
	}
	for len(c.out) < least {
		c.out = append(c.out, 0)
	}
	c.over = c.over || len(c.out) > c.limit
}

// matches says whether the code is the payload, its header apart.
func (c *coder) matches(payload []byte, header int) bool {
	whole, part := header/8, header%8
	if len(c.out) != len(payload) {
		return false
	}
	if part > 0 {
		if c.out[whole] != payload[whole]&(1<<(8-part)-1) {
			return false
		}
		whole++
	}
	return bytes.Equal(c.out[whole:], payload[whole:])
}

// signed codes a small number by whether it is zero, with a probability of
// zero, its sign, and then for each further one whether it is larger, with a
// probability of more. Its absolute value is at most that given.
func (c *coder) signed(v int64, zero, more, most int) int64 {
	if c.bit(b2i(v != 0), zero) == 0 {
		return 0
	}
	sign := c.bit(b2i(v < 0), probOne/2)
	v = max(v, -v)
	n := int64(1)
	for n < int64(most) && c.bit(b2i(v > n), probOne-more) != 0 {
		n++
	}
	if sign != 0 {
		return -n
	}
	return n
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
