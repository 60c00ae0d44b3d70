package e22test_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
)

// A module with firmware that acknowledges all registers and ignores one.
func Example() {
	module, err := e22test.NewModule(nil, e22.FactoryRegisters())
	if err != nil {
		fmt.Println(err)
		return
	}
	module.SetFaults(e22test.Faults{IgnoreRegisters: []string{"airrate"}})

	ctx := context.Background()
	port, err := module.Open(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := e22.New(port, e22.Settings{Pins: module, Open: module.Open})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()

	want := e22.FactoryRegisters()
	want.AirDataRate, want.Channel = 300, 20
	_, err = r.WriteRegisters(ctx, want, e22.Volatile)
	fmt.Println(err)
	fmt.Println(errors.Is(err, e22.ErrIgnored), module.Registers().Channel)
	// Output:
	// e22: module ignored registers: airrate: found 2400, want 300
	// true 20
}
