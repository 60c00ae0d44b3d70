package export

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/bam"
	"github.com/loralink/loralink-go/bam/train"
	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/dataset"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testwindows"
)

// boards are emulated microcontrollers.
var boards = []struct {
	name, machine string
	options       []string
}{
	{"Cortex-M0+", "microbit", []string{"-mcpu=cortex-m0plus"}},
	{"Cortex-M4F", "mps2-an386", []string{"-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"}},
}

// firmwareCodecs are what is measured, with the largest size of code and tables, and of
// the stack, in bytes; 0: any.
var firmwareCodecs = []struct {
	name        string
	build       func(t testing.TB) codec.Codec
	size, stack int
}{
	{"bam 12 to 8 int8", func(t testing.TB) codec.Codec {
		return trained(t, testenv.Repo("testdata", "walk.jsonl"), train.Settings{LatentDim: 8, Packing: bam.Int8, AutoScale: true})
	}, 4 << 10, 256},
	{"bam bitpack 4 bytes", func(t testing.TB) codec.Codec {
		return trained(t, testenv.Repo("testdata", "walk.jsonl"), train.Settings{Packing: bam.BitPack, PayloadBytes: 4})
	}, 0, 0},
	{"ladder of the simulated walk", func(t testing.TB) codec.Codec {
		windows := dataset.Windows(dataset.OpenSamples(testenv.Repo("testdata", "walk.jsonl"), dataset.SampleSettings{}), dataset.WindowerSettings{W: 1})
		return fitted(t, func(yield func([]float64, error) bool) {
			for w, err := range windows {
				if !yield(w.Values, err) {
					return
				}
			}
		}, 1)
	}, 48 << 10, 1 << 10},
	{"ladder of the car", func(t testing.TB) codec.Codec {
		return fitted(t, testwindows.Recording(t, "car", "train", 1), 1)
	}, 48 << 10, 1 << 10},
}

// On emulated microcontrollers, the vectors are equal, and code, tables and stack are as
// small as promised. Instructions are those that QEMU counts, not cycles of a processor.
func TestFirmware(t *testing.T) {
	testenv.Long(t)
	for _, c := range firmwareCodecs {
		t.Run(c.name, func(t *testing.T) {
			files, err := C(c.build(t), &Settings{Name: "truck", Vectors: 150})
			if err != nil {
				t.Fatal(err)
			}
			dir := folder(t, files)
			for _, b := range boards {
				size := firmwareSize(t, dir, b.options)
				if c.size > 0 && size.own > c.size {
					t.Errorf("%s: code and tables take %d bytes, want at most %d", b.name, size.own, c.size)
				}
				use := emulate(t, size.program, b.machine)
				t.Logf("%s, %s: %s; %s", c.name, b.name, size, use)
				if c.stack > 0 && max(use["encode"].stack, use["in_range"].stack, use["decode"].stack) > c.stack {
					t.Errorf("%s: %s, want a stack of at most %d bytes", b.name, use, c.stack)
				}
			}
		})
	}
}

// sizes are numbers of bytes of a program for a microcontroller, without vectors.
type sizes struct {
	program   string
	own       int // code and tables of the generated file
	gcc, libc int // of the compiler's library: arithmetic of float and double; of memcpy and the like
}

func (s sizes) String() string {
	return fmt.Sprintf("code and tables %d bytes, libgcc %d, libc %d", s.own, s.gcc, s.libc)
}

