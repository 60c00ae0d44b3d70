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
// once, and logs every event. It returns when ctx ends, with an error that wraps the
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
	receiver, err := link.NewReceiver(receiverSettings)
	if err != nil {
		return runlog.Metrics{}, err
	}
	out, err := e.openOutput(s.Dataset, s.OnEvent)
	if err != nil {
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
		w := record
		w.TsMs, w.ID, w.Values = d.Time.UnixMilli(), out.nextID(), d.Window
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
			s.Progress(delivered, 0)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out.meter.Metrics(), errors.Join(err, out.close())
}
