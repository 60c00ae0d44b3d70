// Package export writes a codec as source code of other languages: C99 for the
// microcontroller of a node, JavaScript for the decoder of a LoRaWAN network server.
//
//	c, err := codec.Load("out/ladders/a")
//	files, err := export.C(c, nil)
//	err = export.Write("out/firmware", files)
//
// [C] writes an encoder and a decoder, [JS] a decoder. Both come with vectors, windows
// and payloads of the Go codec, and a program that checks them on the user's own
// target: payloads and decoded values are equal to the last bit, and windows and payloads
// that Go refuses are refused.
//
// The codecs are codec.BAM with every packing, codec.Grid, codec.EntropyGrid, and a
// codec.Ladder of these. docs/export.md describes the files.
package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/internal/atomicfile"
)

// The errors of this package wrap one of these.
var (
	// ErrUnsupported reports a codec that no code is written for.
	ErrUnsupported = errors.New("export: unsupported codec")
	// ErrSettings reports invalid settings.
	ErrSettings = errors.New("export: invalid settings")
	// ErrTooLarge reports a script that is longer than network servers take.
	ErrTooLarge = errors.New("export: script too large")
)

// DefaultVectors is the number of vectors by default.
const DefaultVectors = 1000

// maxVectors bounds the files of vectors.
const maxVectors = 100_000

// Settings are the settings of C and JS. The zero value is the default.
type Settings struct {
	// Name begins the names of files and, in C, of identifiers: lowercase letters,
	// digits and underscores, the first a letter. "" means "loralink".
	Name string
	// Vectors is the number of windows in the file of vectors. 0 means
	// DefaultVectors.
	Vectors int
}

// File is a generated file.
type File struct {
	Name string // without a folder
	Data []byte
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// filled returns the settings with their defaults. An error wraps ErrSettings.
func (s *Settings) filled() (Settings, error) {
	var out Settings
	if s != nil {
		out = *s
	}
	if out.Name == "" {
		out.Name = "loralink"
	}
	if out.Vectors == 0 {
		out.Vectors = DefaultVectors
	}
	switch {
	case !validName.MatchString(out.Name):
		return out, fmt.Errorf("%w: the name is %q, want a letter and up to 39 letters, digits and underscores, all lowercase", ErrSettings, out.Name)
	case out.Vectors < 1 || out.Vectors > maxVectors:
		return out, fmt.Errorf("%w: %d vectors, want 1..%d", ErrSettings, out.Vectors, maxVectors)
	}
	return out, nil
}

// Write writes files to the folder dir, which it creates if there is none. Each file is
// complete or, after an error, as it was.
func Write(dir string, files []File) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	for _, f := range files {
		if f.Name != filepath.Base(f.Name) || strings.HasPrefix(f.Name, ".") {
			return fmt.Errorf("%w: the file is named %q, want a name without a folder", ErrSettings, f.Name)
		}
		if err := atomicfile.WriteBytes(filepath.Join(dir, f.Name), f.Data); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	return nil
}

// unsupported returns the error for a codec that no code is written for.
func unsupported(c codec.Codec, where string) error {
	return fmt.Errorf("%w: %s%s, want bam, grid, entropy_grid or a ladder of these", ErrUnsupported, where, c.ID())
}
