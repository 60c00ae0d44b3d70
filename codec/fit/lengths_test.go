package fit

import (
	"math"
	"slices"
	"testing"

	"github.com/loralink/loralink-go/internal/testwindows"
)

// The lengths chosen are those that trying all finds.
func TestPayloadLengths(t *testing.T) {
	r, err := EntropyGrid(t.Context(), testwindows.Wander(300, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := payloadLengths(t.Context(), r.Codec, testwindows.Wander(300, 1), 14, 16); err != nil || !slices.Equal(all, []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}) {
		t.Errorf("%v, %v", all, err)
	}
	const last = 12
	needs := make([]float64, last+1)
	for w := range testwindows.Wander(300, 1) {
		n, _ := r.Codec.Need(w)
		needs[min(last, n)]++
	}
	for n := 2; n <= last; n++ {
		needs[n] += 30 / float64(n)
	}
	least := math.Inf(1)
	var want []int
	for a := 2; a < last; a++ {
		for b := a + 1; b < last; b++ {
			for d := b + 1; d < last; d++ {
				sum, from := 0.0, 2
				for _, n := range []int{a, b, d, last} {
					for ; from <= n; from++ {
						sum += needs[from] * float64(n)
					}
				}
				if sum < least {
					least, want = sum, []int{a, b, d}
				}
			}
		}
	}
	if got, err := payloadLengths(t.Context(), r.Codec, testwindows.Wander(300, 1), 3, last); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if none, err := payloadLengths(t.Context(), r.Codec, testwindows.Wander(1, 1), 0, 16); err != nil || none != nil {
		t.Errorf("no lengths: %v, %v", none, err)
	}
}
