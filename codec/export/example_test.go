package export_test

import (
	"fmt"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/export"
)

func ExampleC() {
	grid, err := codec.NewGrid(1, []codec.GridDim{{Low: -40, Step: 0.5, Bits: 8}, {Low: 0, Step: 1, Bits: 7}})
	if err != nil {
		fmt.Println(err)
		return
	}
	files, err := export.C(grid, &export.Settings{Name: "climate"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range files {
		fmt.Println(f.Name)
	}
	// export.Write("firmware/src", files) writes them.

	// Output:
	// climate.h
	// climate.c
	// climate_test.c
	// climate_vectors.h
}

func ExampleJS() {
	grid, err := codec.NewGrid(1, []codec.GridDim{{Low: -40, Step: 0.5, Bits: 8}, {Low: 0, Step: 1, Bits: 7}})
	if err != nil {
		fmt.Println(err)
		return
	}
	files, err := export.JS(grid, &export.Settings{Name: "climate"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range files {
		fmt.Println(f.Name)
	}

	// Output:
	// climate.js
	// climate_test.js
	// climate_vectors.json
}
