package dataset

import (
	"errors"
	"iter"
	"math/rand/v2"
)

// Limit yields the first n values; all of them if n is 0 or less.
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

// SkipIncomplete yields what seq yields, but ends before an error that wraps
// ErrIncompleteLine. It calls warn with that error, in each pass; warn may be nil.
func SkipIncomplete[T any](seq iter.Seq2[T, error], warn func(error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if errors.Is(err, ErrIncompleteLine) {
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

// NotEmpty yields what seq yields. If seq yields nothing, it yields an *Error that
// names the file and wraps ErrEmpty.
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

// Shuffle yields the values in a random order, which depends on size and seed only.
// It holds up to size values in a buffer. Whenever the buffer is full, it yields a
// random value of it; after the last value of seq, it yields the rest in random order.
// If size is 1 or less, the order is unchanged; if size is at least the number of
// values, every permutation is equally likely. Any seed is valid. An error of seq comes
// after the values.
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
