package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/radio/runlog"
	"github.com/loralink/loralink-go/radio/runlog/record"
)

func TestRecord(t *testing.T) {
	dir := t.TempDir()
	template, log := filepath.Join(dir, "template.yaml"), filepath.Join(dir, "a_tx.jsonl")
	for path, text := range map[string]string{
		template: "run_id: TBD\nphase: phase1\noutputs:\n  tx_log: TBD\n  dataset_raw: TBD\nnotes: TBD\n",
		log:      `{"ts_ms":1,"run_id":"a","event":"tx_sent","role":"tx","window_id":1}` + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := Record{Template: template, Out: filepath.Join(dir, "out", "record.yaml")}
	var out bytes.Buffer
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	if err := r.FillRun(&out, runlog.Files{TX: log}, record.Values{"outputs.dataset_raw": "sent.jsonl"}); err != nil || !strings.Contains(out.String(), "1 values are left for a person, marked TBD") {
		t.Errorf("%v\n%s", err, out.String())
	}
	want := "run_id: a\nphase: phase1\noutputs:\n  tx_log: " + filepath.ToSlash(log) + "\n  dataset_raw: sent.jsonl\nnotes: TBD\n"
	if b, err := os.ReadFile(r.Out); err != nil || string(b) != want {
		t.Errorf("%v\n%s", err, b)
	}
	var usage *UsageError
	if err := (&Record{Template: template}).Check(); !errors.As(err, &usage) {
		t.Errorf("without --record-out: %v", err)
	}
	if err := (&Record{Template: log, Out: "x"}).Check(); !errors.Is(err, record.ErrRecord) {
		t.Errorf("a log as template: %v", err)
	}
	none := new(Record)
	if err := errors.Join(none.Check(), none.Fill(&out, nil), none.FillRun(&out, runlog.Files{}, nil)); err != nil {
		t.Errorf("no record: %v", err)
	}
}
