package e22

import (
	"bytes"
	"context"
	"errors"
	"time"
)

const (
	tries = 3 // of every command
	// answerTime is how long an answer may take, its bytes besides.
	answerTime = 500 * time.Millisecond
	// quietTime without a byte ends whatever the module had to say.
	quietTime = 50 * time.Millisecond
	// switchTime is how long a module without AUX may take to change its mode.
	switchTime = 50 * time.Millisecond
)

const (
	hintConfig = "is the module in configuration mode, M0 low and M1 high, and the port at 9600 8N1?"
	hintRSSI   = "is the setting ambientrssi on, and the module in normal mode?"
)

// Persistence says for how long settings hold.
type Persistence uint8

// Kept settings survive a power-off; the others save the module's flash.
const (
	Kept Persistence = iota
	UntilPowerOff
)

func (p Persistence) command() byte {
	if p == UntilPowerOff {
		return cmdWriteTemp
	}
	return cmdWriteKept
}

// ReadRegisters reads the module's settings. Stray bytes around the answer, answers
// in pieces and answers cut short are coped with; a module that does not answer
// three times is an [*AnswerError]. What is received meanwhile is lost.
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

// WriteRegisters writes all settings, reads them back and returns what it found.
// Settings that the module did not take are named in a [*RefusedError]; those it
// took hold all the same. The driver follows the new BaudRate, Parity,
// PacketSize and RSSIByte at once.
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
		if p == Kept {
			r.mu.Lock()
			r.kept = r.line
			r.mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return Registers{}, err
	}
	if diffs := want.Diff(found); len(diffs) > 0 {
		return found, &RefusedError{diffs}
	}
	return found, nil
}

// WriteKey sets the key that packets are scrambled with; both ends need the same.
// It cannot be read back, so that the module's answer is all the proof there is.
func (r *Radio) WriteKey(ctx context.Context, key uint16, p Persistence) error {
	return r.configure(ctx, func(x *exchange) error {
		_, err := x.ask(ctx, []byte{p.command(), addrKey, 2, byte(key >> 8), byte(key)}, addrKey, 2)
		return err
	})
}

// ProductID reads the module's product id, whose meaning the manual leaves open.
func (r *Radio) ProductID(ctx context.Context) ([ProductIDLen]byte, error) {
	var id [ProductIDLen]byte
	err := r.configure(ctx, func(x *exchange) error {
		data, err := x.ask(ctx, []byte{cmdRead, addrProductID, ProductIDLen}, addrProductID, ProductIDLen)
		copy(id[:], data)
		return err
	})
	return id, err
}

// RSSI asks for the noise on the channel and the strength of the last packet.
// The AmbientRSSI register must be on, or the module takes the question for a
// packet to send, and the module in normal mode. Frames are received meanwhile.
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

// configure has the module in configuration mode while f talks to it.
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

func (r *Radio) setTap(t *tap) {
	r.mu.Lock()
	r.tap = t
	r.mu.Unlock()
}

// exchange talks to a module in configuration mode.
type exchange struct {
	r   *Radio
	c   *conn
	tap *tap
}

func (x *exchange) enter(ctx context.Context) error {
	if x.r.cfg.Pins != nil {
		if err := x.r.cfg.Pins.SetPins(false, true); err != nil {
			return &PortError{"set pins", err}
		}
	}
	if err := x.c.setSpeed(9600, Parity8N1); err != nil {
		return err
	}
	x.r.free = time.Now().Add(switchTime)
	return x.r.ready(ctx, x.c)
}

// leave goes back to normal mode. It does not wait: the next to write does.
func (x *exchange) leave() error {
	var err error
	if x.r.cfg.Pins != nil {
		if perr := x.r.cfg.Pins.SetPins(false, false); perr != nil {
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

// readRegisters reads the settings and has the driver go by them.
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

// ask writes a command until it is answered and returns the n bytes of the
// answer from addr.
func (x *exchange) ask(ctx context.Context, command []byte, addr, n byte) ([]byte, error) {
	fault := &AnswerError{Command: command, Want: 3 + int(n), Hint: hintConfig}
	for range tries {
		// Whatever is still coming belongs to an earlier command.
		if _, err := x.listen(ctx, quietTime, nil); err != nil {
			return nil, err
		}
		if err := x.c.write(command); err != nil {
			return nil, err
		}
		var data []byte
		found, err := x.listen(ctx, answerTime, func(in []byte) bool {
			var ok bool
			data, ok = findAnswer(in, addr, n)
			return ok
		})
		if err != nil {
			return nil, err
		}
		if data != nil {
			// Nothing of it may be left for the next, or for the frames.
			_, err := x.listen(ctx, quietTime, nil)
			return data, err
		}
		fault.Found, fault.Err = found, ErrNoAnswer
		if bytes.Contains(found, rejection) {
			fault.Err = ErrRejected
		}
	}
	return nil, fault
}

// listen collects bytes until enough says so, or until there was none for the
// time given; a module that never ends is cut off after a second.
func (x *exchange) listen(ctx context.Context, quiet time.Duration, enough func([]byte) bool) ([]byte, error) {
	var in []byte
	end := time.NewTimer(time.Second)
	defer end.Stop()
	silence := time.NewTimer(quiet)
	defer silence.Stop()
	for {
		select {
		case b := <-x.tap.bytes:
			in = append(in, b...)
			if enough != nil && enough(in) {
				return in, nil
			}
			silence.Reset(quiet)
		case <-silence.C:
			return in, nil
		case <-end.C:
			return in, nil
		case <-ctx.Done():
			return in, ctx.Err()
		case <-x.c.lost.Done():
			return in, context.Cause(x.c.lost)
		}
	}
}
