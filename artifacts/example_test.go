package artifacts_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/loralink/loralink-go/artifacts"
)

func Example() {
	m, err := artifacts.LoadFS(os.DirFS("../testdata/golden"), "deep_int16/bam_manifest.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Manifest.Schema(), len(m.Net.Layers), "layers")

	_, err = artifacts.LoadFS(os.DirFS("../testdata/golden"), "bam_manifest.json")
	fmt.Println(errors.Is(err, artifacts.ErrNotFound), err)
	// Output:
	// bam:latent_dim=16:packing=int16:scale=4096.0 3 layers
	// true artifacts: bam_manifest.json: not found
}
