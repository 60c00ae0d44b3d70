// Package endpoint runs a sender or a receiver from a RunSpec. It builds the codec
// that the RunSpec names, checks it against the model's artifacts, runs the link
// over any [radio.Radio], writes the event log, and keeps what the next run needs.
// Programs examples/tx and examples/rx use it, and so can a gateway.
//
//	e, err := endpoint.Open("tx.yaml", runspec.RoleTX, nil)
//	if err != nil {
//		return err
//	}
//	r, err := (&endpoint.RadioSettings{Kind: endpoint.RadioUART, Port: "/dev/ttyUSB0"}).Open(ctx, e)
//	if err != nil {
//		return err
//	}
//	defer r.Close()
//	windows, err := (&endpoint.SamplerSettings{Path: "walk.jsonl"}).Windows(e.Spec())
//	if err != nil {
//		return err
//	}
//	metrics, err := e.Send(ctx, r, windows, &endpoint.SendSettings{Dataset: "sent.jsonl"})
//
// [Endpoint.Send] and [Endpoint.Receive] block until the run is over. They print
// nothing; they call functions in their settings with what happens. To end a run,
// cancel its context. The methods then return an error that wraps the context's,
// and the metrics so far.
//
// # Settings
//
// Settings are structs whose zero fields are defaults. Some can be set from a
// command line: [RadioSettings] opens a radio, [SamplerSettings] samples a recording
// or a simulated sensor, and [SourceSettings] reads windows for a simulated link.
// Their method RegisterFlags adds flags to a FlagSet; the comments of the fields name
// the flags. Check returns an error that wraps [ErrSettings] if fields contradict each
// other. The text of such an error names fields. Its method FlagText() string returns
// the text with the names of the flags instead, for a program to print.
//
// # Files
//
// A run appends to the log <run_id>_<role>.jsonl in the RunSpec's logging.out_dir. A
// sender also maintains <run_id>_tx.state there, see [State]. A run locks its files, and its
// data set: a second run with the same run_id and role in the same folder, or with the same
// data set, ends with an error that wraps [ErrInUse]. Data sets are JSONL;
// numpy's files are refused, so that an endpoint needs no library for them.
// examples/samples converts between the two.
//
// A process that is killed loses at most the line that it was writing. A power loss also
// loses what was written to the log and to the data set in the last 5 seconds, which is how
// often they are synced; windows among them may have been acknowledged. When a run ends,
// everything is on disk. SEQs and window_ids are reserved on disk before they are used.
package endpoint