// firmwareSize builds the program that measures a codec. It is compiled without -std=c99,
// so that GCC may fuse products and sums.
func firmwareSize(t *testing.T, dir string, options []string) (s sizes) {
	t.Helper()
	gcc := testenv.Program(t, "arm-none-eabi-gcc")
	object, memory := filepath.Join(dir, "truck.o"), filepath.Join(dir, "truck.map")
	s.program = filepath.Join(dir, "truck.elf")
	common := append([]string{"-Os", "-Wall", "-Wextra", "-Werror", "-mthumb", "-ffunction-sections", "-fdata-sections", "-I", dir}, options...)
	run := func(args ...string) string {
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run(append(append([]string{gcc}, common...), "-c", "-o", object, filepath.Join(dir, "truck.c"))...)
	lines := strings.Split(run("arm-none-eabi-size", object), "\n")
	fields := strings.Fields(lines[1])
	var text, data, bss int
	if _, err := fmt.Sscan(strings.Join(fields[:3], " "), &text, &data, &bss); err != nil || data+bss != 0 {
		t.Fatalf("%s: %v, want no variables", lines[1], err)
	}
	s.own = text
	run(append(append([]string{gcc}, common...), "-nostartfiles", "-specs=nosys.specs", "-Wl,--gc-sections", "-Wl,-Map,"+memory,
		"-T", "testdata/firmware.ld", "-o", s.program, "testdata/firmware.c", object)...)
	s.gcc, s.libc = librarySizes(t, memory)
	return s
}

var mapLine = regexp.MustCompile(`(?m)^ \.(?:text|rodata)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s+\S*lib(gcc|c)\.a\(`)

// librarySizes reads a linker's map.
func librarySizes(t *testing.T, name string) (gcc, libc int) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, linked, _ := bytes.Cut(text, []byte("Linker script and memory map"))
	for _, m := range mapLine.FindAllSubmatch(linked, -1) {
		n, err := strconv.ParseInt(string(m[1]), 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		if string(m[2]) == "gcc" {
			gcc += int(n)
		} else {
			libc += int(n)
		}
	}
	return gcc, libc
}

// uses are what each function takes.
type uses map[string]struct{ instructions, most, stack int }

func (u uses) String() string {
	var parts []string
	for _, name := range []string{"encode", "decode"} {
		parts = append(parts, fmt.Sprintf("%s %d instructions a window, %d at most, %d bytes of stack with libgcc", name, u[name].instructions, u[name].most, u[name].stack))
	}
	return strings.Join(parts, ", ")
}

// emulate runs a program on a board, one instruction a tick of QEMU's clock.
func emulate(t *testing.T, program, machine string) uses {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, testenv.Program(t, "qemu-system-arm"), "-M", machine, "-icount", "shift=6", "-nographic",
		"-semihosting-config", "enable=on,target=native", "-kernel", program)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", machine, err, out)
	}
	u := uses{}
	for line := range strings.Lines(string(out)) {
		var name string
		var v struct{ instructions, most, stack int }
		if n, _ := fmt.Sscanf(line, "%s instructions %d most %d stack %d", &name, &v.instructions, &v.most, &v.stack); n == 4 {
			u[name] = v
		}
	}
	if len(u) != 3 {
		t.Fatalf("%s: %s", machine, out)
	}
	return u
}

// fuzzSeconds is the time for each codec.
var fuzzSeconds = flag.Int("fuzz-seconds", 0, "seconds to fuzz C for each codec; 0: a fixed number of inputs")

// Any payload and any window, under sanitizers.
func TestSanitizers(t *testing.T) {
	testenv.Long(t)
	testenv.CIOnly(t)
	for _, c := range builtCodecs {
		t.Run(c.name, func(t *testing.T) {
			built := c.build(t)
			s := Settings{Name: "truck", Vectors: 300}
			files, err := C(built, &s)
			if err != nil {
				t.Fatal(err)
			}
			dir := folder(t, files)
			sanitize := []string{"-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"}
			for _, compiler := range []string{"gcc", "clang"} {
				program := compile(t, dir, compiler, sanitize, filepath.Join(dir, "truck.c"), filepath.Join(dir, "truck_test.c"))
				if out, err := exec.Command(program).CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", compiler, err, out)
				}
			}
			sanitize[2] += ",fuzzer"
			program := compile(t, dir, "clang", sanitize, filepath.Join(dir, "truck.c"), "testdata/fuzz.c")
			limit := "-runs=2000"
			if *fuzzSeconds > 0 {
				limit = fmt.Sprintf("-max_total_time=%d", *fuzzSeconds)
			}
			cmd := exec.Command(program, limit, "-seed=1", "-max_len=1000")
			cmd.Dir = t.TempDir()
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
