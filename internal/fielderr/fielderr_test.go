package fielderr

import (
	"errors"
	"testing"
)

func TestError(t *testing.T) {
	inner, outer := errors.New("inner: invalid settings"), errors.New("outer: invalid settings")
	path := Name{Field: "Path", Flag: "in"}
	for _, c := range []struct {
		name        string
		err         *Error
		text, flags string
	}{
		{"fields", New(outer, "%v is %q, want %v", path, "", Name{Field: "Seed"}),
			`outer: invalid settings: Path is "", want Seed`, `--in is "", want Seed`},
		{"another package's", New(outer, "%v", New(inner, "%v is missing", path)),
			"outer: invalid settings: Path is missing", "--in is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.err.Error(); got != c.text {
				t.Errorf("got  %s\nwant %s", got, c.text)
			}
			if got := c.err.FlagText(); got != c.flags {
				t.Errorf("flags: got  %s\nwant %s", got, c.flags)
			}
			if !errors.Is(c.err, outer) || errors.Is(c.err, inner) != (c.name != "fields") {
				t.Errorf("wraps %v", c.err.Unwrap())
			}
		})
	}
}
