// Command tsgen writes the TypeScript types of an OpenAPI 3.1 document: one type per schema and one
// map of operations ("GET /api/v1/firms" to its parameters, body and answer). It replaces some thirty
// npm packages, and its output compiles under --strict.
//
//	tsgen -in docs/openapi.json -out web/src/api/schema.d.ts
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	in := flag.String("in", "-", "OpenAPI 3.1 document in JSON; - reads standard input")
	out := flag.String("out", "-", "TypeScript file to write; - writes standard output")
	flag.Parse()
	if err := run(*in, *out); err != nil {
		fmt.Fprintln(os.Stderr, "tsgen:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	data, err := read(in)
	if err != nil {
		return err
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("%s is not an OpenAPI document in JSON: %w", in, err)
	}
	if len(doc.Paths) == 0 {
		return fmt.Errorf("%s has no paths; write it with `capillary openapi`", in)
	}
	text := generate(&doc)
	if out == "-" {
		_, err = os.Stdout.WriteString(text)
		return err
	}
	return os.WriteFile(out, []byte(text), 0o644) //nolint:gosec // a source file, read by everybody
}

func read(in string) ([]byte, error) {
	if in == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(in) //nolint:gosec // the path is the developer's own argument
}
