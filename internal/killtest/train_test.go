package killtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/internal/testenv"
)

// checkFolder fails unless dir can be loaded and nothing but it is in its parent.
func checkFolder(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(entries) != 1 {
		t.Errorf("a whole run left %v, %v, want %s alone", entries, err, dir)
	}
	if _, err := codec.Load(dir); err != nil {
		t.Errorf("after a whole run: %v", err)
	}
}

func TestKillTrain(t *testing.T) {
	kills := testenv.Kills(t)
	bin := build(t, "train")
	dir := filepath.Join(t.TempDir(), "models", "a")
	args := func(seed string) []string {
		return []string{"--out-dir", dir, "--force", "--method", "pca", "--latent-dim", "4", "--seed", seed}
	}
	k := newKiller(t, bin)
	k.whole(t, args("1")...)
	for i := 0; k.killed < kills && k.runs < 4*kills; i++ {
		k.kill(t, args([]string{"1", "2"}[i%2])...)
		if _, err := codec.Load(dir); err != nil {
			t.Fatalf("after %v: %v", k, err)
		}
	}
	k.whole(t, args("1")...)
	checkFolder(t, dir)
	t.Log(k)
}
