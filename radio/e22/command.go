package e22

import (
	"bytes"
	"context"
	"errors"
	"time"
)

const (
	tries = 3 // of every command
	// answerTime is how long the module may take until it answers.
	answerTime = 500 * time.Millisecond
	// quietTime is the time without a byte after which an answer is complete.
	quietTime = 50 * time.Millisecond
	// switchTime is how long a module without AUX may take to change its mode.
	switchTime = 50 * time.Millisecond
)

const (
	hintConfig = "is the module in configuration mode, M0 low and M1 high, and the port at 9600 8N1?"
	hintRSSI   = "is the register ambientrssi on, and the module in normal mode?"
)

// Persistence is how long written registers last. The zero value is Persistent.
type Persistence uint8

// The kinds of persistence.
const (
	Persistent Persistence = iota // stored in the module's flash memory
	Volatile                      // lost when the module is powered off; spares the flash memory
)

func (p Persistence) command() byte {
	if p == Volatile {
		return cmdWriteVolatile
	}
	return cmdWritePersistent
}

// ReadRegisters reads the module's registers. It tolerates stray bytes around the
// answer, answers in pieces, and answers that are cut short. If the module does
// not answer at any of three tries, the error is an [*AnswerError]. Frames that
// arrive meanwhile are lost.
func (r *Radio) ReadRegisters(ctx context.Context) (Registers, error) {
	var found Registers
	err := r.configure(ctx, func(x *exchange) error {
		var err error
		found, err = x.readRegisters(ctx)
		return err
	})
	if err != nil {
		return Registers{}, err
	}
	return found, nil
}

