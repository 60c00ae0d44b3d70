package save

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/loralink/loralink-go/artifacts"
	"github.com/loralink/loralink-go/internal/atomicfile"
)

// Fill writes the files that an existing bam_manifest.json names: the layers into the
// folder of its model_path, the norm to its norm_path. The manifest itself stays as it
// is, and no artifacts.json is written. Contents must have the manifest's sizes. Fill
// returns the paths of the files.
//
// It is for manifests that were written by hand before there was a model. Fill creates
// the folders. It replaces existing files only with Force; otherwise it writes none, and
// the error wraps ErrExists.
func Fill(manifest string, contents *artifacts.Contents, settings *Settings) ([]string, error) {
	man, err := artifacts.LoadManifest(manifest)
	if err != nil {
		return nil, err
	}
	if len(man.NormWidening) > 0 || contents.Tables != nil {
		return nil, &artifacts.Error{File: manifest, Err: fmt.Errorf("%w: found a model with tables or a widened norm, want one of layers and a norm", artifacts.ErrUnsupported)}
	}
	if got := contents.CompleteManifest(); got.Schema() != man.Schema() || got.Window() != man.Window() {
		return nil, &artifacts.Error{File: manifest, Err: fmt.Errorf("%w: found a model of %s for windows of %s, want %s for %s", artifacts.ErrMismatch, got.Schema(), got.Window(), man.Schema(), man.Window())}
	}
	files, _, err := Encode(contents)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(manifest)
	named := map[string]string{}
	for i := range contents.Layers {
		named[artifacts.LayerFile(i)] = filepath.Join(dir, filepath.FromSlash(man.ModelPath), artifacts.LayerFile(i))
	}
	if man.NormPath != nil && *man.NormPath != "" {
		if contents.Norm == nil {
			return nil, &artifacts.Error{File: manifest, Field: "norm_path", Err: fmt.Errorf("%w: found a model without a norm, want one for %s", artifacts.ErrMismatch, *man.NormPath)}
		}
		named[artifacts.NormFile] = filepath.Join(dir, filepath.FromSlash(*man.NormPath))
	}
	for _, path := range named {
		if _, err := os.Lstat(path); err == nil && (settings == nil || !settings.Force) {
			return nil, &artifacts.Error{File: path, Err: fmt.Errorf("%w, want a new file", ErrExists)}
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, &artifacts.Error{File: path, Err: err}
		}
	}
	var written []string
	for _, f := range files {
		path, ok := named[f.Name]
		if !ok {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return written, &artifacts.Error{File: path, Err: err}
		}
		if err := atomicfile.WriteBytes(path, f.Data); err != nil {
			return written, &artifacts.Error{File: path, Err: err}
		}
		written = append(written, path)
	}
	return written, nil
}
