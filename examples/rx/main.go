// Rx is the receiving end of a link: it acknowledges windows, rebuilds them and
// logs both. See examples/tx for the other end.
//
//	go run ./examples/rx --runspec testdata/runspecs/rx_sf7.yaml --manifest out/models/b/bam_manifest.json
package main

import (
	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/internal/station"
)

func main() { cli.Main("rx", station.RX) }
