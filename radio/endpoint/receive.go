package endpoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/fielderr"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/runspec"
)

// ReceiveSettings are the settings of [Endpoint.Receive]. The zero value is the
// default. Functions are called from the goroutine that runs the link, which
// receives and acknowledges nothing until they return; nil ones are not called.
type ReceiveSettings struct {
	// Dataset is the path of a data set, JSONL, to append the decoded windows to, with
	// the time at which they arrived. It makes the receiver decode. "": none.
	Dataset string
	// Decode makes the receiver decode payloads even if the RunSpec's mode is RAW.
	Decode bool
	// OnEvent is called with every event after it was logged. The slices of the
	// event are valid until OnEvent returns.
	OnEvent func(link.Event)
	// OnDelivery is called once with every window, before its ACK is sent. The
	// slices of the delivery are valid until OnDelivery returns. If it returns an
	// error, the window is not acknowledged, and the run ends with that error.
	OnDelivery func(context.Context, link.Delivery) error
	// MaxWindows ends the run, without an error, after that many windows were delivered
	// and an ACK was sent for the last. 0: no limit.
	MaxWindows int
	// Progress is called with the number of windows delivered so far, and with a total
	// of 0, because that is not known.
	Progress func(done, total int)
}

// Check returns an error that wraps [ErrSettings] if Dataset names a numpy file, or if
// MaxWindows is below 0.
func (s *ReceiveSettings) Check() error {
	if s.MaxWindows < 0 {
		return fielderr.New(ErrSettings, "%v is %d, want 0 or more", fielderr.Name{Field: "MaxWindows", Flag: "max-rx-ok"}, s.MaxWindows)
	}
	return checkOut(s.Dataset)
}

// errEnough ends a receiver that has delivered MaxWindows.
var errEnough = errors.New("endpoint: enough windows")

// limitedRadio is a radio that receives nothing more when enough returns true. The ACK of
// the last window has been sent then.
type limitedRadio struct {
	radio.Radio
	enough func() bool
}

func (r *limitedRadio) Receive(ctx context.Context) (radio.Reception, error) {
	if r.enough() {
		return radio.Reception{}, errEnough
	}
	return r.Radio.Receive(ctx)
}

// Receive receives and acknowledges windows over a radio, delivers each of them
// once, and logs every event. A run goes on where the last one with this run_id ended: it
// remembers what that delivered, for as long as link.Timing.Memory says. If the process is
// killed, no window is lost that it acknowledged, and none is delivered again that the
// sender repeats, except one whose OnDelivery had not returned. It returns when ctx ends, with an error that wraps the
// context's. The radio can be any implementation; Receive does not close it.
// Settings may be nil.
//
// An error of the radio, the log, the data set or OnDelivery ends the run at once.
// The metrics are valid with any error.
func (e *Endpoint) Receive(ctx context.Context, r radio.Radio, settings *ReceiveSettings) (runlog.Metrics, error) {
	s := ReceiveSettings{}
	if settings != nil {
		s = *settings
	}
	if e.spec.Role != runspec.RoleRX {
		return runlog.Metrics{}, fmt.Errorf("%w: RunSpec role is %s, want %s to receive", ErrSettings, e.spec.Role, runspec.RoleRX)
	}
	if err := s.Check(); err != nil {
		return runlog.Metrics{}, err
	}
	receiverSettings := e.ReceiverSettings(r)
	if s.Decode || s.Dataset != "" {
		receiverSettings.Codec = e.codec
	}
	if err := receiverSettings.Check(); err != nil {
		return runlog.Metrics{}, err
	}
	out, err := e.openOutput(s.Dataset, s.OnEvent)
	if err != nil {
		return runlog.Metrics{}, err
	}
	receiver, err := out.receiver(receiverSettings)
	if err != nil {
		return runlog.Metrics{}, errors.Join(err, out.closeFiles())
	}
	if err := out.start(e.start, receiver.AppendSpent); err != nil {
		return runlog.Metrics{}, err
	}
	record := dataset.Window{RunID: e.spec.RunID}
	if schema := e.SensorSchema(); schema.Names() != nil {
		record.Order, record.Units = schema.Names(), schema.Units()
	}
	delivered := 0
	enough := func() bool { return s.MaxWindows > 0 && delivered >= s.MaxWindows }
	runner := link.Runner{Radio: &limitedRadio{r, enough}, Log: out.event}
	err = runner.Receive(ctx, receiver, func(d link.Delivery) error {
		var write, call func() error
		if s.Dataset != "" {
			write = func() error {
				w := record
				w.TsMs, w.ID, w.Values = d.Time.UnixMilli(), out.nextID(), d.Window
				return out.write(w)
			}
		}
		if s.OnDelivery != nil {
			call = func() error { return s.OnDelivery(ctx, d) }
		}
		if err := out.memory.deliver(d, out.setSize, write, call); err != nil {
			return err
		}
		delivered++
		if s.Progress != nil {
			s.Progress(delivered, 0)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out.meter.Metrics(), errors.Join(err, out.close())
}

// receiver returns a receiver that goes on where the last run ended.
func (o *output) receiver(s link.ReceiverSettings) (*link.Receiver, error) {
	var err error
	if s.Delivered, err = o.delivered(); err != nil {
		return nil, err
	}
	if s.Spent, err = o.spent(s.DutyCycle); err != nil {
		return nil, err
	}
	return link.NewReceiver(s)
}
