package endpoint

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// memory keeps what a receiver delivered in a file, so that a receiver that restarts does
// not deliver it again. The file has a slot for each of the last windows with each SEQ. Each
// delivery overwrites one slot by one write, without a sync.
type memory struct {
	f     memoryFile
	set   uint64 // hash of the data set's path; 0: there is none
	count [256]int
	b     [memorySlot]byte
}

// memoryFile has the methods of *os.File that a memory uses.
type memoryFile interface {
	io.ReaderAt
	io.WriterAt
}

// A slot is a checksum (4 bytes), the SEQ (1), three zeros, the time in ns since 1970 (8),
// the size of the data set before the window was written to it (8; -1: the window was
// delivered before the slot was written), the hash of the data set's path (8) and the
// payload's digest (16), and zeros.
const (
	memorySlot  = 64
	memoryDepth = 4 // slots per SEQ
	memoryLen   = 256 * memoryDepth * memorySlot
	noSize      = -1
)

// memoryName returns the path of the memory of the receiver of a run_id.
func memoryName(dir, runID string) string { return filepath.Join(dir, runID+"_rx.state") }

// openMemory opens the file and locks it. The folder must exist.
func openMemory(dir, runID string) (*os.File, error) {
	return openLocked(memoryName(dir, runID), fmt.Sprintf("a receiver with the run_id %s", runID))
}

// newMemory returns the memory in f for a run with that data set; "" is none.
func newMemory(f memoryFile, dataset string) *memory {
	m := &memory{f: f}
	if dataset != "" {
		h := fnv.New64a()
		if absolute, err := filepath.Abs(dataset); err == nil {
			dataset = absolute
		}
		io.WriteString(h, dataset)
		m.set = max(h.Sum64(), 1)
	}
	return m
}

// delivered returns what earlier runs delivered. Size is that of the data set now, without
// an incomplete last line. A window that is not in the data set was not delivered, because
// the process was killed before it was written, or the power was lost. A time in the
// future, by a clock that was set back, counts as now.
func (m *memory) delivered(now time.Time, size int64) ([]link.Delivered, error) {
	b := make([]byte, memoryLen)
	if _, err := m.f.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	var all []link.Delivered
	var newest [256]int64
	for i := 0; i < memoryLen; i += memorySlot {
		slot := b[i : i+memorySlot]
		if binary.LittleEndian.Uint32(slot) != crc32.ChecksumIEEE(slot[4:]) || slot[4] != byte(i/memorySlot/memoryDepth) {
			continue
		}
		if ns := int64(binary.LittleEndian.Uint64(slot[8:])); ns >= newest[slot[4]] {
			newest[slot[4]], m.count[slot[4]] = ns, i/memorySlot%memoryDepth+1
		}
		before := int64(binary.LittleEndian.Uint64(slot[16:]))
		if before != noSize && (binary.LittleEndian.Uint64(slot[24:]) != m.set || size <= before) {
			continue
		}
		age := max(now.Sub(time.Unix(0, int64(binary.LittleEndian.Uint64(slot[8:])))), 0)
		all = append(all, link.Delivered{Seq: slot[4], Time: now.Add(-age), Payload: link.Digest(slot[32:48])})
	}
	return all, nil
}

// deliver delivers a window: it calls write, which appends the window to the data set, and
// then call, either of which may be nil. It notes the delivery so that, wherever the
// process is killed, the window is not lost. With a data set alone it is not delivered
// twice either: size returns the data set's size. With call, it is delivered again if the
// process is killed before call has returned.
func (m *memory) deliver(d link.Delivery, size func() (int64, error), write, call func() error) error {
	before := int64(noSize)
	early := write != nil && call == nil
	if early {
		var err error
		if before, err = size(); err != nil {
			return err
		}
		if err := m.store(d, before); err != nil {
			return err
		}
	}
	if write != nil {
		pause()
		if err := write(); err != nil {
			return err
		}
		pause()
	}
	if call != nil {
		if err := call(); err != nil {
			return err
		}
	}
	if early {
		return nil
	}
	return m.store(d, noSize)
}

// store writes a slot.
func (m *memory) store(d link.Delivery, size int64) error {
	slot := m.b[:]
	clear(slot)
	digest := link.DigestOf(d.Payload)
	slot[4] = d.Seq
	binary.LittleEndian.PutUint64(slot[8:], uint64(d.Time.UnixNano()))
	binary.LittleEndian.PutUint64(slot[16:], uint64(size))
	binary.LittleEndian.PutUint64(slot[24:], m.set)
	copy(slot[32:], digest[:])
	binary.LittleEndian.PutUint32(slot, crc32.ChecksumIEEE(slot[4:]))
	n := m.count[d.Seq] % memoryDepth
	m.count[d.Seq]++
	if _, err := m.f.WriteAt(slot, int64(int(d.Seq)*memoryDepth+n)*memorySlot); err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	return nil
}
