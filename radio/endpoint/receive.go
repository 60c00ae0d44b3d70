package endpoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/runspec"
)

// ReceiveSettings are what a program may add to [Endpoint.Receive]. The zero
// value adds nothing. Hooks are called from the goroutine that runs the link:
// while one runs, nothing is received or acknowledged.
type ReceiveSettings struct {
	// Dataset is the path of a data set to append the decoded windows to, under
	// the time they arrived. "": none.
	Dataset string
	// Decode has payloads decoded even where the RunSpec's mode is RAW. A Dataset
	// does so too.
	Decode bool
	// OnEvent hears every event after it was logged. Its slices are valid until
	// OnEvent returns.
	OnEvent func(link.Event)
	// OnDelivery hears every window once, before its ACK is sent. Its slices are
	// valid until OnDelivery returns. Where it returns an error, the window is not
	// acknowledged and the run ends with that error.
	OnDelivery func(context.Context, link.Delivery) error
	// Progress hears how many windows have been delivered so far.
	Progress func(windows int)
}

// Receive receives, acknowledges and delivers windows over a radio until ctx
// ends, and returns an error that wraps the context's then. It logs every event.
// The radio may be any implementation and stays the caller's to close. Settings
// may be nil.
//
// Receive returns the metrics of what was received in any case. Errors of the
// radio, of the log, of the data set and of OnDelivery end the run at once.
func (e *Endpoint) Receive(ctx context.Context, r radio.Radio, settings *ReceiveSettings) (runlog.Metrics, error) {
	s := ReceiveSettings{}
	if settings != nil {
		s = *settings
	}
	if e.spec.Role != runspec.RoleRX {
		return runlog.Metrics{}, fmt.Errorf("%w: role %s cannot receive, want %s", ErrSettings, e.spec.Role, runspec.RoleRX)
	}
	receiverSettings := e.ReceiverSettings(r)
	if s.Decode || s.Dataset != "" {
		receiverSettings.Codec = e.codec
	}
	receiver, err := link.NewReceiver(receiverSettings)
	if err != nil {
		return runlog.Metrics{}, err
	}
	out, err := e.openOutput(s.Dataset, s.OnEvent)
	if err != nil {
		return runlog.Metrics{}, err
	}
	record := dataset.Window{RunID: e.spec.RunID}
	if schema := e.Schema(); schema.Names() != nil {
		record.Order, record.Units = schema.Names(), schema.Units()
	}
	delivered := 0
	runner := link.Runner{Radio: r, Log: out.event}
	err = runner.Receive(ctx, receiver, func(d link.Delivery) error {
		w := record
		w.TsMs, w.ID, w.Values = d.At.UnixMilli(), out.nextID(), d.Window
		if err := out.write(w); err != nil {
			return err
		}
		if s.OnDelivery != nil {
			if err := s.OnDelivery(ctx, d); err != nil {
				return err
			}
		}
		delivered++
		if s.Progress != nil {
			s.Progress(delivered)
		}
		return nil
	})
	return out.meter.Metrics(), errors.Join(err, out.close())
}
