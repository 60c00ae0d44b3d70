package killtest

import (
	"path/filepath"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/internal/testenv"
)

func TestKillLadder(t *testing.T) {
	kills := testenv.Kills(t)
	data := filepath.Join(t.TempDir(), "dataset_raw.jsonl")
	newKiller(t, build(t, "samples")).whole(t, "--simulate", "300", "--out", data)
	bin := build(t, "ladder")
	dir := filepath.Join(t.TempDir(), "ladders", "a")
	args := func(widened string) []string {
		return []string{"--dataset", data, "--out-dir", dir, "--force", "--entropy-coded=false", "--widened", widened}
	}
	k := newKiller(t, bin)
	k.whole(t, args("3")...)
	for i := 0; k.killed < kills && k.runs < 4*kills; i++ {
		k.kill(t, args([]string{"3", "2"}[i%2])...)
		if _, err := codec.Load(dir); err != nil {
			t.Fatalf("after %v: %v", k, err)
		}
	}
	k.whole(t, args("3")...)
	checkFolder(t, dir)
	t.Log(k)
}
