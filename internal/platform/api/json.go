package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// strictFormats reads JSON as written: duplicate keys, invalid UTF-8, trailing data and deep nesting are
// refused here; unknown and case-variant names are refused by the schema.
func strictFormats() map[string]huma.Format {
	f := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: strictUnmarshal}
	return map[string]huma.Format{"application/json": f, "json": f}
}

const jsonDepthMax = 64

func strictUnmarshal(data []byte, v any) error {
	// huma decodes twice, first into an any for validation: checking there is enough.
	if _, first := v.(*any); first {
		if err := CheckJSON(data); err != nil {
			return err
		}
	}
	return json.Unmarshal(data, v)
}

// CheckJSON refuses what encoding/json lets pass: two equal keys in one object, invalid UTF-8, the NUL
// character (PostgreSQL cannot keep it), anything after the value, nesting deeper than 64.
func CheckJSON(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("the text is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	type level struct {
		keys map[string]bool // nil in an array
		key  bool            // the next string is a key
	}
	var stack []level
	for {
		tok, err := dec.Token()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		top := len(stack) - 1
		switch t := tok.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				if len(stack) == jsonDepthMax {
					return fmt.Errorf("nesting is deeper than %d", jsonDepthMax)
				}
				if top >= 0 && stack[top].keys != nil {
					stack[top].key = true
				}
				l := level{}
				if t == '{' {
					l = level{keys: map[string]bool{}, key: true}
				}
				stack = append(stack, l)
				continue
			}
			stack = stack[:top]
		case string:
			if strings.ContainsRune(t, 0) {
				return errors.New("a text holds the NUL character, which no text has")
			}
			if top >= 0 && stack[top].keys != nil && stack[top].key {
				if stack[top].keys[t] {
					return fmt.Errorf("the key %q is given twice", t)
				}
				stack[top].keys[t], stack[top].key = true, false
				continue
			}
			if top >= 0 && stack[top].keys != nil {
				stack[top].key = true
			}
		default:
			if top >= 0 && stack[top].keys != nil {
				stack[top].key = true
			}
		}
		if len(stack) == 0 {
			break
		}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}
