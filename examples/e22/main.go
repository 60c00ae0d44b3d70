// E22 reads and changes the registers of an E22-900T22S module, and asks it for
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

const summary = `E22 reads and changes the registers of an E22-900T22S module, and asks it for its signal strengths.
Set the jumpers for --read and --set to configuration mode (M0 low, M1 high), for --rssi to normal mode (both low).
--simulate uses a simulated module instead. It has factory registers at each start, and its firmware ignores the
air data rates 300 and 1200, as newer firmware does.`

type flags struct {
	port, set                       string
	baud                            int
	read, temporary, rssi, simulate bool
	json                            bool
}

func parse(args []string, out io.Writer) (*flags, error) {
	var f flags
	fs := cli.NewFlags("e22", "go run ./examples/e22 --port /dev/ttyUSB0 --read", summary)
	fs.StringVar(&f.port, "port", "", "serial port, such as /dev/ttyUSB0 or COM3")
	fs.BoolVar(&f.simulate, "simulate", false, "use a simulated module instead of --port")
	fs.BoolVar(&f.read, "read", false, "show the registers and the product id")
	fs.StringVar(&f.set, "set", "", "registers to change, such as channel=18,power=22; --read lists their names")
	fs.BoolVar(&f.temporary, "temporary", false, "with --set: write registers that are lost at power-off")
	fs.BoolVar(&f.rssi, "rssi", false, "show the channel's noise and the last packet's strength; needs the register ambientrssi")
	fs.BoolVar(&f.json, "json", false, "with --read and --rssi: print JSON")
	fs.IntVar(&f.baud, "baud", 9600, "with --rssi: baud rate of the module's UART, in bit/s; --read and --set always use 9600")
	if err := cli.Parse(fs, args, out); err != nil {
		return nil, err
	}
	actions := 0
	for _, wanted := range []bool{f.read, f.set != "", f.rssi} {
		if wanted {
			actions++
		}
	}
	switch {
	case (f.port == "") == !f.simulate:
		return nil, cli.Usagef("want --port PORT or --simulate, and not both")
	case actions != 1:
		return nil, cli.Usagef("want one of --read, --set and --rssi")
	case f.json && f.set != "":
		return nil, cli.Usagef("--json goes with --read and --rssi, not with --set")
	case f.temporary && f.set == "":
		return nil, cli.Usagef("--temporary needs --set")
	}
	// Report bad registers before opening a port.
	if err := new(e22.Registers).SetAll(f.set); err != nil {
		return nil, cli.Usagef("--set: %w", err)
	}
	return &f, nil
}

func run(ctx context.Context, args []string, out, _ io.Writer) error {
	f, err := parse(args, out)
	if err != nil {
		return err
	}
	open := func() (*e22.Radio, error) { return e22.Open(ctx, f.port, e22.Settings{BaudRate: f.baud}) }
	if f.simulate {
		open = func() (*e22.Radio, error) { return simulate(ctx) }
	}
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	switch {
	case f.rssi:
		return rssi(ctx, r, f, out)
	case f.set != "":
		return set(ctx, r, f, out)
	}
	return read(ctx, r, f, out)
}

// simulate returns the driver of a module that has received one packet.
func simulate(ctx context.Context) (*e22.Radio, error) {
	registers := e22.FactoryRegisters()
	registers.AmbientRSSI = true
	medium := e22test.NewMedium(e22test.MediumSettings{RSSIDBm: -68, NoiseDBm: -104})
	var radios [2]*e22.Radio
	for i := range radios {
		module, err := e22test.NewModule(medium, registers)
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

func read(ctx context.Context, r *e22.Radio, f *flags, out io.Writer) error {
	registers, err := r.ReadRegisters(ctx)
	if err != nil {
		return err
	}
	id, err := r.ProductID(ctx)
	if err != nil {
		return err
	}
	if f.json {
		values := map[string]string{"product_id": fmt.Sprintf("%x", id)}
		for _, field := range registers.Fields() {
			values[field.Name] = field.Value
		}
		return cli.PrintJSON(out, values)
	}
	registers.WriteTable(out)
	fmt.Fprintf(out, "product id     % x\n", id)
	return nil
}

func set(ctx context.Context, r *e22.Radio, f *flags, out io.Writer) error {
	before, err := r.ReadRegisters(ctx)
	if err != nil {
		return err
	}
	want := before
	if err := want.SetAll(f.set); err != nil {
		return err
	}
	persistence := e22.Persistent
	if f.temporary {
		persistence = e22.Volatile
	}
	after, err := r.WriteRegisters(ctx, want, persistence)
	if err == nil || errors.Is(err, e22.ErrIgnored) {
		e22.WriteChanges(out, before, want, after)
	}
	return err
}

func rssi(ctx context.Context, r *e22.Radio, f *flags, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	got, err := r.RSSI(ctx)
	if err != nil {
		return err
	}
	if f.json {
		return cli.PrintJSON(out, map[string]int{"noise_dbm": got.AmbientDBm, "last_packet_dbm": got.LastPacketDBm})
	}
	cli.Table(out, "signal\tdBm",
		fmt.Sprintf("noise on the channel\t%d", got.AmbientDBm),
		fmt.Sprintf("last packet\t%d", got.LastPacketDBm))
	return nil
}
