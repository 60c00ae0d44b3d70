package dataset

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/loralink/loralink-go/internal/testenv"
)

// refused fails the test unless the text is refused as too long, in few words.
func refused(t *testing.T, file, text string) {
	t.Helper()
	n := 0
	var last error
	if strings.HasSuffix(file, ".csv") || strings.Contains(text, `"lat"`) {
		for _, err := range ReadSamples(strings.NewReader(text), file, SampleSettings{}) {
			n, last = n+1, err
		}
	} else {
		newWindowDecoder(strings.NewReader(text), file, WindowSettings{}).all(func(_ Window, err error) bool {
			n, last = n+1, err
			return true
		})
	}
	if n != 1 || !errors.Is(last, ErrTooLong) || len(last.Error()) > 300 {
		t.Errorf("%d records, then %.300v, want ErrTooLong", n, last)
	}
}

func TestWideCSVHeader(t *testing.T) {
	testenv.OwnProcess(t, 150, 5*time.Second, func() {
		refused(t, "a.csv", strings.Repeat(",", maxLine-1)+"\n")
	})
}

func TestManyJSONKeys(t *testing.T) {
	testenv.OwnProcess(t, 150, 5*time.Second, func() {
		for _, prefix := range []string{`{`, `{"other":{`, `{"units":{`, `{"lat":1,"gps":{`} {
			var line bytes.Buffer
			line.WriteString(prefix)
			for i := 0; line.Len() < maxLine-100; i++ {
				line.WriteString(`"`)
				for n := i; n > 0; n /= 64 {
					line.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[n%64])
				}
				line.WriteString(`":0,`)
			}
			line.WriteString("\n")
			refused(t, "a.jsonl", line.String())
		}
	})
}

func TestManyJSONValues(t *testing.T) {
	testenv.OwnProcess(t, 200, 5*time.Second, func() {
		refused(t, "a.jsonl", `{"window":[`+strings.Repeat("0,", maxLine/2-100)+"0]}\n")
		refused(t, "a.jsonl", `{"order":[`+strings.Repeat(`"",`, maxLine/3-100)+"\"\"]}\n")
	})
}

// A key of the file appears in the error in part.
func TestLongKey(t *testing.T) {
	long := strings.Repeat("k", maxLine/2)
	for _, line := range []string{`{"` + long + `":`, `{"` + long + `":1,"` + long[:100] + `":}`, `{"units":{"` + long[:9999] + `":1,"` + long[:9999] + `":2}}`} {
		newWindowDecoder(strings.NewReader(line+"\n"), "a.jsonl", WindowSettings{}).all(func(_ Window, err error) bool {
			if err == nil || len(err.Error()) > 300 {
				t.Errorf("%.400v", err)
			}
			return true
		})
	}
}
