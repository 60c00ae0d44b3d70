// Package save writes the folder of a model: manifest, norm, layers, tables and
// artifacts.json, in the formats that package artifacts reads.
//
//	_, err := save.Model("out/models/a", set, nil)
//
// What is written is validated first, and the folder appears whole or not at all.
package save

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/internal/atomicfile"
	"github.com/loralink/loralink-go/internal/modelfile"
)

// ErrExists marks a folder that stands where a new one was to be saved.
var ErrExists = atomicfile.ErrExists

// Settings say what Model may do to what it finds. The zero value writes new
// folders only.
type Settings struct {
	// Force replaces a folder that holds nothing but a model's files.
	Force bool
}

// File is one file of a model's folder.
type File = atomicfile.File

// Model writes a model's folder and returns what it wrote to artifacts.json. Nil
// settings are the default.
//
// The folder appears whole: it is written beside its target, under the name
// dir.new-*, and renamed. With Force an old folder is first renamed to dir.old-*,
// and removed once the new one stands; a crash in between leaves both complete,
// and the error of artifacts.Load names one.
func Model(dir string, set *artifacts.Set, settings *Settings) (*artifacts.Artifacts, error) {
	files, a, err := Encode(set)
	if err != nil {
		return nil, err
	}
	if err := folder(dir, settings).Write(files); err != nil {
		return nil, &artifacts.Error{File: dir, Err: err}
	}
	return a, nil
}

// CheckTarget reports whether Model could write to dir, before the work of
// training is done.
func CheckTarget(dir string, settings *Settings) error {
	if err := folder(dir, settings).CheckTarget(); err != nil {
		return &artifacts.Error{File: dir, Err: err}
	}
	return nil
}

func folder(dir string, settings *Settings) atomicfile.Folder {
	f := atomicfile.Folder{Path: dir, Owns: artifacts.IsModelFile, Kind: "a model"}
	if settings != nil {
		f.Force = settings.Force
	}
	return f
}

// Encode returns the files of a set, artifacts.json last, without writing them.
func Encode(set *artifacts.Set) ([]File, *artifacts.Artifacts, error) {
	man, err := check(set)
	if err != nil {
		return nil, nil, err
	}
	var files []File
	var failed error
	add := func(name string, data []byte, err error) {
		if err != nil && failed == nil {
			failed = &artifacts.Error{File: name, Err: err}
		}
		files = append(files, File{Name: name, Data: data})
	}
	addJSON := func(name string, v any) {
		data, err := modelfile.EncodeJSON(v)
		add(name, data, err)
	}
	if set.Norm != nil {
		addJSON(artifacts.NormFile, set.Norm)
	}
	addJSON(artifacts.ManifestFile, man)
	for i, l := range set.Layers {
		data, err := encodeLayer(l)
		add(artifacts.LayerFile(i), data, err)
	}
	if set.Tables != nil {
		data, err := encodeTables(set.Tables, man.LatentDim)
		add(artifacts.BitPackFile, data, err)
	}
	hashes := make(map[string]string, len(files))
	for _, f := range files {
		hashes[f.Name] = modelfile.Hash(f.Data)
	}
	if set.TrainReport != nil {
		addJSON(artifacts.TrainReportFile, set.TrainReport)
	}
	a := artifacts.NewArtifacts(man, hashes, set.CreatedAt, set.GitCommit)
	if err := checkTags(artifacts.ArtifactsFile, a); err != nil {
		return nil, nil, err
	}
	addJSON(artifacts.ArtifactsFile, a)
	return files, a, failed
}

// check reports what keeps a set from being a model, and returns its manifest.
func check(set *artifacts.Set) (*artifacts.Manifest, error) {
	if err := checkTags("set", set); err != nil {
		return nil, err
	}
	net := set.Network()
	if err := net.Check(); err != nil {
		return nil, fmt.Errorf("save: %w", err)
	}
	man := set.Completed()
	if set.Norm != nil {
		if err := set.Norm.Check(); err != nil {
			return nil, &artifacts.Error{File: artifacts.NormFile, Err: err}
		}
		if len(set.Norm.Mean) != man.WindowLen() {
			return nil, &artifacts.Error{File: artifacts.NormFile, Field: "mean", Err: fmt.Errorf("%w: %d values, want %d", artifacts.ErrMismatch, len(set.Norm.Mean), man.WindowLen())}
		}
	}
	if err := man.Check(); err != nil {
		return nil, err
	}
	if err := man.CheckPayload(set.MaxPayloadBytes); err != nil {
		return nil, err
	}
	if net.InputLen() != man.WindowLen() {
		return nil, &artifacts.Error{File: artifacts.ManifestFile, Field: "input_dims", Err: fmt.Errorf("%w: a window has %d values, but layer 0 takes %d", artifacts.ErrMismatch, man.WindowLen(), net.InputLen())}
	}
	return &man, nil
}

var validate = sync.OnceValue(func() *validator.Validate {
	return validator.New(validator.WithRequiredStructEnabled())
})

// checkTags reports all that the validate tags of v find.
func checkTags(file string, v any) error {
	var found validator.ValidationErrors
	if err := validate().Struct(v); !errors.As(err, &found) {
		return err
	}
	var faults modelfile.Faults
	for _, e := range found {
		_, field, _ := strings.Cut(e.Namespace(), ".")
		faults.Add(field, artifacts.ErrMalformed, "%v, want %s", e.Value(), strings.TrimSpace(e.Tag()+" "+e.Param()))
	}
	return faults.Join(func(field string, err error) error { return &artifacts.Error{File: file, Field: field, Err: err} })
}

func encodeLayer(l bam.Layer) ([]byte, error) {
	return writeNPZ(member{"W", matrix(l.W)}, member{"V", matrix(l.V)})
}
