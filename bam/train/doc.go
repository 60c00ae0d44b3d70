// Package train fits the weights of a bidirectional associative memory (package
// bam) to recorded windows.
//
//	result, err := train.Train(ctx, windows, &train.Settings{LatentDim: 8}, nil)
//
// [Settings] describe the model: its sizes, its packing, its transmission
// function, and the split that selects its training windows. The zero value is a model
// of 8 latents, sent as int8. Give the [Result]'s Model to codec.NewBAM to use it,
// and its Contents to save.Model, of package artifacts/save, to write the model's
// folder.
//
// A [Method] finds the weights:
//
//   - [PCA] computes principal components in closed form.
//   - [Gradient] minimises the error of the decoded windows, by gradient descent
//     on all layers at once.
//   - [FEBAM] is the learning rule of the paper that describes the model. The
//     reference runtime, the Python program whose file formats this module shares,
//     trains with it.
//   - [Auto], the default, compares PCA and Gradient on training windows that
//     were left out of their fits, and uses the better one.
//
// A program can implement another Method; [Method] has an example. A Method receives a
// [Problem], which has the training windows, and returns a [Fitted].
//
// # Progress and interruption
//
// Training prints nothing. It reports its [Progress] to Settings.Recorder. When
// the context ends, [Train] returns an error that wraps the context's error;
// there are no partial results.
//
// # Reproducibility
//
// The same windows, settings and method give bit-identical weights for any GOMAXPROCS.
// Random choices depend on Settings.Seed and Settings.ShuffleSeed only. This package
// rounds products before it adds them, so that compilers cannot fuse the two operations.
//
// Between architectures and values of GOAMD64, two things can differ in the last bit of a
// float64: functions of package math, and the principal components of windows of up to
// 256 values, which gonum.org/v1/gonum computes. Weights are rounded to float32 and nearly
// always come out the same. What bitpack measures to choose its tables can differ in more
// digits, since one window may fall on the other side of an edge.
package train
