package cli

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"iter"
	"os"
	"strings"
)

// HexLine is one payload of a file of hex lines.
type HexLine struct {
	Bytes []byte
	ID    int64  // its number among the payloads, from 0
	At    string // where it stands, as payloads.txt:3
}

// OneHex yields the payload that a flag gave in hex.
func OneHex(flag, text string) iter.Seq2[HexLine, error] {
	return func(yield func(HexLine, error) bool) {
		b, err := parseHex(text)
		if err != nil {
			err = Usagef("%s: %w", flag, err)
		}
		yield(HexLine{Bytes: b, At: flag}, err)
	}
}

// parseHex reads bytes in hex, with or without blanks between them.
func parseHex(text string) ([]byte, error) {
	return hex.DecodeString(strings.Join(strings.Fields(text), ""))
}

// OpenHex yields the payloads of a file, one line of hex each; "-" is standard
// input. Blank lines and what follows a # are passed over. A file without a
// payload gives an error.
func OpenHex(path string) iter.Seq2[HexLine, error] {
	return func(yield func(HexLine, error) bool) {
		f := os.Stdin
		if path != "-" {
			var err error
			if f, err = os.Open(path); err != nil {
				yield(HexLine{}, err)
				return
			}
			defer f.Close()
		}
		lines := bufio.NewScanner(f)
		n, id := 0, int64(0)
		for lines.Scan() {
			n++
			text, _, _ := strings.Cut(lines.Text(), "#")
			if strings.TrimSpace(text) == "" {
				continue
			}
			at := fmt.Sprintf("%s:%d", path, n)
			b, err := parseHex(text)
			if err != nil {
				err = fmt.Errorf("%s: %w, want a payload in hex", at, err)
			}
			if !yield(HexLine{b, id, at}, err) || err != nil {
				return
			}
			id++
		}
		if err := lines.Err(); err != nil {
			yield(HexLine{}, fmt.Errorf("%s: %w", path, err))
		} else if id == 0 {
			yield(HexLine{}, fmt.Errorf("%s: no payloads, want at least one line of hex", path))
		}
	}
}
