package export

import (
	"bytes"
	"encoding/binary"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"github.com/loralink/loralink-go/internal/testenv"
)

// The scripts run in the engines of network servers, with results equal to Go's. TestEqual
// compares more payloads in Node.js.
func TestServers(t *testing.T) {
	for _, c := range builtCodecs {
		t.Run(c.name, func(t *testing.T) {
			s := Settings{Name: "truck", Vectors: 300}
			p, err := newProgram(c.build(t), s)
			if err != nil {
				t.Fatal(err)
			}
			files, err := JS(p.codec, &s)
			if err != nil {
				t.Fatal(err)
			}
			vectors, err := p.vectors(s.Vectors)
			if err != nil {
				t.Fatal(err)
			}
			all := &cases{}
			for _, v := range vectors {
				all.add(p, v)
			}
			payloads := all.payloads(p)
			t.Run("es5", func(t *testing.T) { isES5(t, files) })
			t.Run("goja", func(t *testing.T) { inGoja(t, p, string(files[0].Data), payloads) })
			t.Run("quickjs", func(t *testing.T) { inQuickJS(t, files, payloads) })
		})
	}
}

// isES5 parses the script with the parser that Node.js brings, as ES5.
func isES5(t *testing.T, files []File) {
	node := testenv.Program(t, "node")
	script := filepath.Join(folder(t, files), "truck.js")
	parse := func(more string) ([]byte, error) {
		return exec.Command(node, "--expose-internals", "-e",
			"require('internal/deps/acorn/acorn/dist/acorn').parse(require('fs').readFileSync(process.argv[1], 'utf8') + process.argv[2], {ecmaVersion: 5})", script, more).CombinedOutput()
	}
	if out, err := parse(""); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := parse("let a = 1;"); err == nil {
		t.Error("the parser takes ES6")
	}
}

// inGoja decodes as The Things Stack does: a function main behind the script, which passes
// a copy of the bytes.
func inGoja(t *testing.T, p *program, script string, c *cases) {
	var decode func(payload []byte) (goja.Value, error)
	for i, v := range c.vectors {
		if i < 3 || decode == nil { // a server begins afresh for each uplink
			vm := goja.New()
			if _, err := vm.RunString(script + "\nfunction main(input) { return decodeUplink({bytes: input.bytes.slice(), fPort: input.fPort}); }"); err != nil {
				t.Fatal(err)
			}
			main, ok := goja.AssertFunction(vm.Get("main"))
			if !ok {
				t.Fatal("found no function main")
			}
			decode = func(payload []byte) (goja.Value, error) {
				return main(goja.Undefined(), vm.ToValue(map[string]any{"bytes": payload, "fPort": 1}))
			}
		}
		got, err := decode(v.payload)
		if err != nil {
			t.Fatalf("payload %x: %v", v.payload, err)
		}
		uplink, _ := got.Export().(map[string]any)
		data, _ := uplink["data"].(map[string]any)
		samples, _ := data["samples"].([]any)
		errs, _ := uplink["errors"].([]any)
		if data["model"] != p.Hash || (len(errs) == 0) != (v.decoded == 0) {
			t.Fatalf("payload %x: %v, want code %d and model %s", v.payload, uplink, v.decoded, p.Hash)
		}
		var values []float64
		for _, s := range samples {
			for _, f := range p.Fields {
				switch x := s.(map[string]any)[f.Name].(type) {
				case int64:
					values = append(values, float64(x))
				case float64:
					values = append(values, x)
				}
			}
		}
		if !bytes.Equal(bitsOf(values), bitsOf(v.values)) {
			t.Fatalf("payload %x: %v, want %v", v.payload, values, v.values)
		}
	}
}

func bitsOf(values []float64) (b []byte) {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// inQuickJS decodes as ChirpStack does.
func inQuickJS(t *testing.T, files []File, c *cases) {
	node := testenv.Program(t, "node")
	if err := exec.Command(node, "-e", "require('quickjs-emscripten')").Run(); err != nil {
		if testenv.CI() {
			t.Fatal("LORALINK_CI is set, but Node.js finds no package quickjs-emscripten in NODE_PATH")
		}
		t.Skip("Node.js finds no package quickjs-emscripten in NODE_PATH")
	}
	var stderr strings.Builder
	cmd := exec.Command(node, "testdata/quickjs.js", filepath.Join(folder(t, files), "truck.js"))
	cmd.Stdin = bytes.NewReader(c.input)
	cmd.Stderr = &stderr
	got, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	c.compare(t, got, len(c.vectors))
}
