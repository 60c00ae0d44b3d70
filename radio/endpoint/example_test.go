package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/loralink/loralink-go/radio/endpoint"
	"github.com/loralink/loralink-go/radio/link"
	"github.com/loralink/loralink-go/radio/udp"
	"github.com/loralink/loralink-go/runspec"
)

const exampleSpec = `
run_id: demo
role: ROLE
mode: LATENT
phy: {profile: e22_62.5k}
window: {dims: 12, W: 1, sample_hz: 1000}
codec: {id: sensor12_packed, version: "1"}
tx: {guard_ms: 2, ack_timeout_ms: 500, max_retries: 8, max_windows: 3}
logging: {out_dir: DIR}
`

// A sender and a receiver in one process. A gateway has one of the two, and a
// module on a serial port instead of UDP.
func Example() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	open := func(role, local, remote string) (*endpoint.Endpoint, *udp.Radio, error) {
		spec, err := runspec.Parse([]byte(strings.NewReplacer("ROLE", role, "DIR", dir).Replace(exampleSpec)))
		if err != nil {
			return nil, nil, err
		}
		e, err := endpoint.New(spec, nil)
		if err != nil {
			return nil, nil, err
		}
		r, err := udp.Open(udp.Settings{Local: local, Remote: remote})
		return e, r, err
	}
	tx, txRadio, err := open(runspec.RoleTX, "127.0.0.1:17303", "127.0.0.1:17304")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer txRadio.Close()
	rx, rxRadio, err := open(runspec.RoleRX, "127.0.0.1:17304", "127.0.0.1:17303")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rxRadio.Close()

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	received := make(chan error)
	go func() {
		_, err := rx.Receive(ctx, rxRadio, &endpoint.ReceiveSettings{
			OnDelivery: func(_ context.Context, d link.Delivery) error {
				fmt.Printf("%d bytes, altitude %.0f %s\n", len(d.Payload), d.Window[2], rx.SensorSchema()[2].Unit)
				return nil
			},
		})
		received <- err
	}()

	windows, err := (&endpoint.SamplerSettings{Kind: endpoint.SamplerSimulate, Seed: 1}).Windows(tx.Spec())
	if err != nil {
		fmt.Println(err)
		return
	}
	metrics, err := tx.Send(ctx, txRadio, windows, nil)
	fmt.Println("acknowledged", metrics.Acked, err)
	stop()
	fmt.Println("interrupted:", errors.Is(<-received, context.Canceled))
	// Output:
	// 30 bytes, altitude 516 m
	// 30 bytes, altitude 516 m
	// 30 bytes, altitude 516 m
	// acknowledged 3 <nil>
	// interrupted: true
}
