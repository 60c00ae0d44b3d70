package main

import (
	"path/filepath"
	"testing"

	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
)

// A module on a port keeps what one run sets for the next to read.
func TestOverPort(t *testing.T) {
	module, err := e22test.NewModule(nil, e22.FactoryRegisters())
	if err != nil {
		t.Fatal(err)
	}
	port := filepath.Join(t.TempDir(), "ttyE22")
	stop, err := module.ServePTY(port)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, err := program("--port", port, "--read"); err == nil {
		t.Error("read in normal mode")
	}
	if err := module.SetPins(false, true); err != nil {
		t.Fatal(err)
	}
	if out, err := program("--port", port, "--set", "ambientrssi=on,channel=3"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := program("--port", port, "--read"); err != nil || !has(out, "channel", "3") {
		t.Errorf("%v\n%s", err, out)
	}
	if err := module.SetPins(false, false); err != nil {
		t.Fatal(err)
	}
	if out, err := program("--port", port, "--rssi"); err != nil || !has(out, "noise", "on", "the", "channel", "-100") {
		t.Errorf("%v\n%s", err, out)
	}
}
