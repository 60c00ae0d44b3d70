package cli

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/loralink/loralink-go/internal/inputfile"
)

// HexLine is one payload of a file of hex lines.
type HexLine struct {
	Bytes []byte
	ID    int64  // number of the payload, from 0
	Where string // file and line, such as payloads.txt:3, or the flag
}

// HexPayload yields one payload in hex, the value of a flag.
func HexPayload(flag, text string) iter.Seq2[HexLine, error] {
	return func(yield func(HexLine, error) bool) {
		b, err := parseHex(text)
		if err != nil {
			err = Usagef("%s: %w", flag, err)
		}
		yield(HexLine{Bytes: b, Where: flag}, err)
	}
}

// parseHex reads bytes in hex, with or without blanks between them.
func parseHex(text string) ([]byte, error) {
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, fmt.Errorf("found %q, want bytes in hex: %s", text, strings.TrimPrefix(err.Error(), "encoding/hex: "))
	}
	return b, nil
}

// OpenHex yields the payloads in a file, one line of hex each; "-" is standard input.
// Blank lines and text after a # are ignored. A file without a payload is an error.
// Standard input is read until ctx ends.
func OpenHex(ctx context.Context, path string) iter.Seq2[HexLine, error] {
	return func(yield func(HexLine, error) bool) {
		r := stdin(ctx)
		if path != "-" {
			f, size, err := inputfile.Open(path)
			if err != nil {
				yield(HexLine{}, err)
				return
			}
			defer f.Close()
			r = io.LimitReader(f, size)
		}
		lines := bufio.NewScanner(r)
		n, id := 0, int64(0)
		for lines.Scan() {
			n++
			text, _, _ := strings.Cut(lines.Text(), "#")
			if strings.TrimSpace(text) == "" {
				continue
			}
			where := fmt.Sprintf("%s:%d", path, n)
			b, err := parseHex(text)
			if err != nil {
				err = fmt.Errorf("%s: %w", where, err)
			}
			if !yield(HexLine{b, id, where}, err) || err != nil {
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
