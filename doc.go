// Package loralink documents the module. It has no code.
//
// The module compresses windows of motion-sensor samples to payloads of a few bytes,
// for LoRa to carry, and decodes payloads to windows. A model, a bidirectional
// associative memory (BAM), maps a window to a short latent and back. It is an
// autoencoder: each layer has a matrix W that encodes and a matrix V that decodes. By
// default its weights are principal components. The latent is packed into the payload.
// Other codecs quantise and entropy code values, with a bound on their errors.
//
// There are three entry points:
//
//   - A program that encodes or decodes payloads imports codec, and nothing else.
//   - A researcher uses dataset, bam/train, codec/quality and artifacts/save.
//   - An integrator embeds radio/endpoint, or radio/link and a radio driver.
//
// Packages:
//
//	dataset/sensor         values of a step: names, units, angles, ranges, tolerances
//	bam                    arithmetic of models: layers, cycles, normalisation, packings
//	dataset                samples, windows, data sets, splits, statistics
//	dataset/motion         a simulator of recordings
//	dataset/capture        recordings of a sensor on a serial port
//	dataset/numpy          data sets in numpy's .npy and .npz files
//	artifacts              a model's files: reads and verifies them
//	artifacts/save         writes them
//	codec                  payloads from windows, and windows from payloads
//	codec/fit              fits grids and ladders to training windows
//	codec/export           C99 and JavaScript of a codec
//	codec/quality          errors of any codec, baselines, drift, tables of them
//	bam/train              training methods and their reports
//	bam/sweep              many trainings, compared at equal payload lengths
//	radio                  frames, time on air, the Radio interface
//	radio/e22              driver and registers of E22 modules on a UART
//	radio/e22/e22test      simulated E22 modules
//	radio/link             sender and receiver as state machines
//	radio/runlog           event logs of runs: metrics, comparison, energy
//	radio/runlog/runplot   plots of a run, and of several
//	radio/runlog/runreport the report of a run, and of several: energies, targets
//	radio/runlog/rundir    packages of a run's files; what in logs does not fit together
//	radio/runlog/record    records of experiments, filled in as far as files say
//	radio/udp              datagrams on this machine as a radio
//	radio/sim              a radio channel in virtual time
//	radio/sim/study        codecs and links compared on it
//	radio/endpoint         from a RunSpec to a codec, a link and a log
//	runspec                reads, checks and writes RunSpecs
//	examples/...           thin programs; examples/cli is what they share
//
// Terms:
//
//	sample      one reading of a sensor's values, with its time; unless said otherwise, the
//	            twelve values of motion sensors
//	step        the values of one sample; other data has other values, dims of them
//	window      W steps in a row, the oldest first: dims·W float64 values
//	stride      samples from one window to the next
//	split       which windows are used for training; the others are the holdout
//	norm        mean and standard deviation by which values are normalised
//	latent      the output of a model's last layer: a short vector of float32
//	packing     how latents become bytes
//	payload     the bytes of one window
//	frame       LEN, SEQ and payload, as a radio sends them
//	ACK         a frame that acknowledges the SEQ of another
//	codec       encodes windows to payloads and decodes payloads to windows
//	schema      of a codec: a string that describes its payload; of a sensor: what is
//	            known of the values of a step
//	baseline    a simple codec that others are compared with
//	tolerance   the largest error that a value may have, in its unit
//	grid        a codec that quantises uniformly; a value is sent as the number of a
//	            quantisation step
//	component   of a mixture: one of several probability models, of which the encoder
//	            uses the best for a window
//	ladder      a codec with an error bound: a list of codecs, its rungs, in order of
//	            their payload lengths, of which each window takes the first that suffices
//	RunSpec     a YAML file that describes one end of a link
//	PHY         the parameters of the radio: spreading factor, bandwidth, coding rate
//
// The file formats are compatible with an existing Python program, called the
// reference: models, data sets, logs and frames can be exchanged with it.
package loralink
