package endpoint_test

import (
	"context"
	"errors"
	"testing"

	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/runspec"
)

// A sender alone delivers its windows to the receiver in its mock radio, and a receiver
// alone receives those of a simulated sender, also with loss.
func TestMock(t *testing.T) {
	for _, c := range []struct {
		name string
		mock endpoint.MockSettings
	}{
		{"no loss", endpoint.MockSettings{}},
		{"loss and latency", endpoint.MockSettings{Loss: 0.2, LatencyMs: 5, Seed: 3}},
	} {
		t.Run("sender, "+c.name, func(t *testing.T) {
			air := &endpoint.RadioSettings{Kind: endpoint.RadioMock, Mock: c.mock}
			m, err := sendMock(t, air)
			if err != nil || m.Delivered != 10 || m.AckReceived != 10 {
				t.Errorf("%v, %d windows delivered, want 10", err, m.Delivered)
			}
			if lossy := c.mock.Loss > 0; lossy != (m.Retries > 0) {
				t.Errorf("%d retries at a loss of %g", m.Retries, c.mock.Loss)
			}
		})
		t.Run("receiver, "+c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			mock := c.mock
			mock.Windows, mock.OnDone = 10, cancel
			e, err := endpoint.Open(spec(t, t.TempDir(), "rx", ""), runspec.RoleRX, nil)
			if err != nil {
				t.Fatal(err)
			}
			r, err := e.Mock(&mock)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if m, err := e.Receive(ctx, r, nil); !errors.Is(err, context.Canceled) || m.RxOK < 10 {
				t.Errorf("%v, received %d, want 10 or more", err, m.RxOK)
			}
		})
	}
	if _, err := (&endpoint.RadioSettings{Kind: endpoint.RadioMock}).Open(t.Context(), nil); !errors.Is(err, endpoint.ErrSettings) {
		t.Errorf("without an endpoint: %v", err)
	}
	for _, s := range []endpoint.RadioSettings{
		{Mock: endpoint.MockSettings{Loss: 0.1}},
		{Kind: endpoint.RadioMock, Mock: endpoint.MockSettings{Loss: 1.1}},
		{Kind: endpoint.RadioMock, Mock: endpoint.MockSettings{LatencyMs: -1}},
		{Kind: endpoint.RadioMock, Port: "x"},
	} {
		if err := s.Check(); !errors.Is(err, endpoint.ErrSettings) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// sendMock sends 10 windows of the sampler dummy.
func sendMock(t *testing.T, air *endpoint.RadioSettings) (m struct{ Delivered, AckReceived, Retries int }, err error) {
	t.Helper()
	e, err := endpoint.Open(spec(t, t.TempDir(), "tx", ", max_windows: 10"), runspec.RoleTX, nil)
	if err != nil {
		return m, err
	}
	windows, err := (&endpoint.SamplerSettings{Kind: endpoint.SamplerDummy}).Windows(e.Spec())
	if err != nil {
		return m, err
	}
	r, err := air.Open(t.Context(), e)
	if err != nil {
		return m, err
	}
	defer r.Close()
	metrics, err := e.Send(t.Context(), r, windows, nil)
	m.Delivered, m.AckReceived, m.Retries = metrics.Delivered, metrics.Acked, metrics.Retries
	return m, err
}

// A receiver ends after MaxWindows, with the ACK of the last one sent.
func TestMaxWindows(t *testing.T) {
	e, err := endpoint.Open(spec(t, t.TempDir(), "rx", ""), runspec.RoleRX, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Mock(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if m, err := e.Receive(t.Context(), r, &endpoint.ReceiveSettings{MaxWindows: 3}); err != nil || m.AcksSent != 3 {
		t.Errorf("%v, %d ACKs, want 3", err, m.AcksSent)
	}
}
