// Package loralink is the map of the house; it holds no code.
//
// loralink-go makes a handful of bytes out of a window of motion-sensor samples,
// for LoRa to carry, and the window out of the bytes, by way of a bidirectional associative memory (BAM) that has
// learned from recordings what such windows look like.
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
//	dataset/numpy  data sets in numpy's .npy and .npz files
//	artifacts      a model's files: manifest, norm, layers, artifacts.json
//	codec          window to payload and back: models, plain packings, grids and ladders with a bound
//	codec/quality  how far off a codec is, beside mean and PCA; drift
//	bam/train      training methods and their reports
//	bam/sweep      grids of trainings beside mean, PCA and the Gaussian bound
//	radio          frame, PHY, time on air, the Radio interface
//	radio/e22      UART driver and settings of E22 modules; e22test simulates one
//	radio/link     the two ends of a link as state machines; their logs and figures
//	radio/udp      UDP on loopback as a radio, to try things without modules
//	radio/sim      a channel in virtual time
//	runspec        a run's YAML: load, validate
//	examples/...   thin programs over all of it
//
// The formats are those of an existing Python runtime, "the reference", so that
// models, data sets, logs and radio frames cross both ways.
package loralink
