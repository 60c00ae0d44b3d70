// Package artifacts holds the types of a model's folder, reads it and verifies it:
//
//	bam_manifest.json   what the model is: sizes, packing, scale, transmission
//	layer_0.npz, …      the matrices W (out×in) and V (in×out) of each layer
//	norm.json           mean and standard deviation of every window value
//	bitpack.npz         contract v2 only: the levels that a payload's bits stand for
//	artifacts.json      hashes by which two ends agree on one model
//	train_report.json   how it was trained; nothing reads it back
//
// Package artifacts/save writes such a folder.
//
// The formats are those of an existing Python runtime, the reference, so that models
// cross both ways. Files are not trusted: sizes are capped before anything is
// allocated, and every fault is an [*Error] that names the file and the field and
// wraps one of the sentinels below.
package artifacts

import (
	"cmp"

	"github.com/loralink/loralink-go/internal/modelfile"
)

// File names in a model's folder.
const (
	ManifestFile    = "bam_manifest.json"
	NormFile        = "norm.json"
	ArtifactsFile   = "artifacts.json"
	TrainReportFile = "train_report.json"
	BitPackFile     = "bitpack.npz"
)

// Errors of a model's files. They come in an [*Error].
var (
	// ErrNotFound marks a file that is not there. It is an fs.ErrNotExist.
	ErrNotFound = modelfile.ErrNotFound
	// ErrMalformed marks a file that breaks its format.
	ErrMalformed = modelfile.ErrMalformed
	// ErrUnsupported marks a file of another kind, or a format not read here.
	ErrUnsupported = modelfile.ErrUnsupported
	// ErrMismatch marks files that do not belong together.
	ErrMismatch = modelfile.ErrMismatch
	// ErrTooLarge marks what exceeds a cap.
	ErrTooLarge = modelfile.ErrTooLarge
)

// Error is a fault in one file of a model or a codec. Several faults of one file
// are joined, each an Error of its own.
type Error struct {
	File    string // path as given, or as it stands in the file that mentions it
	Field   string // JSON field or array; "" where the whole file is meant
	Err     error  // wraps a sentinel of this package
	Package string // that reports it, by which the text begins; "" means artifacts
}

func (e *Error) Error() string {
	text := cmp.Or(e.Package, "artifacts") + ": " + e.File + ": "
	if e.Field != "" {
		text += e.Field + ": "
	}
	return text + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// located joins the faults of a file, each as an Error.
func located(file string, faults modelfile.Faults) error {
	return faults.Join(func(field string, err error) error { return &Error{File: file, Field: field, Err: err} })
}
