package predict_test

import (
	"fmt"

	"github.com/loralink/loralink-go/internal/predict"
)

// Two values a step, four steps a window: a temperature within half a degree
// and a heading within three.
func Example() {
	model, err := predict.New(predict.Params{Tolerances: []float64{0.5, 3}, Angles: []bool{false, true}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	encoder, decoder := model.NewState(), model.NewState()
	for _, window := range [][]float64{
		{21.3, 358, 21.3, 359, 21.4, 1, 21.4, 2},
		{21.4, 3, 21.5, 4, 21.5, 6, 21.5, 7},
		{21.6, 8, 21.6, 9, 21.6, 9, 21.6, 9},
	} {
		payload, err := model.AppendEncode(nil, encoder, window, nil, 0)
		if err != nil {
			fmt.Println(err)
			return
		}
		decoded, err := model.AppendDecode(nil, decoder, payload, 4, 0)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d bytes: %.1f\n", len(payload), decoded)
	}
	// Output:
	// 2 bytes: [21.0 0.0 21.0 0.0 21.0 0.0 21.0 0.0]
	// 3 bytes: [21.0 6.0 22.0 3.6 21.6 3.1 21.5 8.7]
	// 0 bytes: [21.6 8.0 21.6 9.0 21.6 9.8 21.6 10.6]
}
