// E22 reads and changes the settings of an E22-900T22S module, and asks it for
// its signal strengths.
//
//	go run ./examples/e22 --simulate --set channel=23,airrate=300
//	go run ./examples/e22 --port /dev/ttyUSB0 --read
//	go run ./examples/e22 --port /dev/ttyUSB0 --set channel=18,power=22 --temporary
//	go run ./examples/e22 --port /dev/ttyUSB0 --baud 115200 --rssi
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
)

func main() { cli.Main("e22", run) }

const summary = `E22 reads and changes the settings of an E22-900T22S module, and asks it for its signal strengths.
Set the jumpers for --read and --set to configuration mode (M0 low, M1 high), for --rssi to normal mode (both low).
With --simulate it does the same to a simulated module, fresh from the factory each time, whose firmware
ignores the air data rates 300 and 1200 as newer ones do.`

type options struct {
	port, set                       string
	baud                            int
	read, temporary, rssi, simulate bool
}

func parse(args []string, out io.Writer) (*options, error) {
	var o options
	fs := cli.NewFlags("e22", summary)
	fs.StringVar(&o.port, "port", "", "serial port, as /dev/ttyUSB0 or COM3")
	fs.BoolVar(&o.simulate, "simulate", false, "use a simulated module instead of --port")
	fs.BoolVar(&o.read, "read", false, "show the settings and the product id")
	fs.StringVar(&o.set, "set", "", "settings to change, as channel=18,power=22; --read lists their names")
	fs.BoolVar(&o.temporary, "temporary", false, "with --set: until power-off only")
	fs.BoolVar(&o.rssi, "rssi", false, "show the channel's noise and the last packet's strength; needs the setting ambientrssi")
	fs.IntVar(&o.baud, "baud", 9600, "with --rssi: the module's speed on the UART; --read and --set need none")
	if err := cli.Parse(fs, args, out); err != nil {
		return nil, err
	}
	actions := 0
	for _, on := range []bool{o.read, o.set != "", o.rssi} {
		if on {
			actions++
		}
	}
	switch {
	case (o.port == "") == !o.simulate:
		return nil, cli.Usagef("want either --port or --simulate")
	case actions != 1:
		return nil, cli.Usagef("want one of --read, --set and --rssi")
	case o.temporary && o.set == "":
		return nil, cli.Usagef("--temporary goes with --set")
	}
	// Report bad settings before opening a port.
	if err := new(e22.Registers).SetAll(o.set); err != nil {
		return nil, cli.Usagef("--set: %w", err)
	}
	return &o, nil
}

func run(ctx context.Context, args []string, out, _ io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	open := func() (*e22.Radio, error) { return e22.Open(ctx, o.port, e22.Settings{BaudRate: o.baud}) }
	if o.simulate {
		open = func() (*e22.Radio, error) { return simulate(ctx) }
	}
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	switch {
	case o.rssi:
		return rssi(ctx, r, out)
	case o.set != "":
		return set(ctx, r, o, out)
	}
	return read(ctx, r, out)
}

// simulate returns the driver of a module that has received one packet.
func simulate(ctx context.Context) (*e22.Radio, error) {
	settings := e22.FactoryRegisters()
	settings.AmbientRSSI = true
	air := e22test.NewMedium(e22test.MediumSettings{RSSIDBm: -68, NoiseDBm: -104})
	var radios [2]*e22.Radio
	for i := range radios {
		module, err := e22test.NewModule(air, settings)
		if err != nil {
			return nil, err
		}
		module.SetFaults(e22test.Faults{IgnoreRegisters: []string{"airrate=300", "airrate=1200"}})
		if radios[i], err = module.Drive(ctx, e22.Settings{}); err != nil {
			return nil, err
		}
	}
	defer radios[1].Close()
	err := radios[1].Send(ctx, radio.AppendAck(nil, 0, 0))
	if err == nil {
		_, err = radios[0].Receive(ctx)
	}
	return radios[0], err
}

func read(ctx context.Context, r *e22.Radio, out io.Writer) error {
	settings, err := r.ReadRegisters(ctx)
	if err != nil {
		return err
	}
	id, err := r.ProductID(ctx)
	if err != nil {
		return err
	}
	settings.WriteTable(out)
	fmt.Fprintf(out, "product id     % x\n", id)
	return nil
}

func set(ctx context.Context, r *e22.Radio, o *options, out io.Writer) error {
	before, err := r.ReadRegisters(ctx)
	if err != nil {
		return err
	}
	wanted := before
	if err := wanted.SetAll(o.set); err != nil {
		return err
	}
	persistence := e22.Persistent
	if o.temporary {
		persistence = e22.Volatile
	}
	after, err := r.WriteRegisters(ctx, wanted, persistence)
	if err == nil || errors.Is(err, e22.ErrIgnored) {
		e22.WriteChanges(out, before, wanted, after)
	}
	return err
}

func rssi(ctx context.Context, r *e22.Radio, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	got, err := r.RSSI(ctx)
	if err != nil {
		return err
	}
	cli.Table(out, "signal\tdBm",
		fmt.Sprintf("noise on the channel\t%d", got.AmbientDBm),
		fmt.Sprintf("last packet\t%d", got.LastPacketDBm))
	return nil
}
