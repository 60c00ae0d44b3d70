// Package endpoint runs a sender or a receiver from a RunSpec. It builds the codec
// that the RunSpec names, checks it against the model's artifacts, runs the link
// over any [radio.Radio], writes the event log, and keeps what the next run needs.
// Programs examples/tx and examples/rx use it, and so can a gateway.
//
//	e, err := endpoint.Open("tx.yaml", runspec.RoleTX, nil)
//	r, err := (&endpoint.RadioSettings{Kind: endpoint.RadioUART, Port: "/dev/ttyUSB0"}).Open(ctx)
//	metrics, err := e.Send(ctx, r, windows, &endpoint.SendSettings{Dataset: "sent.jsonl"})
//
// [Endpoint.Send] and [Endpoint.Receive] block until the run is over. They print
// nothing; functions in their settings are called with what happens. To end a run,
// cancel its context. The methods then return an error that wraps the context's,
// and the metrics so far.
//
// # Settings
//
// Settings are structs whose zero value is the default. Some can be set from a
// command line: [RadioSettings] opens a radio, [SamplerSettings] samples a recording
// or a simulated sensor, and [SourceSettings] reads windows for a simulated link. Their
// method RegisterFlags adds flags to a FlagSet. Check reports settings that
// contradict each other as an [ErrSettings]; its messages name a setting by its
// flag, without the dashes.
//
// # Files
//
// A run appends to the log <run_id>_<role>.jsonl in the RunSpec's logging.out_dir. A
// sender also maintains <run_id>_tx.state there, see [State]. Only one process at a
// time may run the same run_id and role in the same folder.
package endpoint
