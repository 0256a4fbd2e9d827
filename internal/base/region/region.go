// Package region names the administrative divisions of mainland China by their
// GB/T 2260 code: two digits a province, four a prefecture, six a county.
package region

import (
	_ "embed"
	"sort"
	"strings"
	"sync"
)

// From modood/Administrative-divisions-of-China (WTFPL, see
// data/LICENSE-china-divisions): "code name" per line.
//
//go:embed data/divisions_cn.txt
var divisionText string

// Division is one province, prefecture or county.
type Division struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

var divisions = sync.OnceValue(func() map[string]string {
	lines := strings.Split(strings.TrimSpace(divisionText), "\n")
	m := make(map[string]string, len(lines))
	for _, line := range lines {
		code, name, _ := strings.Cut(line, " ")
		m[code] = name
	}
	return m
})

// short cuts a six-digit code that ends in zeros to its level.
func short(code string) string {
	for len(code) > 2 && strings.HasSuffix(code, "00") {
		code = code[:len(code)-2]
	}
	return code
}

// Name returns the name of one division at its own level.
func Name(code string) (string, bool) {
	name, ok := divisions()[short(code)]
	return name, ok
}

// Path returns province, prefecture and county from wide to narrow. Placeholder
// prefectures (市辖区 of the municipalities, 县, 省直辖县级行政区划) are left out.
func Path(code string) []Division {
	code = short(code)
	var path []Division
	for _, n := range []int{2, 4, 6} {
		if len(code) < n {
			break
		}
		name, ok := divisions()[code[:n]]
		if !ok || (n == 4 && placeholder(name)) {
			continue
		}
		path = append(path, Division{Code: code[:n], Name: name})
	}
	return path
}

func placeholder(name string) bool {
	return name == "市辖区" || name == "县" || strings.HasSuffix(name, "行政区划")
}

// FullName joins Path without separators: 广东省深圳市南山区. Unknown codes give "".
func FullName(code string) string {
	var b strings.Builder
	for _, d := range Path(code) {
		b.WriteString(d.Name)
	}
	return b.String()
}

// Known reports whether the code, or its province at least, exists.
func Known(code string) bool {
	if len(code) < 2 {
		return false
	}
	_, ok := divisions()[code[:2]]
	return ok
}

// Children lists the divisions directly below a code; "" lists the provinces.
func Children(code string) []Division {
	if code != "" {
		code = short(code)
	}
	want := len(code) + 2
	var out []Division
	for c, name := range divisions() {
		if len(c) == want && strings.HasPrefix(c, code) {
			out = append(out, Division{Code: c, Name: name})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Code < out[j].Code })
	return out
}
