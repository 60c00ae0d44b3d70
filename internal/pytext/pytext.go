// Package pytext formats numbers and strings as Python does, for texts whose hashes must
// be equal to those of a Python program.
package pytext

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Float returns Python's repr of a float: the shortest digits that read back as f, always
// with a point or an exponent. Magnitudes below 1e-4, and of 1e16 and above, have an
// exponent. The others are "nan", "inf" and "-inf".
func Float(f float64) string {
	if math.IsNaN(f) {
		return "nan"
	}
	if math.IsInf(f, 0) {
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'f', -1, 64)), "+")
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// AppendJSONString appends s as a JSON string of ASCII characters, like Python's
// json.dumps: other characters become \u and four lower-case hex digits, those above
// U+FFFF a surrogate pair of these. Unlike encoding/json, it does not escape <, > and &.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r >= 0x20 && r < 0x7f:
			dst = append(dst, byte(r))
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, hi, lo)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		}
	}
	return append(dst, '"')
}
