package innersplit

import "testing"

func TestTemporal(t *testing.T) {
	for _, c := range []struct{ n, kept int }{{0, 0}, {1, 0}, {2, 1}, {10, 6}, {101, 60}} {
		kept := 0
		for i := range c.n {
			if !Temporal(i, c.n) {
				if i != kept {
					t.Errorf("of %d windows %d is kept, but not %d", c.n, i, kept)
				}
				kept++
			}
		}
		if kept != c.kept {
			t.Errorf("of %d windows %d are kept, want %d", c.n, kept, c.kept)
		}
	}
}

func TestFold(t *testing.T) {
	for i, want := range map[int]int{0: 0, 15: 0, 16: 1, 64: 4, 79: 4, 80: 0, 96: 1} {
		if got := Fold(i); got != want {
			t.Errorf("window %d is in fold %d, want %d", i, got, want)
		}
	}
}
