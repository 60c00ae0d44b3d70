package export

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loralink/loralink-go/codec"
	"github.com/loralink/loralink-go/internal/testenv"
	"github.com/loralink/loralink-go/internal/testwindows"
)

// strict are the warnings that the generated code must not give.
var strict = []string{"-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"}

// builds are the compilers, options and emulators that C is compared on.
var builds = []struct {
	name, compiler string
	options        []string
	emulator       string
	fma            bool // only on processors with such instructions
	brief          bool // slow: fewer drawn windows
	slow           bool // very slow: fewer windows of recordings too, but for -vectors 100000
}{
	{name: "gcc -O0", compiler: "gcc", options: []string{"-O0"}, brief: true},
	{name: "gcc -O2", compiler: "gcc", options: []string{"-O2"}},
	{name: "gcc -O3 fma", compiler: "gcc", options: []string{"-O3", "-ffp-contract=fast", "-mfma"}, fma: true},
	{name: "clang -O0", compiler: "clang", options: []string{"-O0"}, brief: true},
	{name: "clang -O2", compiler: "clang", options: []string{"-O2"}, brief: true},
	{name: "clang -O3 fma", compiler: "clang", options: []string{"-O3", "-ffp-contract=fast", "-mfma"}, fma: true},
	{name: "arm", compiler: "arm-linux-gnueabi-gcc", options: []string{"-Os", "-static"}, emulator: "qemu-arm", brief: true, slow: true},
	{name: "aarch64 fma", compiler: "aarch64-linux-gnu-gcc", options: []string{"-O3", "-ffp-contract=fast", "-static"}, emulator: "qemu-aarch64", brief: true},
	{name: "s390x fma", compiler: "s390x-linux-gnu-gcc", options: []string{"-O3", "-ffp-contract=fast", "-static"}, emulator: "qemu-s390x", brief: true, slow: true},
}

// hasFMA reports whether this processor has the instructions of -mfma.
func hasFMA() bool {
	text, _ := os.ReadFile("/proc/cpuinfo")
	return bytes.Contains(text, []byte(" fma "))
}

// compile returns the path of a program made of sources with the given name.
func compile(t *testing.T, dir, compiler string, options []string, sources ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "program")
	args := append(slices.Concat(strict, options), "-I", dir, "-o", out)
	cmd := exec.Command(testenv.Program(t, compiler), append(args, sources...)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", compiler, strings.Join(args, " "), err, text)
	}
	return out
}

