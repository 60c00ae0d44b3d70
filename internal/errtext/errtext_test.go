package errtext

import (
	"errors"
	"fmt"
	"testing"
)

func TestTrimPrefix(t *testing.T) {
	sentinel := errors.New("a: invalid")
	inner := fmt.Errorf("%w: x is 3", sentinel)
	outer := fmt.Errorf("b: invalid: %w", TrimPrefix(inner, "a: invalid: "))
	if outer.Error() != "b: invalid: x is 3" || !errors.Is(outer, sentinel) {
		t.Errorf("got %q", outer)
	}
	if err := TrimPrefix(inner, "c: "); err != inner {
		t.Errorf("got %v", err)
	}
}
