package dataset

import (
	"errors"
	"iter"
	"slices"
	"testing"
)

var errBroken = errors.New("broken")

// upTo yields 0..n-1, and then err where it is not nil.
func upTo(n int, err error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(0, err)
		}
	}
}

func TestLimit(t *testing.T) {
	for _, c := range []struct{ have, limit, want int }{{5, 3, 3}, {5, 9, 5}, {5, 0, 5}, {5, -1, 5}, {0, 3, 0}} {
		if got, err := collect(Limit(upTo(c.have, nil), c.limit)); err != nil || len(got) != c.want {
			t.Errorf("%d of %d: got %d, %v", c.limit, c.have, len(got), err)
		}
	}
	if got, err := collect(Limit(upTo(2, errBroken), 3)); len(got) != 2 || err != errBroken {
		t.Errorf("error within: got %d, %v", len(got), err)
	}
	if got, err := collect(Limit(upTo(3, errBroken), 3)); len(got) != 3 || err != nil {
		t.Errorf("error beyond: got %d, %v", len(got), err)
	}
}

func TestSkipIncomplete(t *testing.T) {
	incomplete := &Error{File: "f", Line: 3, Err: faultf(ErrIncompleteLine, "incomplete")}
	var warned []error
	warn := func(err error) { warned = append(warned, err) }
	if got, err := collect(SkipIncomplete(upTo(2, incomplete), warn)); len(got) != 2 || err != nil || len(warned) != 1 || warned[0] != error(incomplete) {
		t.Fatalf("incomplete: got %d, %v, warned %v", len(got), err, warned)
	}
	if got, err := collect(SkipIncomplete(upTo(2, incomplete), nil)); len(got) != 2 || err != nil {
		t.Fatalf("incomplete, no warn: got %d, %v", len(got), err)
	}
	if got, err := collect(SkipIncomplete(upTo(2, errBroken), warn)); len(got) != 2 || err != errBroken || len(warned) != 1 {
		t.Fatalf("another error: got %d, %v, warned %v", len(got), err, warned)
	}
}

func TestNotEmpty(t *testing.T) {
	_, err := collect(NotEmpty(upTo(0, nil), "f.jsonl"))
	if !errors.Is(err, ErrEmpty) || err.Error() != "dataset: f.jsonl: found no records, want at least one" {
		t.Fatalf("empty: got %v", err)
	}
	if got, err := collect(NotEmpty(upTo(1, nil), "f.jsonl")); len(got) != 1 || err != nil {
		t.Fatalf("one: got %d, %v", len(got), err)
	}
	if _, err := collect(NotEmpty(upTo(0, errBroken), "f.jsonl")); err != errBroken {
		t.Fatalf("error: got %v", err)
	}
}

func TestShuffle(t *testing.T) {
	const n = 1000
	inOrder, _ := collect(upTo(n, nil))
	for _, size := range []int{-1, 0, 1, 2, 64, n, 2 * n} {
		got, err := collect(Shuffle(upTo(n, nil), size, 7))
		again, _ := collect(Shuffle(upTo(n, nil), size, 7))
		other, _ := collect(Shuffle(upTo(n, nil), size, 8))
		if err != nil || !slices.Equal(got, again) {
			t.Fatalf("size %d: %v, or one seed gave two orders", size, err)
		}
		if moved := !slices.Equal(got, inOrder); moved != (size > 1) {
			t.Fatalf("size %d: moved %v", size, moved)
		}
		if size > 1 && slices.Equal(got, other) {
			t.Fatalf("size %d: two seeds gave one order", size)
		}
		for i, v := range got {
			// A value waits in the buffer, but none comes before it was read.
			if size > 1 && v >= i+size {
				t.Fatalf("size %d: value %d came out at %d", size, v, i)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, inOrder) {
			t.Fatalf("size %d: not the same values", size)
		}
	}
	if got, err := collect(Shuffle(upTo(10, errBroken), 4, 0)); len(got) != 10 || err != errBroken {
		t.Fatalf("error: got %d values, %v; want all, then the error", len(got), err)
	}
}

// Every way out of the loop leaves the sequences below it whole.
func TestBreak(t *testing.T) {
	path := writeTemp(t, "w.jsonl", "{\"window\":[1]}\n{\"window\":[1]}\n")
	samples := writeTemp(t, "s.jsonl", flat(`"ts_ms":5`)+flat(`"ts_ms":6`))
	windows := Windows(samplesAt(1, 2, 3, 4), WindowerSettings{})
	split := HashSplit{TrainRatio: 1}
	seqs := map[string]iter.Seq2[Window, error]{
		"windows": windows, "train": Training(windows, split), "shuffle": Shuffle(windows, 2, 0), "shuffle at the end": Shuffle(windows, 9, 0),
		"limit": Limit(windows, 3), "incomplete": SkipIncomplete(windows, nil), "not empty": NotEmpty(windows, "f"),
		"file": OpenWindows(path, WindowSettings{}), "samples": Windows(OpenSamples(samples, SampleSettings{}), WindowerSettings{}),
	}
	for name, seq := range seqs {
		for range seq { // a second call of yield would panic
			break
		}
		n := 0
		for range seq {
			n++
		}
		if n < 1 {
			t.Errorf("%s: nothing on the second pass", name)
		}
	}
}
