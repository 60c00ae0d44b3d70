// Package dataset reads recordings of motion sensors, cuts them into windows,
// and reads and writes those windows as a data set, dataset_raw.jsonl.
//
// The steps from a recording to training windows, each an iterator over values and
// errors:
//
//	OpenSamples   a recording (JSONL or CSV): one Sample a line
//	Windows       W consecutive samples, one Window every Stride samples
//	WriteFile     dataset_raw.jsonl, whole; a Writer appends to one instead
//	OpenWindows   dataset_raw.jsonl, as often as it is ranged over
//	Train         the windows a split trains on; Holdout the others
//	Shuffle       another order, within a buffer
//	Stats         mean and standard deviation of each value
//
// # Iterators
//
// A sequence yields values with a nil error and ends with the first error, which
// comes with a zero value and is the last element. Everything streams: a file
// may be larger than memory. A sequence opened by path opens its file anew
// each time it is ranged over, so it can be ranged over several times, and by
// several goroutines at once. A sequence over an io.Reader can be ranged over once.
//
// # Samples
//
// A sample has a time and twelve values in this order and these units:
//
//	lat lon           deg
//	alt               m
//	ax ay az          m/s²
//	gx gy gz          deg/s
//	roll pitch yaw    deg
//
// Windows may have any number of dimensions; only samples are fixed at twelve.
//
// # The record
//
// One line of dataset_raw.jsonl is a JSON object. Only window is required.
//
//	ts_ms      integer   sensor time of the last sample, ms since 1970; else 0
//	run_id     string    the run that recorded it; else ""
//	window_id  integer   unique in the file; else the line's number from zero
//	order      [string]  names of the dims values of a step
//	units      {string}  unit of each name
//	window     [number]  dims·W values, oldest step first
//
// Keys that are null count as absent, unknown keys are skipped, blank lines too.
// A line is at most 16 MiB long. Package dataset/numpy has the same records in
// numpy's files.
//
// # Errors
//
// Everything wrong with a file is an [*Error] that names file, line and field,
// says what was found and what was wanted, and matches one of the sentinels
// (errors.Is): [ErrSyntax], [ErrType], [ErrLength], [ErrMissing],
// [ErrDuplicate], [ErrNotFinite], [ErrTooLong], [ErrTornLine], [ErrEmpty]; or
// it wraps what the file system said, as fs.ErrNotExist.
// [ErrTornLine] concerns the last line alone, and [SkipTorn] makes it a warning.
package dataset
