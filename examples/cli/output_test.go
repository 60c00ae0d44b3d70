package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestEnded(t *testing.T) {
	full := errors.New("disk full")
	going := t.Context()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		want error // nil: nothing is left
	}{
		{"no error", over, nil, nil},
		{"interrupted", over, context.Canceled, nil},
		{"interrupted, wrapped", over, fmt.Errorf("link: %w", context.Canceled), nil},
		{"interrupted, and the log cannot be closed", over, errors.Join(context.Canceled, full), full},
		{"something else", over, full, full},
		{"somebody else's context", going, context.Canceled, context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Ended(c.ctx, c.err)
			if c.want == nil && err != nil || c.want != nil && (!errors.Is(err, c.want) || c.want == full && errors.Is(err, context.Canceled)) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestWriteJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "x.json")
	if err := WriteJSON(path, map[string]int{"a": 1}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "{\n  \"a\": 1\n}\n" {
		t.Errorf("%q, %v", b, err)
	}
	if err := WriteJSON(path, func() {}); err == nil {
		t.Error("wrote a function")
	}
	if err := WriteJSON("", 1); err != nil {
		t.Error(err)
	}
}

func TestWarnings(t *testing.T) {
	var b bytes.Buffer
	Warn(&b)(errors.New("x:3: incomplete"))
	connection := Connection(&b)
	connection(errors.New("unplugged"))
	connection(nil)
	want := "warning: x:3: incomplete; the other lines are used\nwarning: unplugged; waiting for it to return\nthe radio is back\n"
	if b.String() != want {
		t.Errorf("printed %q", b.String())
	}
}
