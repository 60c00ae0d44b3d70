package endpoint

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/loralink/loralink-go/radio/link"
)

// airtime keeps the time on air of the last hour in a file, so that a duty cycle holds
// across restarts. Each frame overwrites the file by one write before it is sent.
type airtime struct {
	f     airtimeFile
	spent []link.Spent
	b     []byte
}

// airtimeFile has the methods of *os.File that an airtime uses.
type airtimeFile interface {
	io.ReaderAt
	io.WriterAt
}

// The file is a checksum (4 bytes), the number of entries (4), the time of writing in ms
// since 1970 (8), and the entries: age then, in ms (4), and time on air, in µs (4).
const (
	airtimeHeader = 16
	airtimeEntry  = 8
	airtimeMax    = 361 // entries: one per 10 s of an hour
	airtimeLen    = airtimeHeader + airtimeMax*airtimeEntry
)

// openAirtime opens the file and locks it.
func openAirtime(dir, runID string, role link.Role) (*os.File, error) {
	return openLocked(filepath.Join(dir, runID+"_"+string(role)+".airtime"), fmt.Sprintf("a run with the run_id %s", runID))
}

// load returns what was spent in the last hour. A time in the future, by a clock that was
// set back, counts as now. If the file is damaged, limit counts as spent now.
func (a *airtime) load(now time.Time, limit time.Duration) ([]link.Spent, error) {
	b := make([]byte, airtimeLen)
	n, err := a.f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	if n == 0 {
		return nil, nil
	}
	entries := binary.LittleEndian.Uint32(b[4:])
	if n != airtimeLen || entries > airtimeMax || binary.LittleEndian.Uint32(b) != crc32.ChecksumIEEE(b[4:]) {
		return []link.Spent{{TimeOnAir: limit}}, nil
	}
	since := max(now.Sub(time.UnixMilli(int64(binary.LittleEndian.Uint64(b[8:])))), 0)
	var spent []link.Spent
	for e := range entries {
		entry := b[airtimeHeader+e*airtimeEntry:]
		age := since + time.Duration(binary.LittleEndian.Uint32(entry))*time.Millisecond
		if age < 0 || age > 2*time.Hour {
			continue
		}
		spent = append(spent, link.Spent{Age: age, TimeOnAir: time.Duration(binary.LittleEndian.Uint32(entry[4:])) * time.Microsecond})
	}
	return spent, nil
}

// store writes what was spent in the last hour. AppendSpent is that of a machine.
func (a *airtime) store(now time.Time, appendSpent func([]link.Spent, time.Time) []link.Spent) error {
	a.spent = appendSpent(a.spent[:0], now)
	if len(a.spent) > airtimeMax {
		a.spent = a.spent[len(a.spent)-airtimeMax:]
	}
	if a.b == nil {
		a.b = make([]byte, airtimeLen)
	}
	clear(a.b)
	binary.LittleEndian.PutUint32(a.b[4:], uint32(len(a.spent)))
	binary.LittleEndian.PutUint64(a.b[8:], uint64(now.UnixMilli()))
	for i, s := range a.spent {
		entry := a.b[airtimeHeader+i*airtimeEntry:]
		binary.LittleEndian.PutUint32(entry, uint32(s.Age/time.Millisecond))
		micros := (s.TimeOnAir + time.Microsecond - 1) / time.Microsecond
		binary.LittleEndian.PutUint32(entry[4:], uint32(min(micros, math.MaxUint32)))
	}
	binary.LittleEndian.PutUint32(a.b, crc32.ChecksumIEEE(a.b[4:]))
	if _, err := a.f.WriteAt(a.b, 0); err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	return nil
}
