// Package loralink is the overview of the module; it holds no code.
//
// The module turns windows of motion-sensor samples into payloads of a few bytes,
// for LoRa to carry, and payloads back into windows. A bidirectional associative
// memory (BAM), trained on recordings, maps a window to a short latent and back:
// each layer has a matrix W from its input to its output and a matrix V for the
// way back. The latent is packed into the payload.
//
// There are three entry points:
//
//   - A program that encodes or decodes payloads imports codec, and nothing else.
//   - A researcher uses dataset, bam/train, artifacts/save and codec/quality, in
//     that order.
//   - An integrator embeds radio/endpoint, or radio/link and a radio driver.
//
// Packages:
//
//	dataset/sensor  values of a step: names, units, angles, ranges, tolerances
//	bam             arithmetic of a model: layers, cycles, normalisation, packings
//	dataset         samples, windows, data sets, splits, statistics
//	dataset/motion  a simulator of recordings
//	dataset/numpy   data sets in numpy's .npy and .npz files
//	artifacts       a model's files: read and verified; artifacts/save writes them
//	codec           windows to payloads and back: models, plain packings, uniform
//	                and entropy-coded grids, ladders of codecs with an error bound
//	codec/fit       fits grids and ladders to training windows
//	codec/quality   errors of any codec, baselines, drift, tables of them
//	bam/train       training methods and their reports
//	bam/sweep       many trainings, measured at equal bytes
//	radio           frame, time on air, the Radio interface
//	radio/e22       UART driver and registers of E22 modules; e22test simulates one
//	radio/link      the two ends of a link as state machines
//	radio/runlog    event logs of a run: metrics, comparison, energy, plots
//	radio/udp       UDP on loopback as a radio
//	radio/sim       a radio channel in virtual time
//	radio/endpoint  from a RunSpec to a codec, a link and a log
//	runspec         a run's YAML: load, save, validate
//	examples/...    thin programs over all of it
//
// Words used throughout:
//
//	step      one reading of all values: a motion sample has twelve
//	window    W steps in a row, the oldest first, as dims·W float64 values
//	stride    samples from one window to the next
//	latent    what the last layer gives; packing turns it into bytes
//	payload   bytes of one window; a frame adds a length and a sequence number
//	holdout   windows that do not train: by a hash of their number, or the last
//	          ones in time (temporal)
//	baseline  a simple codec that others are compared with at equal bytes
//	rung      one codec of a ladder
//	RunSpec   a YAML file that says how one end of a link runs
//
// The formats are those of an existing Python runtime, "the reference", so that
// models, data sets, logs and radio frames cross both ways.
package loralink
