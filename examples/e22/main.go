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
	"strings"
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
	// Bad settings are to be found before a module is.
	if err := change(new(e22.Registers), o.set); err != nil {
		return nil, cli.Usagef("--set: %w", err)
	}
	return &o, nil
}

// change applies settings as text to s.
func change(s *e22.Registers, text string) error {
	if text == "" {
		return nil
	}
	for _, one := range strings.Split(text, ",") {
		name, value, ok := strings.Cut(one, "=")
		if !ok {
			return fmt.Errorf("%q: want name=value", one)
		}
		if err := s.Set(strings.TrimSpace(name), strings.TrimSpace(value)); err != nil {
			return err
		}
	}
	return nil
}

func run(ctx context.Context, args []string, out, _ io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	r, err := open(ctx, o)
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

func open(ctx context.Context, o *options) (*e22.Radio, error) {
	if o.simulate {
		return simulate(ctx)
	}
	return e22.Open(ctx, o.port, e22.Settings{BaudRate: o.baud})
}

// simulate returns a driver of a module that has heard one packet.
func simulate(ctx context.Context) (*e22.Radio, error) {
	settings := e22.FactoryRegisters()
	settings.AmbientRSSI = true
	air := e22test.NewAir(e22test.AirSettings{RSSIDBm: -68, NoiseDBm: -104})
	var radios [2]*e22.Radio
	for i := range radios {
		module, err := e22test.NewModule(air, settings)
		if err != nil {
			return nil, err
		}
		module.SetFaults(e22test.Faults{IgnoreSettings: []string{"airrate=300", "airrate=1200"}})
		port, err := module.Open(ctx)
		if err != nil {
			return nil, err
		}
		if radios[i], err = e22.New(port, e22.Settings{Pins: module, AUX: module}); err != nil {
			return nil, err
		}
	}
	defer radios[1].Close()
	err := radios[1].Send(ctx, radio.AppendAck(nil, 0, 0))
	if err == nil {
		_, err = radios[0].Receive(ctx)
	}
	if err != nil {
		radios[0].Close()
		return nil, err
	}
	return radios[0], nil
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
	rows := []string{"setting\tvalue\tunit"}
	for _, f := range settings.Fields() {
		rows = append(rows, f.Name+"\t"+f.Value+"\t"+f.Unit)
	}
	cli.Table(out, rows...)
	fmt.Fprintf(out, "\nproduct id     % x\n", id)
	describe(out, settings)
	return nil
}

// describe says what settings mean on the air.
func describe(out io.Writer, s e22.Registers) {
	phy := s.PHY()
	fmt.Fprintf(out, "frequency      %.3f MHz\n", float64(s.FrequencyHz())/1e6)
	fmt.Fprintf(out, "air data rate  about SF%d, %d kHz, 4/%d: %s for 32 bytes (an estimate)\n",
		phy.SF, phy.BandwidthHz/1000, phy.CodingRate+4, cli.Millis(phy.TimeOnAir(32)))
}

func set(ctx context.Context, r *e22.Radio, o *options, out io.Writer) error {
	before, err := r.ReadRegisters(ctx)
	if err != nil {
		return err
	}
	wanted := before
	if err := change(&wanted, o.set); err != nil {
		return err
	}
	persistence := e22.Kept
	if o.temporary {
		persistence = e22.UntilPowerOff
	}
	after, err := r.WriteRegisters(ctx, wanted, persistence)
	if err != nil && !errors.Is(err, e22.ErrRefused) {
		return err
	}
	cli.Table(out, compare(before, wanted, after)...)
	fmt.Fprintln(out)
	describe(out, after)
	return err
}

// compare lists every setting, and whether it changed or was refused.
func compare(before, wanted, after e22.Registers) []string {
	rows := []string{"setting\tbefore\twanted\tafter\tunit\t"}
	b, w, a := before.Fields(), wanted.Fields(), after.Fields()
	for i := range b {
		note := ""
		switch {
		case a[i].Value != w[i].Value:
			note = "REFUSED"
		case a[i].Value != b[i].Value:
			note = "changed"
		}
		rows = append(rows, strings.Join([]string{b[i].Name, b[i].Value, w[i].Value, a[i].Value, b[i].Unit, note}, "\t"))
	}
	return rows
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
