package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/examples/cli"
	"github.com/loralink/loralink-go/radio/e22"
)

func program(args ...string) (stdout string, err error) {
	var out, errs bytes.Buffer
	err = run(context.Background(), args, &out, &errs)
	return out.String(), err
}

// has reports whether a line of out consists of these words.
func has(out string, words ...string) bool {
	for line := range strings.Lines(out) {
		if strings.Join(strings.Fields(line), " ") == strings.Join(words, " ") {
			return true
		}
	}
	return false
}

func TestRead(t *testing.T) {
	out, err := program("--simulate", "--read")
	if err != nil || !has(out, "channel", "18") || !has(out, "frequency", "868.125", "MHz") || !has(out, "power", "22", "dBm") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSet(t *testing.T) {
	out, err := program("--simulate", "--set", "channel=23, power=17,lbt=on", "--temporary")
	if err != nil || !has(out, "channel", "18", "23", "23", "changed") || !has(out, "power", "22", "17", "17", "dBm", "changed") ||
		!has(out, "lbt", "off", "on", "on", "changed") || !has(out, "netid", "0", "0", "0") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSetIgnored(t *testing.T) {
	out, err := program("--simulate", "--set", "channel=23,airrate=300")
	var ignored *e22.IgnoredError
	if !errors.As(err, &ignored) || len(ignored.Diffs) != 1 {
		t.Errorf("error %v", err)
	}
	if !has(out, "airrate", "2400", "300", "2400", "bit/s", "IGNORED") || !has(out, "channel", "18", "23", "23", "changed") {
		t.Error(out)
	}
}

func TestRSSI(t *testing.T) {
	out, err := program("--simulate", "--rssi")
	if err != nil || !has(out, "noise", "on", "the", "channel", "-104") || !has(out, "last", "packet", "-68") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestUsage(t *testing.T) {
	cases := []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, "want --port PORT or --simulate"},
		{"both", []string{"--port", "x", "--simulate", "--read"}, "want --port PORT or --simulate"},
		{"no action", []string{"--simulate"}, "one of --read, --set and --rssi"},
		{"two actions", []string{"--simulate", "--read", "--rssi"}, "one of --read, --set and --rssi"},
		{"temporary reading", []string{"--simulate", "--read", "--temporary"}, "--temporary needs --set"},
		{"no value", []string{"--simulate", "--set", "channel"}, "want name=value"},
		{"no such register", []string{"--simulate", "--set", "colour=red"}, "want one of address"},
		{"no such value", []string{"--simulate", "--set", "channel=81"}, "want 0..80"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := program(c.args...)
			var usage *cli.UsageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) || out != "" {
				t.Errorf("error %v, want %q; output %q", err, c.want, out)
			}
		})
	}
	if _, err := program("--port", "/dev/no-such-port", "--read"); !errors.Is(err, e22.ErrDisconnected) || !strings.Contains(err.Error(), "/dev/no-such-port") {
		t.Errorf("a port that is not there: %v", err)
	}
}
