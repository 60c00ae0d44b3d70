// Package runlog writes and reads the event log of a run, and computes metrics
// from it.
//
// A run is the work of one sender and one receiver of package radio/link under one
// run_id. Each end writes a log of its own, <run_id>_<role>.jsonl, with one JSON
// object per line and one line per event. [Writer] appends to it, [OpenEntries] and
// [ReadEntries] iterate over it. docs/radio.md lists the events and their fields.
//
// [Meter] computes [Metrics] from events, while they happen or from a log: delivery,
// retries, time on air and latency. [Compare] compares the metrics of a run with those
// of a baseline run. [OpenRun] reads all files of a run at once, [ReadEnergy]
// computes the energy of a run from a record of the sender's power supply, and
// [Matcher] finds the sent window of each decoded one, so that their errors can be
// measured.
//
// Package radio/runlog/runreport measures these errors and reports on a run, and
// radio/runlog/runplot plots it.
//
// A Writer, Meter or Matcher must not be used by several goroutines at once.
// Everything else may be called from several goroutines at once.
package runlog