// WriteRegisters writes all registers, reads them back and returns what it found. If
// the module ignored some of them, the error is an [*IgnoredError] that lists
// these; the others are in force nevertheless. If want is out of range, the error is
// that of [Registers.Check], and nothing is written. The driver uses the new
// BaudRate, Parity, PacketSize and RSSIByte at once.
func (r *Radio) WriteRegisters(ctx context.Context, want Registers, p Persistence) (found Registers, err error) {
	data, err := want.MarshalBinary()
	if err != nil {
		return Registers{}, err
	}
	err = r.configure(ctx, func(x *exchange) error {
		command := append([]byte{p.command(), addrRegisters, RegistersLen}, data...)
		if _, err := x.ask(ctx, command, addrRegisters, RegistersLen); err != nil {
			return err
		}
		var err error
		if found, err = x.readRegisters(ctx); err != nil {
			return err
		}
		if p == Persistent {
			r.mu.Lock()
			r.persistent = r.line
			r.mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return Registers{}, err
	}
	if diffs := want.Diff(found); len(diffs) > 0 {
		return found, &IgnoredError{diffs}
	}
	return found, nil
}

// WriteKey writes the key that the module scrambles packets with. Both ends need
// the same key. It cannot be read back; the module's answer is the only
// confirmation.
func (r *Radio) WriteKey(ctx context.Context, key uint16, p Persistence) error {
	return r.configure(ctx, func(x *exchange) error {
		_, err := x.ask(ctx, []byte{p.command(), addrKey, 2, byte(key >> 8), byte(key)}, addrKey, 2)
		return err
	})
}

// ProductID reads the module's product id. The manual does not document its meaning.
func (r *Radio) ProductID(ctx context.Context) ([ProductIDLen]byte, error) {
	var id [ProductIDLen]byte
	err := r.configure(ctx, func(x *exchange) error {
		data, err := x.ask(ctx, []byte{cmdRead, addrProductID, ProductIDLen}, addrProductID, ProductIDLen)
		copy(id[:], data)
		return err
	})
	return id, err
}

// RSSI asks the module for the noise on the channel and the strength of the last
// packet. The module must be in normal mode and its AmbientRSSI register on;
// otherwise it transmits the command as a packet. Frames that arrive meanwhile are
// received. If the module does not answer at any of three tries, the error is an
// [*AnswerError].
func (r *Radio) RSSI(ctx context.Context) (RSSI, error) {
	if err := r.acquire(ctx, r.command); err != nil {
		return RSSI{}, err
	}
	defer r.release(r.command)
	answer := make(chan RSSI, 1)
	r.mu.Lock()
	r.query = answer
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.query = nil
		r.mu.Unlock()
	}()
	for range tries {
		c, err := r.putCommand(ctx, cmdRSSI)
		if c != nil && c.lost.Err() != nil && ctx.Err() == nil {
			continue // the next try waits for the port
		}
		if err != nil {
			return RSSI{}, err
		}
		timeout := time.NewTimer(answerTime)
		select {
		case got := <-answer:
			timeout.Stop()
			return got, nil
		case <-timeout.C:
		case <-c.lost.Done():
			timeout.Stop()
		case <-ctx.Done():
			timeout.Stop()
			return RSSI{}, ctx.Err()
		}
	}
	return RSSI{}, &AnswerError{Command: cmdRSSI, Want: len(headRSSI) + 2, Hint: hintRSSI, Err: ErrNoAnswer}
}

// putCommand writes a command in normal mode.
func (r *Radio) putCommand(ctx context.Context, command []byte) (*conn, error) {
	if err := r.acquire(ctx, r.writing); err != nil {
		return nil, err
	}
	defer r.release(r.writing)
	c, err := r.connected(ctx)
	if err != nil {
		return nil, err
	}
	return c, r.put(ctx, c, command)
}

// configure calls f with the module in configuration mode.
func (r *Radio) configure(ctx context.Context, f func(*exchange) error) (err error) {
	if err := r.acquire(ctx, r.command); err != nil {
		return err
	}
	defer r.release(r.command)
	if err := r.acquire(ctx, r.writing); err != nil {
		return err
	}
	defer r.release(r.writing)
	c, err := r.connected(ctx)
	if err != nil {
		return err
	}
	if err := r.ready(ctx, c); err != nil {
		return err
	}

	x := &exchange{r: r, c: c, tap: &tap{bytes: make(chan []byte), stop: make(chan struct{})}}
	r.setTap(x.tap)
	defer func() {
		close(x.tap.stop)
		r.setTap(nil)
	}()
	defer func() {
		left := x.leave()
		switch {
		case err != nil && r.closed.Load():
			err = r.err()
		case err == nil:
			err = left
		}
	}()
	if err := x.enter(ctx); err != nil {
		return err
	}
	return f(x)
}

// setTap redirects what is received to t; nil ends that.
func (r *Radio) setTap(t *tap) {
	r.mu.Lock()
	r.tap = t
	r.mu.Unlock()
}

// exchange is a conversation with a module in configuration mode.
type exchange struct {
	r   *Radio
	c   *conn
	tap *tap
}

// enter switches to configuration mode.
func (x *exchange) enter(ctx context.Context) error {
	if x.r.settings.Pins != nil {
		if err := x.r.settings.Pins.SetPins(false, true); err != nil {
			return &PortError{"set pins", err}
		}
	}
	if err := x.c.setSpeed(9600, Parity8N1); err != nil {
		return err
	}
	x.r.free = time.Now().Add(switchTime)
	return x.r.ready(ctx, x.c)
}

// leave switches back to normal mode. It does not wait for that; the next write
// does.
func (x *exchange) leave() error {
	var err error
	if x.r.settings.Pins != nil {
		if perr := x.r.settings.Pins.SetPins(false, false); perr != nil {
			err = &PortError{"set pins", perr}
		}
	}
	x.r.free = time.Now().Add(switchTime)
	if x.c.lost.Err() != nil {
		return err
	}
	now := x.r.lineNow()
	return errors.Join(err, x.c.setSpeed(now.baud, now.parity))
}

// readRegisters reads the registers, which the driver uses from then on.
func (x *exchange) readRegisters(ctx context.Context) (Registers, error) {
	var found Registers
	data, err := x.ask(ctx, []byte{cmdRead, addrRegisters, RegistersLen}, addrRegisters, RegistersLen)
	if err != nil {
		return found, err
	}
	if err := found.UnmarshalBinary(data); err != nil {
		return found, err
	}
	x.r.mu.Lock()
	x.r.line = line{found.BaudRate, found.Parity, found.PacketSize, found.RSSIByte}
	x.r.mu.Unlock()
	return found, nil
}

// ask writes a command until it is answered, and returns the n bytes of registers
// from addr in the answer.
func (x *exchange) ask(ctx context.Context, command []byte, addr, n byte) ([]byte, error) {
	failure := &AnswerError{Command: command, Want: 3 + int(n), Hint: hintConfig}
	for range tries {
		// Bytes that still arrive belong to an earlier command.
		if _, err := x.listen(ctx, quietTime, nil); err != nil {
			return nil, err
		}
		if err := x.c.writeContext(ctx, command); err != nil {
			return nil, err
		}
		var data []byte
		found, err := x.listen(ctx, answerTime, func(received []byte) bool {
			var ok bool
			data, ok = findAnswer(received, addr, n)
			return ok
		})
		if err != nil {
			return nil, err
		}
		if data != nil {
			// The rest of the answer must not be taken for the next one, or for a frame.
			_, err := x.listen(ctx, quietTime, nil)
			return data, err
		}
		failure.Found, failure.Err = found, ErrNoAnswer
		if bytes.Contains(found, rejection) {
			failure.Err = ErrRejected
		}
	}
	return nil, failure
}

// listen collects bytes until enough returns true or no byte has arrived for the
// time quiet, but no longer than a second.
func (x *exchange) listen(ctx context.Context, quiet time.Duration, enough func([]byte) bool) ([]byte, error) {
	var received []byte
	end := time.NewTimer(time.Second)
	defer end.Stop()
	silence := time.NewTimer(quiet)
	defer silence.Stop()
	for {
		select {
		case b := <-x.tap.bytes:
			received = append(received, b...)
			if enough != nil && enough(received) {
				return received, nil
			}
			silence.Reset(quiet)
		case <-silence.C:
			return received, nil
		case <-end.C:
			return received, nil
		case <-ctx.Done():
			return received, ctx.Err()
		case <-x.c.lost.Done():
			return received, context.Cause(x.c.lost)
		}
	}
}
