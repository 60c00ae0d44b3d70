package codec_test

import (
	"fmt"
	"github.com/loralink/loralink-go/dataset/sensor"

	"github.com/loralink/loralink-go/codec"
)

func Example() {
	c, err := codec.Load("../testdata/golden/linear_int16")
	if err != nil {
		fmt.Println(err)
		return
	}
	window := []float64{37.1234567, 127.7654321, 31.2, 0.1, -0.2, 9.8, 0, 0, 0, 1, -2, 90}
	payload, err := c.AppendEncode(nil, window)
	if err != nil {
		fmt.Println(err)
		return
	}
	back, err := c.AppendDecode(nil, payload)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d values in %d bytes, latitude back as %.3f\n", len(window), len(payload), back[0])
	fmt.Println(c.Schema())
	// Output:
	// 12 values in 16 bytes, latitude back as 37.123
	// bam:latent_dim=8:packing=int16:scale=8000.0
}

// Two values a step, four steps a window: a temperature within half a degree and a
// heading within three. Each window is predicted from those before.
func ExamplePredictive() {
	c, err := codec.NewPredictive(sensor.Shape{Dims: 2, W: 4}, codec.Params{Tolerances: []float64{0.5, 3}, Angles: []bool{false, true}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Schema())
	encoder := c.NewEncoder(func() uint16 { return 0xabcd })
	decoder := c.NewDecoder()
	for i, window := range [][]float64{
		{21.3, 358, 21.3, 359, 21.4, 1, 21.4, 2},
		{21.4, 3, 21.5, 4, 21.5, 6, 21.5, 7},
		{21.6, 8, 21.6, 9, 21.6, 9, 21.6, 9},
	} {
		seq := byte(254 + i)
		payload, err := encoder.AppendEncode(nil, seq, window)
		if err != nil {
			fmt.Println(err)
			return
		}
		decoded, err := decoder.AppendDecode(nil, seq, payload)
		if err != nil {
			fmt.Println(err)
			return
		}
		encoder.Acked(seq)
		fmt.Printf("SEQ %d: % x -> %.1f\n", seq, payload, decoded)
	}
	// Output:
	// predictive_v1:dims=2:W=4:profile=full:payload_bytes=0:3974b2770825a0fd8c8b9d8d092fca1a1e615ffa606e7bd2be0a9822e26c4367
	// SEQ 254: 04 0a bc d7 bc -> [21.0 0.0 21.0 0.0 21.0 0.0 21.0 0.0]
	// SEQ 255: 90 1e 97 b2 -> [21.0 6.0 22.0 3.6 21.6 3.1 21.5 8.7]
	// SEQ 0: 7a 10 -> [21.6 8.0 21.6 9.0 21.6 9.8 21.6 10.6]
}
