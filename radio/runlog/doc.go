// Package runlog writes and reads the event log of a run, and computes metrics
// from it.
//
// A run is what one sender and one receiver of package radio/link do under one
// run_id. Each end writes a log of its own, <run_id>_<role>.jsonl: one JSON
// object a line, one line an event. [Writer] appends to it, [OpenEntries] and
// [ReadEntries] iterate over it. docs/radio.md lists the events and their
// fields.
//
// [Meter] sums up events as they come or as they are read: delivery, retries,
// airtime and latency. [Compare] sets the metrics of a run against those of a
// baseline run.
//
// The package prints nothing and keeps no global state. A Writer and a Meter
// belong to one goroutine; everything else may be called from several.
package runlog
