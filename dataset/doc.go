// Package dataset reads recordings of sensors, cuts them into windows, and reads and
// writes those windows as a data set, dataset_raw.jsonl.
//
// The steps from a recording to training windows, each an iterator over values and
// errors:
//
//	OpenSamples   reads a recording (JSONL or CSV), one Sample per line
//	Windows       cuts the samples into windows of W samples, one every Stride samples
//	WriteFile     writes dataset_raw.jsonl; a Writer appends to one instead
//	OpenWindows   reads dataset_raw.jsonl
//	Training      yields the windows that a Split selects for training; Holdout the others
//	Shuffle       changes the order, within a buffer
//	Stats         computes mean and standard deviation of each value
//
// # Iterators
//
// A sequence yields values with a nil error. After the first error, which comes with
// a zero value, it ends. Everything streams: a file may be larger than memory.
//
// A sequence that a function with a path returns, such as OpenWindows, opens its file
// anew each time it is ranged over. It can be ranged over several times, and by
// several goroutines at once. A sequence over an io.Reader, from ReadSamples, can be
// ranged over once. A function that returns a sequence of another one, such as
// Windows, ranges over that one once for each time that its own is ranged over.
//
// # Samples
//
// A sample has a time and values. Without SampleSettings.Columns they are the twelve of
// a motion sensor, in this order and these units:
//
//	lat lon           deg
//	alt               m
//	ax ay az          m/s²
//	gx gy gz          deg/s
//	roll pitch yaw    deg
//
// Columns name other values, with units of one's own, or other names that a recording has
// for these: temp:degC=Temperature reads the value temp, in degC, from the column
// Temperature. Windows have the names and units of their samples.
//
// # The record
//
// One line of dataset_raw.jsonl is a JSON object. Only window is required.
//
//	key        type      default                       meaning
//	ts_ms      integer   0                             sensor time of the last sample, ms since 1970
//	run_id     string    ""                            the run that recorded it
//	window_id  integer   number of the line, from 0    unique in the file
//	order      [string]  none                          names of the values of a step
//	units      {string}  none                          unit of each name
//	window     [number]  required                      dims·W values, oldest step first
//
// A key whose value is null counts as absent. Unknown keys and blank lines are
// ignored. A line has at most 16 MiB. Package dataset/numpy reads and writes the same
// records in numpy's files.
//
// # Errors
//
// An error in a file is an [*Error]. It names the file, the line and the field, says
// what was found and what is wanted, and wraps one of the sentinels [ErrSyntax],
// [ErrType], [ErrLength], [ErrMissing], [ErrDuplicate], [ErrNotFinite], [ErrTooLong],
// [ErrIncompleteLine] and [ErrEmpty], or an error of the file system such as
// fs.ErrNotExist.
//
// If a writer is interrupted, its last line may be incomplete. Reading that line gives
// [ErrIncompleteLine]; [SkipIncomplete] turns the error into a warning.
package dataset
