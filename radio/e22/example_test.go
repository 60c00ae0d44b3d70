package e22_test

import (
	"context"
	"fmt"

	"github.com/loralink/loralink-go/radio"
	"github.com/loralink/loralink-go/radio/e22"
	"github.com/loralink/loralink-go/radio/e22/e22test"
)

// Two simulated modules take the place of e22.Open(ctx, "/dev/ttyUSB0",
// e22.Settings{}).
func Example() {
	ctx := context.Background()
	registers := e22.FactoryRegisters()
	registers.AirDataRate, registers.RSSIByte = 62500, true
	medium := e22test.NewMedium(e22test.MediumSettings{RSSIDBm: -72})
	open := func() *e22.Radio {
		module, err := e22test.NewModule(medium, registers)
		if err != nil {
			panic(err)
		}
		port, err := module.Open(ctx)
		if err != nil {
			panic(err)
		}
		r, err := e22.New(port, e22.Settings{
			RSSIByte:  registers.RSSIByte,
			TimeOnAir: registers.PHY().TimeOnAir,
			Open:      module.Open,
		})
		if err != nil {
			panic(err)
		}
		return r
	}
	node, gateway := open(), open()
	defer node.Close()
	defer gateway.Close()

	frame, err := radio.AppendFrame(nil, 7, []byte("latent"))
	if err != nil {
		panic(err)
	}
	if err := node.Send(ctx, frame); err != nil {
		panic(err)
	}
	got, err := gateway.Receive(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Printf("% x at %d dBm\n", got.Frame, got.RSSIdBm)
	// Output:
	// 06 07 6c 61 74 65 6e 74 at -72 dBm
}

func ExampleRegisters() {
	registers := e22.FactoryRegisters()
	if err := registers.Set("channel", "23"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(registers.Set("power", "20"))
	fmt.Println(registers.FrequencyHz(), "Hz")
	b, err := registers.MarshalBinary()
	fmt.Printf("% x %v\n", b, err)
	// Output:
	// e22: power: "20", want one of 22 17 13 10
	// 873125000 Hz
	// 00 00 00 62 00 17 03 <nil>
}
