package dataset

import (
	"errors"
	"iter"
	"math/rand/v2"
)

// Limit yields the first n values; all of them where n is 0 or less.
func Limit[T any](seq iter.Seq2[T, error], n int) iter.Seq2[T, error] {
	if n <= 0 {
		return seq
	}
	return func(yield func(T, error) bool) {
		left := n
		for v, err := range seq {
			if !yield(v, err) || err != nil {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// SkipTorn drops the error of a torn last line and gives it to warn instead,
// once for each pass; warn may be nil.
func SkipTorn[T any](seq iter.Seq2[T, error], warn func(error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if errors.Is(err, ErrTornLine) {
				if warn != nil {
					warn(err)
				}
				return
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// NotEmpty yields what seq yields. If that is nothing, it yields an error that
// names the file and matches ErrEmpty.
func NotEmpty[T any](seq iter.Seq2[T, error], file string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		empty := true
		for v, err := range seq {
			empty = false
			if !yield(v, err) || err != nil {
				return
			}
		}
		if empty {
			var zero T
			yield(zero, &Error{File: file, Err: faultf(ErrEmpty, "found no records, want at least one")})
		}
	}
}

// Shuffle yields the values in another order, the same for the same seed. It
// keeps a buffer: a value goes in, and when there are size of them one drawn at
// random comes out; at the end the rest comes out in random order. A size of 1
// and less changes nothing, one of at least the number of values shuffles them
// evenly. An error still comes last.
func Shuffle[T any](seq iter.Seq2[T, error], size int, seed int64) iter.Seq2[T, error] {
	if size <= 1 {
		return seq
	}
	return func(yield func(T, error) bool) {
		rng := rand.New(rand.NewPCG(uint64(seed), 0))
		var buf []T
		var failed error
		for v, err := range seq {
			if err != nil {
				failed = err
				break
			}
			if buf = append(buf, v); len(buf) < size {
				continue
			}
			i, last := rng.IntN(size), size-1
			v, buf[i] = buf[i], buf[last]
			buf = buf[:last]
			if !yield(v, nil) {
				return
			}
		}
		rng.Shuffle(len(buf), func(i, j int) { buf[i], buf[j] = buf[j], buf[i] })
		for _, v := range buf {
			if !yield(v, nil) {
				return
			}
		}
		if failed != nil {
			var zero T
			yield(zero, failed)
		}
	}
}
