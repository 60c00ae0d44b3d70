package killtest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/bam/sweep"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/internal/testenv"
)

func TestKillSweep(t *testing.T) {
	kills := testenv.Kills(t)
	parent := t.TempDir()
	dir := filepath.Join(parent, "sweep")
	args := []string{"--out-dir", dir, "--latent-dims", "2,4", "--methods", "pca", "--plots=false"}
	k := newKiller(t, build(t, "sweep"))
	k.whole(t, args...)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for k.killed < kills && k.runs < 4*kills {
		if !k.kill(t, args...) {
			// It has finished: the next begins anew, but for the report.
			if err := os.RemoveAll(filepath.Join(dir, "models")); err != nil {
				t.Fatal(err)
			}
		}
		models, _ := os.ReadDir(filepath.Join(dir, "models"))
		for _, m := range models {
			if strings.Contains(m.Name(), ".") {
				continue // a temporary name
			}
			if _, err := codec.Load(filepath.Join(dir, "models", m.Name())); err != nil {
				t.Fatalf("after %v: %v", k, err)
			}
		}
		text, err := os.ReadFile(filepath.Join(dir, sweep.ReportFile))
		if !errors.Is(err, fs.ErrNotExist) && (err != nil || !json.Valid(text)) {
			t.Fatalf("after %v: the report is no JSON, or %v", k, err)
		}
	}
	k.whole(t, args...)
	for _, pattern := range []string{"models/*.new-*", "models/*.old-*", ".*"} {
		if left, _ := filepath.Glob(filepath.Join(dir, pattern)); left != nil {
			t.Errorf("a whole run left %v", left)
		}
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
		t.Errorf("a whole run left %v, %v, want the folder alone", entries, err)
	}
	t.Log(k)
}
