// Package loralink is the map of the house; it holds no code.
//
// loralink-go turns windows of motion-sensor data into a few bytes for a LoRa
// radio, and back. A bidirectional associative memory (BAM) is trained offline
// on recorded windows; a node sends its packed latent, and the other side
// rebuilds the window.
//
// Three doors:
//
//   - A program that encodes payloads imports [github.com/loralink/loralink-go/codec].
//   - A researcher scripts dataset, bam/train, artifacts and codec/quality, in that order.
//   - An integrator embeds radio/link, or a radio driver, in a gateway.
//
// The rooms, ground floor first:
//
//	bam            the arithmetic: layers, transmission, cycles, norm, packing
//	dataset        samples, windows, dataset_raw.jsonl, split, shuffle, statistics
//	artifacts      a model's files: manifest, norm, layers, artifacts.json
//	codec          window to payload and back: models, plain packings, grids and ladders with a bound
//	codec/quality  errors of a codec over windows, beside mean and PCA; drift
//	bam/train      training methods and their reports
//	bam/sweep      grids of trainings beside mean, PCA and the Gaussian bound
//	radio          frame, PHY, time on air, the Radio interface
//	radio/e22      UART driver and settings of E22 modules; e22test simulates one
//	radio/link     sender and receiver state machines, event log, link metrics
//	radio/udp      a datagram radio on loopback, for two terminals without hardware
//	radio/sim      a channel in virtual time
//	runspec        a run's YAML: load, validate
//	examples/...   thin programs over all of it
//
// The formats are those of an existing Python runtime, "the reference", so that
// models, data sets, logs and radio frames cross both ways.
package loralink
