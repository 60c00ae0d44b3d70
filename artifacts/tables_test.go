package artifacts_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/artifacts/save"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/testmodel"
)

// tablesSet is testSet with two modes of tables for its two latents.
func tablesSet() *artifacts.Contents {
	set := testmodel.Contents(1)
	set.Manifest.Packing = bam.BitPack
	set.Tables = &bam.Tables{PayloadBytes: 2, ComponentBits: 1, CheckByte: true}
	for i := range 2 {
		set.Tables.Components = append(set.Tables.Components, bam.Component{
			Center: []float32{float32(i), 2}, Rotation: bam.Matrix{Rows: 1, Cols: 1, Data: []float32{1}},
			Bits: []uint8{5, 1}, Knots: [][]float32{{-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7}, {-1, 1}},
		})
	}
	return set
}

func TestContractV2(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	if _, err := save.Model(dir, tablesSet(), nil); err != nil {
		t.Fatal(err)
	}
	m, err := artifacts.Load(filepath.Join(dir, artifacts.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(*m.Tables), fmt.Sprint(*tablesSet().Tables); got != want {
		t.Errorf("tables %s, want %s", got, want)
	}
	if m.Manifest.ManifestVersion != "2" || m.Manifest.PayloadBytes() != 2 || m.Manifest.Schema() != "bam:latent_dim=2:packing=bitpack:payload_bytes=2:check=true" {
		t.Errorf("%+v, %s", m.Manifest, m.Manifest.Schema())
	}
	if _, ok := m.Files[artifacts.BitPackFile]; !ok || len(m.Artifacts.Files) != 5 {
		t.Errorf("files %v", m.Artifacts.Files)
	}
	p, err := m.Packer()
	if err != nil {
		t.Fatal(err)
	}
	payload, err := p.AppendPack(nil, []float32{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	// The check byte ties the payload to the model's files.
	other := tablesSet()
	other.Layers[0].W.Data[0]++
	dir = filepath.Join(t.TempDir(), "m")
	if _, err := save.Model(dir, other, nil); err != nil {
		t.Fatal(err)
	}
	if m, err = artifacts.Load(filepath.Join(dir, artifacts.ManifestFile)); err != nil {
		t.Fatal(err)
	}
	if p, err = m.Packer(); err != nil {
		t.Fatal(err)
	}
	if err := p.Unpack(make([]float32, 2), payload); !errors.Is(err, bam.ErrCorrupt) {
		t.Errorf("a payload of another model: %v", err)
	}
}

func TestHostileTables(t *testing.T) {
	files, _, err := save.Encode(tablesSet())
	if err != nil {
		t.Fatal(err)
	}
	var tables []byte
	for _, f := range files {
		if f.Name == artifacts.BitPackFile {
			tables = f.Data
		}
	}
	good := artifacts.BitPackInfo{Path: artifacts.BitPackFile, PayloadBytes: 2, ComponentBits: 1, Components: 2, Rotation: 1, Check: true}
	if _, err := artifacts.ParseTables(artifacts.BitPackFile, tables, &good, 2); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		edit    func(*artifacts.BitPackInfo)
		latents int
		want    error
	}{
		{"more modes", func(b *artifacts.BitPackInfo) { b.Components = 3 }, 2, artifacts.ErrMismatch},
		{"more latents", func(*artifacts.BitPackInfo) {}, 3, artifacts.ErrMismatch},
		{"more turned", func(b *artifacts.BitPackInfo) { b.Rotation = 2 }, 2, artifacts.ErrMismatch},
		{"too few mode bits", func(b *artifacts.BitPackInfo) { b.ComponentBits = 0 }, 2, artifacts.ErrMalformed},
		{"too short a payload", func(b *artifacts.BitPackInfo) { b.PayloadBytes = 1 }, 2, artifacts.ErrMalformed},
	} {
		info := good
		c.edit(&info)
		if _, err := artifacts.ParseTables(artifacts.BitPackFile, tables, &info, c.latents); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for n := range tables {
		if _, err := artifacts.ParseTables(artifacts.BitPackFile, tables[:n], &good, 2); !errors.Is(err, artifacts.ErrMalformed) {
			t.Errorf("first %d bytes: %v", n, err)
		}
	}
	for _, c := range []struct {
		name string
		edit func(map[string]any)
	}{
		{"version 1 with tables", func(v map[string]any) { v["manifest_version"] = "1" }},
		{"another packing with tables", func(v map[string]any) { v["packing"], v["scale"] = "int8", 127 }},
		{"no object", func(v map[string]any) { delete(v, "bitpack") }},
		{"no path", func(v map[string]any) { v["bitpack"].(map[string]any)["path"] = "" }},
		{"a huge payload", func(v map[string]any) { v["bitpack"].(map[string]any)["payload_bytes"] = 1e9 }},
	} {
		for _, f := range files {
			if f.Name != artifacts.ManifestFile {
				continue
			}
			var v map[string]any
			if err := json.Unmarshal(f.Data, &v); err != nil {
				t.Fatal(err)
			}
			c.edit(v)
			b, _ := json.Marshal(v)
			if _, err := artifacts.ParseManifest(artifacts.ManifestFile, b); err == nil {
				t.Errorf("%s passes", c.name)
			}
		}
	}
}

func FuzzTables(f *testing.F) {
	files, _, err := save.Encode(tablesSet())
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if file.Name == artifacts.BitPackFile {
			f.Add(file.Data)
		}
	}
	info := artifacts.BitPackInfo{Path: artifacts.BitPackFile, PayloadBytes: 2, ComponentBits: 1, Components: 2, Rotation: 1}
	f.Fuzz(func(t *testing.T, data []byte) {
		if tables, err := artifacts.ParseTables(artifacts.BitPackFile, data, &info, 2); err == nil && tables.Check(2) != nil {
			t.Error("tables that do not serve pass")
		}
	})
}
