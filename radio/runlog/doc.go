// Package runlog writes and reads the event log of a run, and computes metrics
// from it.
//
// A run is what one sender and one receiver of package radio/link do under one
// run_id. Each end writes a log of its own, <run_id>_<role>.jsonl: one JSON
// object a line, one line an event. [Writer] appends to it, [OpenEntries] and
// [ReadEntries] iterate over it. docs/radio.md lists the events and their
// fields.
//
// [Meter] sums up events, as they come or as they are read, into [Metrics]: delivery,
// retries, airtime and latency. [Compare] compares the metrics of a run with those
// of a baseline run. [OpenRun] reads all files of a run at once, [ReadEnergy]
// computes what it took from a record of the sender's supply, and [Matcher] finds
// the sent window of each reconstructed one, so that their errors can be measured.
//
// Package radio/runlog/runreport measures these errors and reports on a run, and
// radio/runlog/runplot plots it.
//
// Writer, Meter and Matcher belong to one goroutine. Everything else may be called
// from several goroutines at once.
package runlog
