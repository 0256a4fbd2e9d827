// Package industry knows the sections and divisions of GB/T 4754-2017 and
// classifies firms by size under the statistical rule of 2017.
package industry

import (
	_ "embed"
	"errors"
	"strings"
	"sync"
)

//go:embed data/gbt4754_2017.csv
var industryText string

// ErrUnknown says that a code is in no section or division of GB/T 4754-2017.
var ErrUnknown = errors.New("industry: code is not in GB/T 4754-2017")

// Industry is a section (one letter) or a division (letter and two digits).
type Industry struct {
	Code string `json:"code"`
	Zh   string `json:"zh"`
	En   string `json:"en"`
}

type table struct {
	list []Industry
	by   map[string]Industry
	// section of a two-digit division number
	section map[string]string
}

var industries = sync.OnceValue(func() table {
	t := table{by: map[string]Industry{}, section: map[string]string{}}
	for _, line := range strings.Split(strings.TrimSpace(industryText), "\n")[1:] {
		parts := strings.Split(line, "|")
		in := Industry{Code: parts[0], Zh: parts[1], En: parts[2]}
		t.list = append(t.list, in)
		t.by[in.Code] = in
		if len(in.Code) == 3 {
			t.section[in.Code[1:]] = in.Code[:1]
		}
	}
	return t
})

// All lists sections and divisions in code order.
func All() []Industry { return append([]Industry(nil), industries().list...) }

// Normalise turns "C26", "26", "2651" or "C2651" into section letter and digits.
func Normalise(code string) (section, digits string, err error) {
	code = strings.ToUpper(strings.TrimSpace(code))
	t := industries()
	if len(code) == 1 {
		if _, ok := t.by[code]; !ok {
			return "", "", ErrUnknown
		}
		return code, "", nil
	}
	letter := ""
	if code != "" && code[0] >= 'A' && code[0] <= 'Z' {
		letter, code = code[:1], code[1:]
	}
	if len(code) < 2 || len(code) > 4 {
		return "", "", ErrUnknown
	}
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return "", "", ErrUnknown
		}
	}
	section, ok := t.section[code[:2]]
	if !ok || (letter != "" && letter != section) {
		return "", "", ErrUnknown
	}
	return section, code, nil
}

// Lookup returns the narrowest section or division the code belongs to.
func Lookup(code string) (Industry, error) {
	section, digits, err := Normalise(code)
	if err != nil {
		return Industry{}, err
	}
	if len(digits) >= 2 {
		return industries().by[section+digits[:2]], nil
	}
	return industries().by[section], nil
}

// Section returns the section the code belongs to.
func Section(code string) (Industry, error) {
	section, _, err := Normalise(code)
	if err != nil {
		return Industry{}, err
	}
	return industries().by[section], nil
}
