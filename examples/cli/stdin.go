package cli

import (
	"context"
	"io"
	"os"
)

// stdin returns standard input, of which a Read that waits ends with ctx.
func stdin(ctx context.Context) io.Reader { return &contextReader{ctx, os.Stdin} }

// A contextReader is a reader that can be interrupted. After the context has ended, a last
// Read of r may still wait in the background; the program ends without it.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(b []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	buf := make([]byte, len(b)) // b is the caller's again when the context ends
	go func() {
		n, err := c.r.Read(buf)
		done <- result{n, err}
	}()
	select {
	case <-c.ctx.Done():
		return 0, c.ctx.Err()
	case r := <-done:
		return copy(b, buf[:r.n]), r.err
	}
}
