package codec_test

import (
	"fmt"

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
