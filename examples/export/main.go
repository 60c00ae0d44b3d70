// Export writes a codec as C99 for a microcontroller and as JavaScript for a network
// server, with vectors and programs that check both.
//
//	go run ./examples/export --bam-manifest out/models/b/bam_manifest.json --name truck --out-dir out/export
//	go run ./examples/export --ladder out/ladders/a/ladder.json --lang c --name truck --out-dir firmware/src
package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/codec/export"
	"github.com/loralink/loralink-go/examples/cli"
)

func main() { cli.Main("export", run) }

const summary = `Export writes a codec as C99 for a microcontroller (encoder and decoder) and as JavaScript for a network server
(decoder), with vectors of the Go codec and a program for each that checks them.`

type settings struct {
	files        []string // of codecs; one is wanted
	langs        []string
	force        bool
	outDir       string
	payloadBytes int
	export       export.Settings
}

// generators are the languages.
var generators = map[string]func(codec.Codec, *export.Settings) ([]export.File, error){
	"c":  export.C,
	"js": export.JS,
}

func parse(args []string, stdout io.Writer) (*settings, error) {
	s := settings{langs: []string{"c", "js"}}
	fs := cli.NewFlags("export", "go run ./examples/export --bam-manifest out/models/demo/bam_manifest.json --name truck --out-dir out/export", summary)
	for _, f := range []struct{ name, file string }{{"bam-manifest", "bam_manifest.json of a model"}, {"ladder", "ladder.json"}, {"grid", "grid.json"}, {"entropy-grid", "entropy_grid.json"}} {
		fs.Var(cli.Strings(&s.files), f.name, f.file+", or the folder that holds it")
	}
	fs.IntVar(&s.payloadBytes, "payload-bytes", 0, "entropy_grid: length of a payload; 0: as many bytes as each window needs")
	lang := fs.String("lang", "c,js", "languages to write: c, js")
	fs.StringVar(&s.export.Name, "name", "", "beginning of names of files and functions, such as truck; unset: loralink")
	fs.IntVar(&s.export.Vectors, "vectors", export.DefaultVectors, "windows in the file of vectors")
	fs.StringVar(&s.outDir, "out-dir", "", "folder to write to")
	fs.BoolVar(&s.force, "force", false, "replace existing files of the same names")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return nil, err
	}
	s.langs = strings.Split(*lang, ",")
	switch {
	case len(s.files) != 1:
		return nil, cli.Usagef("%d codecs are given, want one of --bam-manifest, --ladder, --grid and --entropy-grid", len(s.files))
	case s.outDir == "":
		return nil, cli.Usagef("--out-dir is missing: want a folder")
	}
	for _, l := range s.langs {
		if generators[l] == nil {
			return nil, cli.Usagef("--lang has %q, want c, js or both, separated by a comma", l)
		}
	}
	return &s, nil
}

func run(ctx context.Context, args []string, stdout, _ io.Writer) error {
	s, err := parse(args, stdout)
	if err != nil {
		return err
	}
	c, err := codec.Load(s.files[0])
	if err != nil {
		return err
	}
	if grid, ok := c.(*codec.EntropyGrid); ok {
		if c, err = grid.WithPayloadBytes(s.payloadBytes); err != nil {
			return err
		}
	} else if s.payloadBytes != 0 {
		return cli.Usagef("--payload-bytes is for --entropy-grid, want it left out")
	}
	var files []export.File
	for _, l := range slices.Compact(s.langs) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		more, err := generators[l](c, &s.export)
		if err != nil {
			return err
		}
		files = append(files, more...)
	}
	for _, f := range files {
		if err := cli.CheckOut(filepath.Join(s.outDir, f.Name), s.force, s.files...); err != nil {
			return err
		}
	}
	if err := export.Write(s.outDir, files); err != nil {
		return err
	}
	for _, f := range files {
		fmt.Fprintf(stdout, "%9d bytes  %s\n", len(f.Data), f.Name)
	}
	return nil
}
