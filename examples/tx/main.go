// Tx is the sending end of a link: samples, windows, payloads, frames.
//
// Two terminals, no hardware:
//
//	go run ./examples/rx --runspec testdata/runspecs/rx_sf7.yaml --manifest out/models/b/bam_manifest.json
//	go run ./examples/tx --runspec testdata/runspecs/tx_sf7.yaml --manifest out/models/b/bam_manifest.json
//
// With a module each, --radio uart --uart-port /dev/ttyUSB0.
package main

import (
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/station"
)

func main() { cli.Main("tx", station.TX) }