// folder writes files to a new folder.
func folder(t *testing.T, files []File) string {
	t.Helper()
	dir := t.TempDir()
	if err := Write(dir, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

// cases are vectors as the drivers read and answer them.
type cases struct {
	vectors []vector
	input   []byte
	output  []byte
	inputs  []int // where each vector begins in input
	begins  []int // where its answer begins in output
	brief   int   // the first vector behind those for slow builds
}

func (c *cases) add(p *program, v vector) {
	c.inputs = append(c.inputs, len(c.input))
	c.begins = append(c.begins, len(c.output))
	c.vectors = append(c.vectors, v)
	if v.window != nil {
		c.input = append(c.input, 1)
		for _, x := range v.window {
			c.input = binary.LittleEndian.AppendUint64(c.input, math.Float64bits(x))
		}
		c.output = binary.LittleEndian.AppendUint32(c.output, uint32(int32(v.encoded)))
		c.output = append(c.output, byte(cBool(v.encoded > 0)))
		c.output = append(c.output, v.payload...)
		if v.payload == nil {
			return
		}
		v.window = nil
		c.add(p, v)
		return
	}
	c.input = binary.LittleEndian.AppendUint16(append(c.input, 2), uint16(len(v.payload)))
	c.input = append(c.input, v.payload...)
	c.output = binary.LittleEndian.AppendUint32(c.output, uint32(int32(v.decoded)))
	for _, x := range v.values {
		c.output = binary.LittleEndian.AppendUint64(c.output, math.Float64bits(x))
	}
}

// payloads returns the cases without windows, for decoders.
func (c *cases) payloads(p *program) *cases {
	out := &cases{}
	for _, v := range c.vectors {
		if v.window == nil {
			out.add(p, v)
		}
	}
	return out
}

// firstInput returns the input of the first n cases.
func (c *cases) firstInput(n int) []byte {
	if n < len(c.inputs) {
		return c.input[:c.inputs[n]]
	}
	return c.input
}

// compare reports the first difference of a program's answers to the first n cases.
func (c *cases) compare(t *testing.T, got []byte, n int) {
	t.Helper()
	want := c.output
	if n < len(c.begins) {
		want = want[:c.begins[n]]
	}
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	i, _ := slices.BinarySearch(c.begins, at+1)
	i = max(0, i-1)
	v := c.vectors[i]
	t.Fatalf("case %d of %d: answer %x..., want %x\nwindow %v, code %d, payload %x, code %d, values %v",
		i, n, got[c.begins[i]:min(len(got), c.begins[i]+200)], want[c.begins[i]:min(len(want), c.begins[i]+200)], v.window, v.encoded, v.payload, v.decoded, v.values)
}

// vectorsFlag is the number of windows that are drawn for each codec.
var vectorsFlag = flag.Int("vectors", 3000, "windows to draw for each codec, up to 100000")

// fullRun reports whether slow builds compare as much as fast ones.
func fullRun() bool { return *vectorsFlag >= 100_000 }

// numbers returns the number of drawn windows, and that for slow builds.
func numbers() (all, brief int) {
	if testenv.Race || testing.Short() {
		return 500, 500
	}
	if fullRun() {
		return *vectorsFlag, *vectorsFlag
	}
	return *vectorsFlag, min(*vectorsFlag, 2000)
}

// newCases returns vectors of windows and of payloads that a codec makes or not: those of
// more, then drawn ones.
func newCases(t *testing.T, p *program, more [][]float64) *cases {
	t.Helper()
	all, brief := numbers()
	vectors, err := p.vectors(all)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(11, 13))
	rng.Shuffle(len(vectors), func(i, j int) { vectors[i], vectors[j] = vectors[j], vectors[i] })
	c := &cases{}
	for _, w := range more {
		c.add(p, p.encode(w))
	}
	for i, v := range vectors {
		if i == brief {
			c.brief = len(c.vectors)
		}
		c.add(p, v)
		if i >= brief {
			continue
		}
		// Random bits, of a window and of a payload.
		w := make([]float64, p.codec.WindowLen())
		for j := range w {
			w[j] = math.Float64frombits(rng.Uint64())
		}
		c.add(p, p.encode(w))
		payload := make([]byte, rng.IntN(p.MaxPayload+2))
		for j := range payload {
			payload[j] = byte(rng.Uint32() >> (rng.Uint32() % 9))
		}
		c.add(p, p.decode(payload))
	}
	if c.brief == 0 {
		c.brief = len(c.vectors)
	}
	// The test must see every kind of answer, or it shows nothing.
	good, refused, corrupt := 0, 0, 0
	for _, v := range c.vectors {
		switch {
		case v.window != nil && v.payload == nil:
			refused++
		case v.window == nil && v.decoded != 0:
			corrupt++
		case v.window != nil:
			good++
		}
	}
	if good < brief/8 || refused < brief/20 || corrupt < brief/40 {
		t.Fatalf("%d windows with a payload, %d without, %d corrupt payloads: too few to compare", good, refused, corrupt)
	}
	return c
}

// equalEverywhere compares a codec's code in every language with Go.
func equalEverywhere(t *testing.T, c codec.Codec, more [][]float64) {
	s, err := (&Settings{Name: "truck", Vectors: 20}).filled()
	if err != nil {
		t.Fatal(err)
	}
	p, err := newProgram(c, s)
	if err != nil {
		t.Fatal(err)
	}
	files, err := C(c, &s)
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, files)
	cases := newCases(t, p, more)
	// A script that is too large for a server must be right too.
	script, err := p.script()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: a script of %d bytes", c.ID(), len(script))
	t.Run("node", func(t *testing.T) { equalInNode(t, p, script, cases) })
	for _, b := range builds {
		t.Run(b.name, func(t *testing.T) {
			if b.fma && !hasFMA() {
				t.Skip("this processor has no fused multiply-add")
			}
			program := []string{compile(t, dir, b.compiler, b.options, filepath.Join(dir, "truck.c"), "testdata/driver.c")}
			if b.emulator != "" {
				program = append([]string{testenv.Program(t, b.emulator)}, program...)
			}
			n := len(cases.vectors)
			if b.brief {
				n = cases.brief
			}
			if b.slow && !fullRun() {
				n = min(n, 4000)
			}
			cmd := exec.Command(program[0], program[1:]...)
			cmd.Stdin = bytes.NewReader(cases.firstInput(n))
			got, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v", strings.Join(program, " "), err)
			}
			cases.compare(t, got, n)
		})
	}
}

// equalInNode compares a codec's script with Go.
func equalInNode(t *testing.T, p *program, script []byte, c *cases) {
	node := testenv.Program(t, "node")
	dir := folder(t, []File{{"truck.js", script}})
	c = c.payloads(p)
	cmd := exec.Command(node, "testdata/driver.js", filepath.Join(dir, "truck.js"))
	cmd.Stdin = bytes.NewReader(c.input)
	cmd.Stderr = os.Stderr
	got, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	c.compare(t, got, len(c.vectors))
}

// C, JavaScript and Go give equal payloads, equal values and refuse the same.
func TestEqual(t *testing.T) {
	for _, c := range builtCodecs {
		t.Run(c.name, func(t *testing.T) { equalEverywhere(t, c.build(t), nil) })
	}
}

// So they do with codecs fitted to field recordings, on every window of each.
func TestEqualOnRecordings(t *testing.T) {
	for _, recording := range []string{"walk", "car", "phone"} {
		for _, c := range recordedCodecs {
			if c.only != "" && c.only != recording {
				continue
			}
			t.Run(fmt.Sprintf("%s %s", recording, c.name), func(t *testing.T) {
				testenv.Long(t)
				if c.w > 1 {
					testenv.CIOnly(t)
				}
				var windows [][]float64
				for w, err := range testwindows.Recording(t, recording, "", c.w) {
					if err != nil {
						t.Fatal(err)
					}
					windows = append(windows, slices.Clone(w))
				}
				equalEverywhere(t, c.build(t, recording), windows)
			})
		}
	}
}
