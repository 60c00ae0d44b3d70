// Package endpoint turns a RunSpec into a running sender or receiver: the codec
// it names, checked against the model's artifacts, a link over any
// [radio.Radio], the event log, and the state that one run hands to the next. It
// is what examples/tx, examples/rx and gateways share.
//
//	e, err := endpoint.Open("tx.yaml", runspec.RoleTX, nil)
//	r, err := (&endpoint.RadioSettings{Kind: endpoint.RadioUART, Port: "/dev/ttyUSB0"}).Open(ctx)
//	metrics, err := e.Send(ctx, r, windows, &endpoint.SendSettings{Dataset: "sent.jsonl"})
//
// [Endpoint.Send] and [Endpoint.Receive] block until the run is over. They print
// nothing; hooks in their settings tell a program what happens. Cancel the
// context to end a run: they then return an error that wraps the context's, and
// the metrics up to there.
//
// # Settings
//
// Settings are structs whose zero value is the default. Those that a command
// line sets have three methods: RegisterFlags adds their flags to a FlagSet,
// Check reports what does not fit together as an [ErrSettings], and a third one
// makes use of them: [RadioSettings] opens a radio, [SamplerSettings] samples a
// recording or a simulated sensor, [Source] reads the windows of a simulated
// link. Messages of Check name a setting by its flag, without the dashes.
//
// # Files
//
// A run writes <run_id>_<role>.jsonl into the RunSpec's logging.out_dir, and a
// sender <run_id>_tx.state beside it, see [State]. One process at a time may run
// a run_id and role in one folder.
package endpoint
