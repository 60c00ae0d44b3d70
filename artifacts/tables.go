package artifacts

import (
	"fmt"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/errtext"
	"github.com/loralink/loralink-go/internal/npz"
)

// The arrays of bitpack.npz, float32, for M components of k latents, r of them rotated.
const (
	ArrayBits      = "bits"      // M×k, whole numbers
	ArrayCenters   = "centers"   // M×k
	ArrayKnots     = "knots"     // M·k×16, each row padded with zeros
	ArrayRotations = "rotations" // M·r×r; absent if r is 0
)

// tablesInfo returns the manifest's bitpack object for the tables.
func tablesInfo(t *bam.Tables) *BitPackInfo {
	return &BitPackInfo{
		Path: BitPackFile, PayloadBytes: t.PayloadBytes, ComponentBits: t.ComponentBits,
		Components: len(t.Components), Rotation: t.Components[0].Rotation.Rows, Check: t.CheckByte,
	}
}

// tables reads the file that the manifest's bitpack object names.
func (l *loader) tables() error {
	info := l.m.Manifest.BitPack
	if info == nil {
		return nil
	}
	file, data, err := l.file("bitpack.path", info.Path, npz.MaxFile)
	if err != nil {
		return err
	}
	l.m.Tables, err = parseTables(file, data, info, l.m.Manifest.LatentDim)
	return err
}

// parseTables reads bitpack.npz for a manifest's bitpack object.
func parseTables(file string, data []byte, info *BitPackInfo, latents int) (*bam.Tables, error) {
	names := []string{ArrayBits, ArrayCenters, ArrayKnots}
	if info.Rotation > 0 {
		names = append(names, ArrayRotations)
	}
	arrays, err := readArrays(file, data, names...)
	if err != nil {
		return nil, err
	}
	n, r := info.Components, info.Rotation
	for name, want := range map[string][2]int{
		ArrayBits: {n, latents}, ArrayCenters: {n, latents}, ArrayKnots: {n * latents, bam.MaxKnots}, ArrayRotations: {n * r, r},
	} {
		if a, ok := arrays[name]; ok && (a.Rows != want[0] || a.Cols != want[1]) {
			return nil, &Error{File: file, Field: name, Err: fmt.Errorf("%w: found %d×%d, want %d×%d", ErrMismatch, a.Rows, a.Cols, want[0], want[1])}
		}
	}
	t := &bam.Tables{PayloadBytes: info.PayloadBytes, ComponentBits: info.ComponentBits, CheckByte: info.Check, Components: make([]bam.Component, n)}
	for i := range t.Components {
		c := &t.Components[i]
		c.Center = arrays[ArrayCenters].Data[i*latents : (i+1)*latents]
		c.Bits, c.Knots = make([]uint8, latents), make([][]float32, latents)
		if r > 0 {
			c.Rotation = bam.Matrix{Rows: r, Cols: r, Data: arrays[ArrayRotations].Data[i*r*r : (i+1)*r*r]}
		}
		for j := range latents {
			row := i*latents + j
			b := arrays[ArrayBits].Data[row]
			if !(b >= 0 && b <= bam.MaxLatentBits) || b != float32(int(b)) {
				return nil, &Error{File: file, Field: ArrayBits, Err: fmt.Errorf("%w: component %d: latent %d has %g bits, want a whole number of at most %d", ErrMalformed, i, j, b, bam.MaxLatentBits)}
			}
			c.Bits[j] = uint8(b)
			c.Knots[j] = arrays[ArrayKnots].Data[row*bam.MaxKnots:][:min(1<<c.Bits[j], bam.MaxKnots)]
		}
	}
	if err := t.Check(latents); err != nil {
		return nil, &Error{File: file, Err: fmt.Errorf("%w: %w", ErrMalformed, errtext.TrimPrefix(err, "bam: "))}
	}
	return t, nil
}
