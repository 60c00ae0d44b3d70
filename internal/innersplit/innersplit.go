// Package innersplit selects the training windows that inner validation leaves out. Inner
// validation compares settings of a fit by the errors on training windows that were left
// out of the fit; it does not use the holdout.
//
// It leaves out windows in two ways. The temporal holdout is the last 40 % of the
// windows; its error estimates that on a new recording. Blocked cross-validation leaves
// out every fifth block of 16 windows; its error estimates that on more of the same
// recording. Blocks, unlike single windows, keep most windows that overlap or follow each
// other in the same part.
//
// Windows are numbered from 0 in file order.
package innersplit

// Blocked cross-validation divides the windows into blocks of Block windows and
// assigns the blocks to Folds folds in turn.
const (
	Block = 16
	Folds = 5
)

// Temporal reports whether window i of n is in the temporal holdout.
func Temporal(i, n int) bool { return i >= n*6/10 }

// Fold returns the fold, from 0 to Folds-1, that window i is in.
func Fold(i int) int { return i / Block % Folds }
