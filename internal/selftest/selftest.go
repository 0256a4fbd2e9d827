// Package selftest runs files of published test vectors against the arithmetic
// this program uses and prints, per vector, what was expected and what came out:
// an auditor's tool, and ours. A vector whose kind is not understood is a miss,
// never a silent pass.
package selftest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Outcome of one vector.
type Outcome struct {
	ID, Kind       string
	Expected, Got  string
	Pass           bool
	NotImplemented bool
}

// Report is the outcomes of a file.
type Report struct {
	File     string
	Outcomes []Outcome
}

// Passed counts the vectors that came out as expected.
func (r Report) Passed() (n int) {
	for _, o := range r.Outcomes {
		if o.Pass {
			n++
		}
	}
	return n
}

// errNotImplemented marks vectors of a kind that no code here answers yet.
var errNotImplemented = errors.New("no arithmetic for this kind of vector yet")

// fileMax bounds a file of vectors.
const fileMax = 64 << 20

// File runs one file. It recognises the four published formats by their keys.
func File(name string) (Report, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Report{}, err
	}
	if info.Size() > fileMax {
		return Report{}, fmt.Errorf("%s: larger than %d bytes", name, fileMax)
	}
	text, err := os.ReadFile(name) //nolint:gosec // the operator names the file
	if err != nil {
		return Report{}, err
	}
	var keys map[string]json.RawMessage
	// The published card files write NaN where a bin has no bound.
	if err := json.Unmarshal(bytes.ReplaceAll(text, []byte(": NaN"), []byte(": null")), &keys); err != nil {
		return Report{}, fmt.Errorf("%s: %w", name, err)
	}
	r := Report{File: filepath.Base(name)}
	switch {
	case keys["vectors"] != nil:
		r.Outcomes, err = lending(keys["vectors"])
	case keys["boundary_tests"] != nil:
		r.Outcomes, err = sizes(keys)
	case keys["pdo_scaling"] != nil:
		r.Outcomes, err = scorecards(keys)
	case keys["valid"] != nil && keys["invalid"] != nil:
		r.Outcomes, err = codes(keys)
	default:
		return r, fmt.Errorf("%s: not a file of lending, scorecard, size-class or identity-code vectors (its keys: %s)", name, strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// Print writes a line per vector and a closing line.
func (r Report) Print(w io.Writer) error {
	for _, o := range r.Outcomes {
		verdict := "pass"
		if !o.Pass {
			verdict = "MISS"
		}
		if _, err := fmt.Fprintf(w, "%s  %-46s %-22s expected %s  got %s\n", verdict, o.ID, o.Kind, o.Expected, o.Got); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s: %d passed, %d failed\n", r.File, r.Passed(), len(r.Outcomes)-r.Passed())
	return err
}

// exactly compares texts, showing the first place where long ones part.
func exactly(id, kind, want, got string) Outcome {
	o := Outcome{ID: id, Kind: kind, Pass: want == got, Expected: want, Got: got}
	if len(want)+len(got) > 160 {
		at := 0
		for at < min(len(want), len(got)) && want[at] == got[at] {
			at++
		}
		start := strings.LastIndex(want[:at], ";") + 1
		if o.Pass {
			start = strings.LastIndex(strings.TrimSuffix(want, ";"), ";") + 1
		}
		o.Expected, o.Got = around(want, start), around(got, min(start, len(got)))
	}
	return o
}

func around(s string, start int) string {
	s = s[start:]
	if len(s) > 90 {
		s = s[:90] + "…"
	}
	return strings.TrimSpace(s)
}

// near compares numbers under a tolerance, absolute or relative.
func near(id, kind string, want, got, tolerance float64, relative bool) Outcome {
	bound := tolerance
	if relative {
		bound *= math.Abs(want)
	}
	return Outcome{ID: id, Kind: kind, Pass: math.Abs(want-got) <= bound, Expected: number(want), Got: number(got)}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 17, 64) }

func failed(id, kind string, err error) Outcome {
	return Outcome{ID: id, Kind: kind, Expected: "a result", Got: err.Error(), NotImplemented: errors.Is(err, errNotImplemented)}
}
