package api

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
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
	err := json.Unmarshal(data, v)
	if err != nil {
		if at, why := culprit(data, reflect.TypeOf(v)); why != nil {
			return misplaced(at, why)
		}
	}
	return err
}

// misplaced says where in the body a value stands that its field cannot hold; the form is read back by fieldFault.
func misplaced(at string, why error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(why, &wrong) && strings.HasPrefix(wrong.Value, "number") {
		return fmt.Errorf("at %s: the number does not fit", at)
	}
	return fmt.Errorf("at %s: %w", at, why)
}

// culprit finds the innermost value that its type cannot hold. encoding/json names no field for a type that reads itself,
// such as a date; and the validator has passed the shape, so that only such values are left.
func culprit(data []byte, t reflect.Type) (at string, why error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	v := reflect.New(t).Interface()
	if why = json.Unmarshal(data, v); why == nil {
		return "", nil
	}
	_, custom := v.(json.Unmarshaler)
	_, text := v.(encoding.TextUnmarshaler)
	switch {
	case custom || text:
	case t.Kind() == reflect.Struct:
		var parts map[string]json.RawMessage
		if json.Unmarshal(data, &parts) != nil {
			return "", why
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Anonymous {
				if inner, err := culprit(data, f.Type); err != nil {
					return inner, err
				}
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if part, ok := parts[name]; ok {
				if inner, err := culprit(part, f.Type); err != nil {
					return name + dotted(inner), err
				}
			}
		}
	case t.Kind() == reflect.Slice:
		var parts []json.RawMessage
		if json.Unmarshal(data, &parts) != nil {
			return "", why
		}
		for i, part := range parts {
			if inner, err := culprit(part, t.Elem()); err != nil {
				return fmt.Sprintf("[%d]", i) + dotted(inner), err
			}
		}
	}
	return "", why
}

// dotted joins a path to what stands before it.
func dotted(path string) string {
	if path == "" || path[0] == '[' {
		return path
	}
	return "." + path
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
