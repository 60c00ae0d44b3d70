package artifacts

import (
	"fmt"
	"path"
	"path/filepath"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/npz"
)

// The arrays of bitpack.npz, float32, for M modes of k latents of which r turn.
const (
	arrayBits      = "bits"      // M×k, whole numbers
	arrayCenters   = "centers"   // M×k
	arrayKnots     = "knots"     // M·k×16, each row filled up with zeros
	arrayRotations = "rotations" // M·r×r; absent where r is 0
)

func tablesInfo(t *bam.Tables) *BitPackInfo {
	return &BitPackInfo{
		Path: BitPackFile, PayloadBytes: t.PayloadBytes, ModeBits: t.ComponentBits,
		Modes: len(t.Components), Rotation: t.Components[0].Rotation.Rows, Check: t.CheckByte,
	}
}

// encodeTables returns bitpack.npz.
func encodeTables(t *bam.Tables, latents int) ([]byte, error) {
	if err := t.Check(latents); err != nil {
		return nil, err
	}
	n, r := len(t.Components), t.Components[0].Rotation.Rows
	array := func(rows, cols int) npz.Array {
		return npz.Array{Rows: rows, Cols: cols, Data: make([]float32, 0, rows*cols)}
	}
	bits, centers := array(n, latents), array(n, latents)
	knots, rotations := array(n*latents, bam.MaxKnots), array(n*r, r)
	for i, m := range t.Components {
		if m.Rotation.Rows != r {
			return nil, fmt.Errorf("%w: mode %d turns %d latents, mode 0 %d", ErrMalformed, i, m.Rotation.Rows, r)
		}
		for j := range latents {
			bits.Data = append(bits.Data, float32(m.Bits[j]))
			row := make([]float32, bam.MaxKnots)
			copy(row, m.Knots[j])
			knots.Data = append(knots.Data, row...)
		}
		centers.Data = append(centers.Data, m.Center...)
		rotations.Data = append(rotations.Data, m.Rotation.Data...)
	}
	members := []npz.Member{{Name: arrayBits, Array: bits}, {Name: arrayCenters, Array: centers}, {Name: arrayKnots, Array: knots}}
	if r > 0 {
		members = append(members, npz.Member{Name: arrayRotations, Array: rotations})
	}
	return npz.Write(members...)
}

// loadTables reads the file that the manifest's bitpack object names.
func (m *Model) loadTables(t tree, manifest, dir string) error {
	info := m.Manifest.BitPack
	file, err := t.join(dir, info.Path)
	if err != nil {
		return &Error{File: manifest, Field: "bitpack.path", Err: err}
	}
	data, err := readFile(t, file, npz.MaxFile)
	if err != nil {
		return err
	}
	if m.Tables, err = parseTables(file, data, info, m.Manifest.LatentDim); err != nil {
		return err
	}
	m.Files[path.Clean(filepath.ToSlash(info.Path))] = hash(data)
	return nil
}

// parseTables reads bitpack.npz for a manifest's bitpack object.
func parseTables(file string, data []byte, info *BitPackInfo, latents int) (*bam.Tables, error) {
	names := []string{arrayBits, arrayCenters, arrayKnots}
	if info.Rotation > 0 {
		names = append(names, arrayRotations)
	}
	arrays, err := readArrays(file, data, names...)
	if err != nil {
		return nil, err
	}
	n, r := info.Modes, info.Rotation
	for name, want := range map[string][2]int{
		arrayBits: {n, latents}, arrayCenters: {n, latents}, arrayKnots: {n * latents, bam.MaxKnots}, arrayRotations: {n * r, r},
	} {
		if a, ok := arrays[name]; ok && (a.Rows != want[0] || a.Cols != want[1]) {
			return nil, &Error{File: file, Field: name, Err: fmt.Errorf("%w: %d×%d, want %d×%d", ErrMismatch, a.Rows, a.Cols, want[0], want[1])}
		}
	}
	t := &bam.Tables{PayloadBytes: info.PayloadBytes, ComponentBits: info.ModeBits, CheckByte: info.Check, Components: make([]bam.Component, n)}
	for i := range t.Components {
		m := &t.Components[i]
		m.Center = arrays[arrayCenters].Data[i*latents : (i+1)*latents]
		m.Bits, m.Knots = make([]uint8, latents), make([][]float32, latents)
		if r > 0 {
			m.Rotation = bam.Matrix{Rows: r, Cols: r, Data: arrays[arrayRotations].Data[i*r*r : (i+1)*r*r]}
		}
		for j := range latents {
			at := i*latents + j
			b := arrays[arrayBits].Data[at]
			if !(b >= 0 && b <= bam.MaxLatentBits) || b != float32(int(b)) {
				return nil, &Error{File: file, Field: arrayBits, Err: fmt.Errorf("%w: mode %d latent %d has %g bits, want a whole number of at most %d", ErrMalformed, i, j, b, bam.MaxLatentBits)}
			}
			m.Bits[j] = uint8(b)
			m.Knots[j] = arrays[arrayKnots].Data[at*bam.MaxKnots:][:min(1<<m.Bits[j], bam.MaxKnots)]
		}
	}
	if err := t.Check(latents); err != nil {
		return nil, &Error{File: file, Err: fmt.Errorf("%w: %w", ErrMalformed, err)}
	}
	return t, nil
}
