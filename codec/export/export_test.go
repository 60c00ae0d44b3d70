package export

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset/sensor"
	"github.com/loralink/loralink-go/internal/testenv"
)

// Equal codecs give equal files, whose names begin with the name.
func TestFiles(t *testing.T) {
	for _, c := range builtCodecs {
		for _, generate := range []func(codec.Codec, *Settings) ([]File, error){C, JS} {
			s := &Settings{Name: "truck", Vectors: 10}
			files, err := generate(c.build(t), s)
			again, err2 := generate(c.build(t), s)
			if err != nil || err2 != nil || len(files) != len(again) {
				t.Fatal(err, err2)
			}
			for i, f := range files {
				if f.Name != again[i].Name || !bytes.Equal(f.Data, again[i].Data) {
					t.Errorf("%s: %s differs between two runs", c.name, f.Name)
				}
				if !strings.HasPrefix(f.Name, "truck") || bytes.Contains(f.Data, []byte("<no value>")) || bytes.Contains(f.Data, []byte("%!")) {
					t.Errorf("%s: %s is not as it should be", c.name, f.Name)
				}
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	raw, err := codec.New(codec.Spec{ID: "raw", Version: "1", Window: sensor.Shape{Dims: 12, W: 1, Stride: 1}, MaxPayloadBytes: 255})
	if err != nil {
		t.Fatal(err)
	}
	grid := oddGrid(t, 1)
	large := randomBAM(t, 1, bam.Int8, 0, 0, 400, 60)
	for _, c := range []struct {
		name     string
		codec    codec.Codec
		settings *Settings
		want     error
		text     string
	}{
		{"another codec", raw, nil, ErrUnsupported, "raw"},
		{"name with a capital", grid, &Settings{Name: "Truck"}, ErrSettings, `"Truck"`},
		{"name that is a path", grid, &Settings{Name: "../truck"}, ErrSettings, "underscores"},
		{"no vectors", grid, &Settings{Vectors: -1}, ErrSettings, "-1 vectors"},
		{"too many vectors", grid, &Settings{Vectors: 1e6}, ErrSettings, "100000"},
		{"large script", large, &Settings{Vectors: 1}, ErrTooLarge, "more than the 40960"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := JS(c.codec, c.settings)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("JS: %v, want %v with %q", err, c.want, c.text)
			}
			if _, err := C(c.codec, c.settings); c.want != ErrTooLarge && !errors.Is(err, c.want) {
				t.Errorf("C: %v, want %v", err, c.want)
			}
		})
	}
	ladder, err := codec.NewLadder(sensor.Shape{Dims: 12, W: 1}, nil, sensor.Motion().Tolerances(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := C(ladder, nil); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "rung 0 is raw") {
		t.Errorf("a ladder of raw: %v", err)
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	files := []File{{"x.c", []byte("1")}, {"x.h", []byte("2")}}
	if err := Write(dir, files); err != nil {
		t.Fatal(err)
	}
	files[0].Data = []byte("3")
	if err := Write(dir, files); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "x.c")); err != nil || string(got) != "3" {
		t.Errorf("%q, %v", got, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%d files, want 2", len(entries))
	}
	if err := Write(dir, []File{{"../x.c", nil}}); !errors.Is(err, ErrSettings) {
		t.Errorf("a name with a folder: %v", err)
	}
}

// The programs that check the vectors find equal payloads, and find a difference.
func TestVectorPrograms(t *testing.T) {
	files, err := C(mixedLadder(t, 1), &Settings{Name: "truck", Vectors: 200})
	if err != nil {
		t.Fatal(err)
	}
	script, err := JS(mixedLadder(t, 1), &Settings{Name: "truck", Vectors: 200})
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, append(files, script...))
	inDir := func(name string) string { return filepath.Join(dir, name) }
	run := func(t *testing.T, wantCode int, want string, args ...string) {
		t.Helper()
		cmd := exec.Command(args[0], args[1:]...)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != wantCode || !regexp.MustCompile(want).Match(out) {
			t.Errorf("%v: exit code %d, %q, want %d, %q", args, code, out, wantCode, want)
		}
	}
	change := func(t *testing.T, name, old, new string) {
		t.Helper()
		text, err := os.ReadFile(inDir(name))
		if err != nil || !bytes.Contains(text, []byte(old)) {
			t.Fatalf("%s has no %q: %v", name, old, err)
		}
		if err := os.WriteFile(inDir(name), bytes.Replace(text, []byte(old), []byte(new), 1), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("c", func(t *testing.T) {
		build := func() string { return compile(t, dir, "gcc", []string{"-O2"}, inDir("truck.c"), inDir("truck_test.c")) }
		run(t, 0, "^200 windows and 50 other payloads: equal\n$", build())
		change(t, "truck.c", "* d->step)", "* (d->step * 1.0000001))")
		run(t, 1, "^window 0: got .*, want", build())
	})
	t.Run("js", func(t *testing.T) {
		node := testenv.Program(t, "node")
		run(t, 0, "^payloads of 1.. windows and 50 other payloads: equal\n$", node, inDir("truck_test.js"))
		change(t, "truck.js", "* dim[1])", "* (dim[1] * 1.0000001))")
		run(t, 1, "^windows [0-9]+, .*value [0-9] is", node, inDir("truck_test.js"))
	})
}

// C does not compile where results could differ.
func TestDoesNotCompile(t *testing.T) {
	files, err := C(randomBAM(t, 1, bam.Int8, 0, 0, 12, 8), &Settings{Name: "truck", Vectors: 1})
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, files)
	for _, c := range []struct{ compiler, option, want string }{
		{"gcc", "-ffast-math", "without -ffast-math"},
		{"gcc", "-Ofast", "without -ffast-math"},
		{"gcc", "-ffinite-math-only", "without -ffast-math"},
		{"gcc", "-mfpmath=387", "double must be evaluated as double"},
		{"clang", "-ffast-math", "without -ffast-math"},
	} {
		t.Run(c.compiler+c.option, func(t *testing.T) {
			cmd := exec.Command(testenv.Program(t, c.compiler), "-std=c99", "-c", c.option, "-o", os.DevNull, filepath.Join(dir, "truck.c"))
			out, err := cmd.CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte(c.want)) {
				t.Errorf("%v, %s, want %q", err, out, c.want)
			}
		})
	}
}

// The header serves C++ too.
func TestHeaderInCPlusPlus(t *testing.T) {
	files, err := C(mixedLadder(t, 1), &Settings{Name: "truck", Vectors: 1})
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, files)
	main := filepath.Join(dir, "main.cpp")
	text := "#include \"truck.h\"\nint main() { truck_window w = {}; return truck_in_range(&w) < 0 || TRUCK_YAW != 1; }\n"
	if err := os.WriteFile(main, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	object := filepath.Join(dir, "truck.o")
	for _, args := range [][]string{
		{testenv.Program(t, "gcc"), "-std=c99", "-c", "-o", object, filepath.Join(dir, "truck.c")},
		{testenv.Program(t, "g++"), "-std=c++98", "-Wall", "-Wextra", "-pedantic", "-Wno-missing-field-initializers", "-Werror", "-o", filepath.Join(dir, "a.out"), main, object},
		{filepath.Join(dir, "a.out")},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
}

// Repetitions of every length are read back.
func TestCompress(t *testing.T) {
	expand := func(b []byte) (out []byte) {
		for i := 0; i < len(b); {
			n := int(b[i])
			i++
			if n < 128 {
				out = append(out, b[i:i+n+1]...)
				i += n + 1
				continue
			}
			from := len(out) - int(b[i]) - 256*int(b[i+1])
			i += 2
			for range n - 124 {
				out = append(out, out[from])
				from++
			}
		}
		return out
	}
	var text []byte
	for i := range 300 {
		text = append(text, bytes.Repeat([]byte{byte(i), byte(i * i)}, i/8)...)
		text = append(text, byte(i))
	}
	for _, src := range [][]byte{nil, {1}, make([]byte, 1000), text} {
		packed := compress(src)
		if !bytes.Equal(expand(packed), src) {
			t.Errorf("%d bytes are not read back", len(src))
		}
		if len(src) > 500 && len(packed) > len(src)/2 {
			t.Errorf("%d bytes of %d, want at most half", len(packed), len(src))
		}
	}
}

// No name collides with one inside the generated file.
func TestNames(t *testing.T) {
	for _, name := range []string{"bam", "grid", "entropy", "rung", "rungs", "pack", "layer", "encoder", "decoder", "value", "x"} {
		t.Run(name, func(t *testing.T) {
			files, err := C(mixedLadder(t, 1), &Settings{Name: name, Vectors: 10})
			if err != nil {
				t.Fatal(err)
			}
			dir := folder(t, files)
			program := compile(t, dir, "gcc", nil, filepath.Join(dir, name+".c"), filepath.Join(dir, name+"_test.c"))
			if out, err := exec.Command(program).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
