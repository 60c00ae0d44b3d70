package modelfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/loralink/loralink-go/internal/testenv"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ten := write("ten", "0123456789")
	mem := FS(fstest.MapFS{"a/ten": {Data: []byte("0123456789")}, "a/fifo": {Mode: fs.ModeNamedPipe}})
	for _, c := range []struct {
		name  string
		tree  Tree
		path  string
		limit int64
		want  error // nil: ten bytes
	}{
		{"whole", Disk(), ten, 10, nil},
		{"too large", Disk(), ten, 9, ErrTooLarge},
		{"missing", Disk(), filepath.Join(dir, "none"), 10, ErrNotFound},
		{"missing is fs.ErrNotExist", Disk(), filepath.Join(dir, "none"), 10, fs.ErrNotExist},
		{"under a file", Disk(), filepath.Join(ten, "x"), 10, ErrNotFound},
		{"folder", Disk(), dir, 10, ErrMalformed},
		{"device", Disk(), os.DevNull, 10, ErrMalformed},
		{"file system", mem, "a/ten", 10, nil},
		{"file system, missing", mem, "a/none", 10, fs.ErrNotExist},
		{"file system, pipe", mem, "a/fifo", 10, ErrMalformed},
	} {
		data, err := c.tree.Read(c.path, c.limit)
		if c.want == nil && (err != nil || len(data) != 10) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %d bytes, %v, want %v", c.name, len(data), err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: %v repeats the path", c.name, err)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, c := range []struct {
		name, dir, rel, want string
		tree                 Tree
		err                  error
	}{
		{"disk", "models", "a/b", filepath.Join("models", "a", "b"), Disk(), nil},
		{"disk, up", "models/a", "../b", filepath.Join("models", "b"), Disk(), nil},
		{"file system", "models", "a/b", "models/a/b", FS(fstest.MapFS{}), nil},
		{"file system, up and out", "models", "../../b", "", FS(fstest.MapFS{}), ErrUnsupported},
		{"file system, absolute", "models", "/b", "", FS(fstest.MapFS{}), ErrUnsupported},
	} {
		if got, err := c.tree.Join(c.dir, c.rel); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v, want %q, %v", c.name, got, err, c.want, c.err)
		}
	}
}

type record struct {
	A    int       `json:"a"`
	B    *string   `json:"b"`
	List []inner   `json:"list"`
	Rows [][]int   `json:"rows"`
	F    []float64 `json:"f"`
}

type inner struct {
	X float64 `json:"x"`
}

func faultText(f Faults) string {
	err := f.Join(func(field string, err error) error { return fmt.Errorf("[%s] %w", field, err) })
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name, text    string
		loose, strict string // parts of the message; "": accepted
	}{
		{"good", `{"a":1,"b":"x","list":[{"x":1.5}],"rows":[[1],[2]]}`, "", ""},
		{"unknown key", `{"a":1,"c":2}`, "", "[c] malformed: unknown key"},
		{"unknown key below", `{"list":[{"x":1},{"y":1}]}`, "", "[list[1].y] malformed: unknown key"},
		{"other letters", `{"A":1}`, "", "[A] malformed: unknown key"},
		{"other letters below", `{"list":[{"X":1}]}`, "", "[list[0].X] malformed: unknown key"},
		{"twice", `{"a":1,"a":2}`, "", "[a] malformed: given twice"},
		{"wrong type", `{"a":"1","rows":[["x"]]}`, "[a] malformed: found a string, want a whole number\n[rows] malformed: found a string, want a whole number", "[a] malformed"},
		{"fraction", `{"a":1.5}`, "[a] malformed: found a number 1.5, want a whole number", "[a]"},
		{"null", `null`, "[] malformed: found null, want a JSON object", "[] malformed"},
		{"list", `[1]`, "[] malformed: found a list, want a JSON object", "[] malformed"},
		{"cut", `{"a":1`, "[] malformed: unexpected", "[] malformed: unexpected"},
		{"empty", ``, "[] malformed: unexpected end", "[] malformed: unexpected end"},
		{"more behind", `{"a":1}{}`, "[] malformed: found more", "found more"},
		{"no JSON", `{"a":NaN}`, "[] malformed: invalid character", "invalid character"},
		{"deep", `{"list":` + strings.Repeat("[", 30) + strings.Repeat("]", 30) + `}`, "[list]", "nested deeper than 16"},
	} {
		var r record
		if got := faultText(Decode([]byte(c.text), &r)); c.loose == "" && got != "" || !strings.Contains(got, c.loose) {
			t.Errorf("%s: %q, want %q", c.name, got, c.loose)
		}
		r = record{}
		if got := faultText(DecodeStrict([]byte(c.text), &r)); c.strict == "" && got != "" || !strings.Contains(got, c.strict) {
			t.Errorf("%s, strict: %q, want %q", c.name, got, c.strict)
		}
	}
}

// A file of faults costs little and says little.
func TestManyFaults(t *testing.T) {
	keys := make([]string, 0, 200_000)
	for i := range cap(keys) {
		keys = append(keys, fmt.Sprintf(`"k%d":0`, i))
	}
	text := []byte("{" + strings.Join(keys, ",") + "}")
	testenv.FewBytes(t, func() {
		var r record
		if f := Decode(text, &r); !f.Whole() || !errors.Is(f[0].Err, ErrTooLarge) {
			t.Errorf("%d faults", len(f))
		}
		if got := faultText(DecodeStrict(text, &r)); len(got) > 2000 {
			t.Errorf("%d bytes of message", len(got))
		}
	})
	var f Faults
	for i := range 25 {
		f.Add(fmt.Sprint(i), ErrMalformed, "bad")
	}
	if got := faultText(f); strings.Count(got, "\n") != 10 || !strings.Contains(got, "and 15 more faults") {
		t.Errorf("got\n%s", got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range []string{`{"a":1,"b":"x","list":[{"x":1.5}],"rows":[[1],[2]]}`, `{"a":`, `[]`, `{"list":[[{"x":{}}]]}`, `{"a":1,"A":2,"a":3}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var a, b record
		loose, strict := Decode(data, &a), DecodeStrict(data, &b)
		if len(strict) == 0 && len(loose) > 0 {
			t.Errorf("strict takes what Decode refuses: %v", loose)
		}
	})
}
