package dataset

import (
	"testing"
)

func TestHashSplit(t *testing.T) {
	n := 0
	for id := range int64(2505) {
		if (HashSplit{TrainRatio: 0.8}).Train(id) {
			n++
		}
	}
	if n != 2008 {
		t.Fatalf("seed 0, ratio 0.8, ids 0..2504: %d train, want 2008", n)
	}
}
