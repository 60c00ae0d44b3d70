package flagvalue

import (
	"fmt"
	"slices"
	"strings"
)

// Choice is a flag of one of Names, which it stores in Dst. The default is the value
// that Dst already has.
type Choice[T ~string] struct {
	Dst   *T
	Names []T
}

// String returns the name in Dst; "" if Dst is nil.
func (v *Choice[T]) String() string {
	if v.Dst == nil {
		return ""
	}
	return string(*v.Dst)
}

// Set stores a name. After an error Dst has its old value.
func (v *Choice[T]) Set(s string) error {
	if !slices.Contains(v.Names, T(s)) {
		return fmt.Errorf("want %s", alternatives(v.Names))
	}
	*v.Dst = T(s)
	return nil
}

// Choices is a flag of a comma-separated list of at least one of Names, which it
// stores in Dst. The default is the list that Dst already has.
type Choices[T ~string] struct {
	Dst   *[]T
	Names []T
}

// String returns the list in Dst; "" if Dst is nil.
func (v *Choices[T]) String() string {
	if v.Dst == nil {
		return ""
	}
	return join(*v.Dst, ",")
}

// Set replaces the list. After an error Dst has its old value.
func (v *Choices[T]) Set(s string) error {
	var list []T
	for part := range strings.SplitSeq(s, ",") {
		name := T(strings.TrimSpace(part))
		if name == "" {
			continue
		}
		if !slices.Contains(v.Names, name) {
			return fmt.Errorf("found %q, want a list of %s", string(name), alternatives(v.Names))
		}
		list = append(list, name)
	}
	if len(list) == 0 {
		return fmt.Errorf("found no name, want a list of %s", alternatives(v.Names))
	}
	*v.Dst = list
	return nil
}

// alternatives returns text such as "a, b or c".
func alternatives[T ~string](names []T) string {
	last := len(names) - 1
	if last < 1 {
		return join(names, "")
	}
	return join(names[:last], ", ") + " or " + string(names[last])
}

func join[T ~string](names []T, separator string) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, separator)
}
