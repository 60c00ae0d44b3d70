// Package artifacts reads and verifies the folder of a model:
//
//	bam_manifest.json   sizes, packing, scale, transmission function
//	layer_0.npz, …      the matrices W (out×in) and V (in×out) of each layer
//	norm.json           mean and standard deviation of each value of a window
//	bitpack.npz         contract v2 only: the levels of a payload's codes
//	artifacts.json      hashes, by which sender and receiver compare their models
//	train_report.json   the settings and the course of the training; for people
//
// Package artifacts/save writes such a folder.
//
// The formats are those of an existing Python runtime, the reference: either program
// can use models of the other. Files are untrusted: sizes are limited before anything is
// allocated. An error in a file is an [*Error], which names the file and the field and
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

// The sentinels of errors in a model's files. Each comes wrapped in an [*Error].
var (
	// ErrNotFound reports a file that does not exist. errors.Is(err, fs.ErrNotExist)
	// is true for it.
	ErrNotFound = modelfile.ErrNotFound
	// ErrMalformed reports a file that violates its format.
	ErrMalformed = modelfile.ErrMalformed
	// ErrUnsupported reports a file of another kind, or of a format that this package
	// does not read.
	ErrUnsupported = modelfile.ErrUnsupported
	// ErrMismatch reports files that do not belong together.
	ErrMismatch = modelfile.ErrMismatch
	// ErrTooLarge reports a size above a limit.
	ErrTooLarge = modelfile.ErrTooLarge
)

// Error is an error in one file of a model or a codec. Several errors in one file are
// joined.
type Error struct {
	File    string // path as given, or as written in the file that refers to it
	Field   string // JSON key or array; "" if it is the whole file
	Err     error  // wraps a sentinel of this package
	Package string // the package that returns the error, the prefix of the text; "": artifacts
}

func (e *Error) Error() string {
	text := cmp.Or(e.Package, "artifacts") + ": " + e.File + ": "
	if e.Field != "" {
		text += e.Field + ": "
	}
	return text + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// located joins the faults of a file, each as an Error; nil if there are none.
func located(file string, faults modelfile.Faults) error {
	return faults.Join(func(field string, err error) error { return &Error{File: file, Field: field, Err: err} })
}
