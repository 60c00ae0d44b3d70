// Package save writes the folder of a model: manifest, norm, layers, tables and
// artifacts.json, in the formats that package artifacts reads.
//
//	_, err := save.Model("out/models/a", result.Contents(), nil)
//
// It checks everything before it writes, and writes a complete folder or none.
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
	"github.com/loralink/loralink-go/internal/errtext"
	"github.com/loralink/loralink-go/internal/modelfile"
)

// ErrExists reports that the target exists already and may not be replaced.
var ErrExists = atomicfile.ErrExists

// Settings are settings of Model. With the zero value it writes new folders only.
type Settings struct {
	// Force replaces an existing folder if it has a model's files only. An empty folder
	// is replaced in any case.
	Force bool
}

// File is one file of a model's folder.
type File struct {
	Name string // name in the folder
	Data []byte
}

// Model writes a model's folder to dir and returns the content of its artifacts.json.
// Nil settings mean the zero Settings. If dir exists and may not be replaced, the error
// wraps ErrExists.
//
// Model writes the folder next to its target, under the name dir.new-*, and renames it
// when it is complete. With Force it exchanges the names of the old folder and the new
// one, and removes the old one. Where the system cannot exchange names, it first renames
// the old folder to dir.old-*; a crash in between leaves both folders complete, and the
// error of artifacts.Load names one of them. At the end Model removes the folders of
// killed processes at dir.new-* and dir.old-*; Windows has no locks to recognise them by,
// there they stay. If dir is a symbolic link, it is an error.
func Model(dir string, contents *artifacts.Contents, settings *Settings) (*artifacts.Artifacts, error) {
	files, a, err := Encode(contents)
	if err != nil {
		return nil, err
	}
	written := make([]atomicfile.File, len(files))
	for i, f := range files {
		written[i] = atomicfile.File(f)
	}
	if err := folder(dir, settings).Write(written); err != nil {
		return nil, &artifacts.Error{File: dir, Err: err}
	}
	return a, nil
}

// CheckTarget returns an error if Model cannot write to dir, so that a program can stop
// before a long training.
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

// Encode returns the files of a model's folder, artifacts.json last, and the content of
// that file, without writing them.
func Encode(contents *artifacts.Contents) ([]File, *artifacts.Artifacts, error) {
	man, err := check(contents)
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
	if contents.Norm != nil {
		addJSON(artifacts.NormFile, contents.Norm)
	}
	addJSON(artifacts.ManifestFile, man)
	for i, l := range contents.Layers {
		data, err := encodeLayer(l)
		add(artifacts.LayerFile(i), data, err)
	}
	if contents.Tables != nil {
		data, err := encodeTables(contents.Tables, man.LatentDim)
		add(artifacts.BitPackFile, data, err)
	}
	hashes := make(map[string]string, len(files))
	for _, f := range files {
		hashes[f.Name] = modelfile.Hash(f.Data)
	}
	if contents.TrainReport != nil {
		addJSON(artifacts.TrainReportFile, contents.TrainReport)
	}
	a := artifacts.NewArtifacts(man, hashes, contents.CreatedAt, contents.GitCommit)
	if err := checkTags(artifacts.ArtifactsFile, a); err != nil {
		return nil, nil, err
	}
	addJSON(artifacts.ArtifactsFile, a)
	return files, a, failed
}

// check returns an error unless the contents are a valid model. It returns their complete
// manifest.
func check(contents *artifacts.Contents) (*artifacts.Manifest, error) {
	if err := checkTags("contents", contents); err != nil {
		return nil, err
	}
	net := contents.Network()
	if err := net.Check(); err != nil {
		return nil, fmt.Errorf("save: %w", errtext.TrimPrefix(err, "bam: "))
	}
	weights := 0
	for _, l := range contents.Layers {
		weights += len(l.W.Data) + len(l.V.Data)
	}
	if weights > artifacts.MaxWeights {
		return nil, fmt.Errorf("save: %w: found %d weights in all layers, want at most %d", artifacts.ErrTooLarge, weights, artifacts.MaxWeights)
	}
	man := contents.CompleteManifest()
	if norm := contents.Norm; norm != nil {
		if err := norm.Check(); err != nil {
			return nil, &artifacts.Error{File: artifacts.NormFile, Err: errtext.TrimPrefix(err, "bam: ")}
		}
		if len(norm.Mean) != man.WindowLen() {
			return nil, &artifacts.Error{File: artifacts.NormFile, Field: "mean", Err: fmt.Errorf("%w: found %d values, want %d, the window's length", artifacts.ErrMismatch, len(norm.Mean), man.WindowLen())}
		}
	}
	if err := man.Check(); err != nil {
		return nil, err
	}
	if err := man.CheckPayload(contents.MaxPayloadBytes); err != nil {
		return nil, err
	}
	if net.InputLen() != man.WindowLen() {
		return nil, &artifacts.Error{File: artifacts.ManifestFile, Field: "input_dims", Err: fmt.Errorf("%w: found windows of %d values, want %d, the inputs of layer 0", artifacts.ErrMismatch, man.WindowLen(), net.InputLen())}
	}
	return &man, nil
}

var validate = sync.OnceValue(func() *validator.Validate {
	return validator.New(validator.WithRequiredStructEnabled())
})

// checkTags returns an error for each field of v that violates its validate tag.
func checkTags(file string, v any) error {
	var found validator.ValidationErrors
	if err := validate().Struct(v); !errors.As(err, &found) {
		return err
	}
	var faults modelfile.Faults
	for _, e := range found {
		_, field, _ := strings.Cut(e.Namespace(), ".")
		faults.Add(field, artifacts.ErrMalformed, "found %v, want %s", e.Value(), strings.TrimSpace(e.Tag()+" "+e.Param()))
	}
	return faults.Join(func(field string, err error) error { return &artifacts.Error{File: file, Field: field, Err: err} })
}

func encodeLayer(l bam.Layer) ([]byte, error) {
	return writeNPZ(member{"W", matrix(l.W)}, member{"V", matrix(l.V)})
}
