package flagvalue

import (
	"fmt"
	"testing"
)

type color string

func TestChoice(t *testing.T) {
	if v := new(Choice[color]); v.String() != "" {
		t.Errorf("the zero value is %q", v.String())
	}
	c := color("red")
	v := &Choice[color]{&c, []color{"red", "green", "blue"}}
	if err := v.Set("green"); err != nil || c != "green" || v.String() != "green" {
		t.Errorf("%q, %v", c, err)
	}
	for _, bad := range []string{"", "pink", "red,blue"} {
		if err := v.Set(bad); err == nil || err.Error() != "want red, green or blue" || c != "green" {
			t.Errorf("%q: %q, %v", bad, c, err)
		}
	}
}

func TestChoices(t *testing.T) {
	if v := new(Choices[color]); v.String() != "" {
		t.Errorf("the zero value is %q", v.String())
	}
	list := []color{"red"}
	v := &Choices[color]{&list, []color{"red", "blue"}}
	if err := v.Set(" blue,red,"); err != nil || fmt.Sprint(list) != "[blue red]" || v.String() != "blue,red" {
		t.Errorf("%v, %v", list, err)
	}
	for text, want := range map[string]string{"": "found no name, want a list of red or blue", "red,pink": `found "pink", want a list of red or blue`} {
		if err := v.Set(text); err == nil || err.Error() != want || fmt.Sprint(list) != "[blue red]" {
			t.Errorf("%q: %v, %v", text, list, err)
		}
	}
}
