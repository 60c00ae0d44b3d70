// Embed is the smallest program that sends payloads: the model is part of the
// binary, and codec is the only package of this module it imports. It encodes a
// window, prints the payload and what the other side makes of it.
//
//	go run ./examples/embed
//	GOOS=linux GOARCH=arm GOARM=6 go build -ldflags='-s -w' ./examples/embed
//
// The model was made by
//
//	go run ./examples/train --latent-dim 6 --packing int8 --auto-scale --notes "trained on testdata/walk.jsonl" --out-dir examples/embed/model
package main

import (
	"embed"
	"fmt"
	"io"
	"os"

	"github.com/loralink/loralink-go/codec"
)

//go:embed model/*.json model/*.npz
var files embed.FS

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	c, err := codec.LoadFS(files, "model")
	if err != nil {
		return err
	}
	// A node reads this from its sensors: latitude, longitude, altitude,
	// acceleration, angular rate, roll, pitch, yaw.
	window := []float64{48.1399, 11.57, 516, 0.49, 0.06, 9.81, 0.15, -0.04, 0.18, 0.5, -2.9, -3.7}
	payload, err := c.AppendEncode(nil, window)
	if err != nil {
		return err
	}
	back, err := c.AppendDecode(nil, payload)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d values in %d bytes: % x\nback as %.4g\n", len(window), len(payload), payload, back)
	return err
}
