// Package artifacts reads and writes a model's folder:
//
//	bam_manifest.json   what the model is: sizes, packing, scale, transmission
//	layer_0.npz, …      the matrices W (out×in) and V (in×out) of each layer
//	norm.json           mean and standard deviation of every window value
//	bitpack.npz         contract v2 only: the levels a payload's bits stand for
//	artifacts.json      hashes by which two ends agree on one model
//	train_report.json   how it was trained; nothing reads it back
//
// The formats are the reference runtime's, so that a model trained there runs
// here and the other way round. Files are treated as a stranger's: sizes are
// capped before anything is allocated, and every fault is an [*Error] that
// names the file and the field and wraps one of the sentinels below.
package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// File names in a model's folder.
const (
	ManifestFile    = "bam_manifest.json"
	NormFile        = "norm.json"
	ArtifactsFile   = "artifacts.json"
	TrainReportFile = "train_report.json"
	BitPackFile     = "bitpack.npz"
)

// What can be wrong with a model's files.
var (
	// ErrNotFound marks a file that is not there.
	ErrNotFound = errors.New("not found")
	// ErrMalformed marks a file that breaks its format.
	ErrMalformed = errors.New("malformed")
	// ErrUnsupported marks a format that is well-formed, but not ours to read.
	ErrUnsupported = errors.New("unsupported")
	// ErrMismatch marks files that do not belong together.
	ErrMismatch = errors.New("mismatch")
	// ErrTooLarge marks what exceeds a cap.
	ErrTooLarge = errors.New("too large")
	// ErrExists marks a folder that stands where a new one was to be saved.
	ErrExists = errors.New("exists already")
)

// Error is a fault in one file. Several faults of one file are joined, each an
// Error of its own.
type Error struct {
	File  string // path as given, or as it stands in the manifest
	Field string // JSON field or array; empty where the whole file is meant
	Err   error  // wraps a sentinel of this package
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("artifacts: ")
	b.WriteString(e.File)
	if e.Field != "" {
		b.WriteString(": ")
		b.WriteString(e.Field)
	}
	b.WriteString(": ")
	b.WriteString(e.Err.Error())
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// readError turns what a file system says into an Error.
func readError(file string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{File: file, Err: ErrNotFound}
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EINVAL): // what a path says that is none
		return &Error{File: file, Err: fmt.Errorf("%w: %w", ErrNotFound, err)}
	}
	return &Error{File: file, Err: err}
}
