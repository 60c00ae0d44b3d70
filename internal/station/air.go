package station

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/udp"
	"github.com/loralink/loralink-go/runspec"
)

// airFlags choose and set the radio.
type airFlags struct {
	radio    string
	uartPort string
	uartBaud int
	uartRSSI bool
	udp      udp.Settings
}

// add puts the flags in. The default addresses of the two roles mirror each other.
func (a *airFlags) add(fs *flag.FlagSet, role string) {
	local, remote := "127.0.0.1:17001", "127.0.0.1:17002"
	if role == runspec.RoleRX {
		local, remote = remote, local
	}
	fs.StringVar(&a.radio, "radio", "udp", "udp: datagrams on this machine; uart: an E22 module")
	fs.StringVar(&a.uartPort, "uart-port", "", "serial port of the module, as /dev/ttyUSB0")
	fs.IntVar(&a.uartBaud, "uart-baud", 9600, "speed of the module's UART")
	fs.BoolVar(&a.uartRSSI, "uart-rssi-byte", false, "the module appends the signal strength to what it receives")
	fs.StringVar(&a.udp.Local, "udp-local", local, "address of this end")
	fs.StringVar(&a.udp.Remote, "udp-remote", remote, "address of the other end")
	fs.Float64Var(&a.udp.Loss, "udp-loss", 0, "share of frames that this end loses on purpose")
	fs.Uint64Var(&a.udp.Seed, "udp-seed", 1, "seed of --udp-loss")
}

func (a *airFlags) check(fs *flag.FlagSet) error {
	own := map[string][]string{"uart": {"uart-port", "uart-baud", "uart-rssi-byte"}, "udp": {"udp-local", "udp-remote", "udp-loss", "udp-seed"}}
	if own[a.radio] == nil {
		return cli.Usagef("--radio is %q, want udp or uart", a.radio)
	}
	for kind, flags := range own {
		for _, name := range flags {
			if kind != a.radio && cli.IsSet(fs, name) {
				return cli.Usagef("--%s is for --radio %s, want it left out with --radio %s", name, kind, a.radio)
			}
		}
	}
	switch {
	case a.radio == "uart" && a.uartPort == "":
		return cli.Usagef("--uart-port is missing: want the module's serial port, as /dev/ttyUSB0")
	case !(a.udp.Loss >= 0 && a.udp.Loss < 1):
		return cli.Usagef("--udp-loss is %g, want 0 or more and less than 1", a.udp.Loss)
	}
	return nil
}

// open opens the radio and returns its latency, for the link's waits.
func (a *airFlags) open(ctx context.Context, stderr io.Writer) (radio.Radio, func(int) time.Duration, error) {
	if a.radio == "udp" {
		r, err := udp.Open(a.udp)
		if err != nil {
			return nil, nil, err
		}
		return r, nil, nil
	}
	cfg := e22.Settings{BaudRate: a.uartBaud, RSSIByte: a.uartRSSI, OnConnection: func(err error) {
		if err != nil {
			fmt.Fprintf(stderr, "warning: %v; waiting for it to return\n", err)
			return
		}
		fmt.Fprintln(stderr, "the radio is back")
	}}
	r, err := e22.Open(ctx, a.uartPort, cfg)
	if err != nil {
		return nil, nil, err
	}
	// A frame without its RSSI byte is closed by silence alone, and the
	// adapter may hold bytes back.
	return r, func(frameLen int) time.Duration { return cfg.Latency(frameLen) + 16*time.Millisecond }, nil
}
