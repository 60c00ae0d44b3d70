package e22test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ServePTY connects the module's port to a pseudo-terminal, and creates the symbolic
// link with that path to it. Programs open the link as their port. Unplugging the
// module removes link and terminal; plugging it in creates new ones, as udev does.
// As long as ServePTY serves, the module's port is open. The terminal's speed has no
// effect. Call stop once to end it. ServePTY works on Linux; on other systems the
// error wraps errors.ErrUnsupported.
func (m *Module) ServePTY(link string) (stop func(), err error) {
	t, err := m.openTerminal(link)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if t != nil {
				t.serve(ctx)
			}
			m.medium.mu.Lock()
			plugged, replug := m.plugged, m.replug
			m.medium.mu.Unlock()
			if plugged && ctx.Err() == nil {
				if t, err = m.openTerminal(link); err == nil {
					continue
				}
			}
			t = nil
			select {
			case <-ctx.Done():
				return
			case <-replug:
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}, nil
}

// terminal is a pseudo-terminal that is connected to a module's port.
type terminal struct {
	port          *Port
	link          string
	master, slave *os.File
}

func (m *Module) openTerminal(link string) (*terminal, error) {
	port, err := m.open()
	if err != nil {
		return nil, err
	}
	t := &terminal{port: port, link: link}
	if t.master, t.slave, err = openPTY(); err == nil {
		_ = os.Remove(link) // of an earlier run
		err = os.Symlink(t.slave.Name(), link)
	}
	if err != nil {
		t.close()
		return nil, fmt.Errorf("e22test: %w", err)
	}
	return t, nil
}

func (t *terminal) close() {
	t.port.Close()
	if t.master != nil {
		os.Remove(t.link)
		t.master.Close()
		t.slave.Close()
	}
}

// serve copies both ways until ctx is done or the module is unplugged.
func (t *terminal) serve(ctx context.Context) {
	var copies sync.WaitGroup
	copies.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, err := t.read(buf)
			for b := buf[:max(n, 0)]; len(b) > 0 && err == nil; {
				var k int
				k, err = t.port.Write(b)
				b = b[k:]
			}
			if err != nil {
				return
			}
		}
	})
	copies.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, err := t.port.Read(buf)
			if err != nil {
				return
			}
			// A host that does not read loses bytes, as with a real port.
			_ = t.master.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = t.master.Write(buf[:n])
		}
	})
	select {
	case <-ctx.Done():
	case <-t.port.done:
	}
	t.close()
	copies.Wait()
}

// pieceGap is the longest pause between two pieces of one write.
const pieceGap = 5 * time.Millisecond

// read returns what the host wrote in one go. A terminal hands it over in pieces, and
// on a busy machine the module would take the time between them for the silence
// that ends a packet.
func (t *terminal) read(b []byte) (int, error) {
	n, err := t.master.Read(b)
	for err == nil && n < len(b) {
		var k int
		_ = t.master.SetReadDeadline(time.Now().Add(pieceGap))
		k, err = t.master.Read(b[n:])
		n += k
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	_ = t.master.SetReadDeadline(time.Time{})
	return n, err
}

// openPTY returns both ends of a new pseudo-terminal in raw mode. The slave is kept
// open, so that reading from the master never reaches an end of file.
func openPTY() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var n int
	err = control(master, func(fd int) error {
		var err error
		if n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN); err != nil {
			return err
		}
		return unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	})
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		master.Close()
		return nil, nil, err
	}
	err = control(slave, func(fd int) error {
		settings, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		settings.Iflag, settings.Oflag, settings.Lflag = 0, 0, 0
		settings.Cflag |= unix.CS8 | unix.CREAD | unix.CLOCAL
		return unix.IoctlSetTermios(fd, unix.TCSETS, settings)
	})
	if err != nil {
		master.Close()
		slave.Close()
		return nil, nil, err
	}
	return master, slave, nil
}

// control calls do with the descriptor of f.
func control(f *os.File, do func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	return inner
}
