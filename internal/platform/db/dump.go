package db

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Column is a column in the vocabulary both engines share.
type Column struct {
	Name string
	Kind string // "integer", "boolean", "text", "bytes", "real"
}

// Table is a table with its columns in a fixed order.
type Table struct {
	Name    string
	Columns []Column
}

// Tables lists the project's own tables (not those of libraries, which hold operational state only).
func (t *Tx) Tables(ctx context.Context) ([]Table, error) {
	q := `select c.table_name, c.column_name, c.data_type from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
		where c.table_schema = current_schema() and t.table_type = 'BASE TABLE' order by 1, 2`
	if t.db.dialect == SQLite {
		q = `select m.name, c.name, lower(c.type) from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite_%' order by 1, 2`
	}
	rows, err := t.tx.QueryContext(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("tables: %w", err)
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []Table
	for rows.Next() {
		var table, column, kind string
		if err := rows.Scan(&table, &column, &kind); err != nil {
			return nil, err
		}
		if strings.HasPrefix(table, "river_") || table == "schema_migration" {
			continue
		}
		if len(out) == 0 || out[len(out)-1].Name != table {
			out = append(out, Table{Name: table})
		}
		last := &out[len(out)-1]
		last.Columns = append(last.Columns, Column{Name: column, Kind: columnKind(kind)})
	}
	return out, rows.Err()
}

func columnKind(engineType string) string {
	switch engineType {
	case "bigint", "integer", "smallint":
		return "integer"
	case "bytea", "blob":
		return "bytes"
	case "double precision", "real":
		return "real"
	case "boolean":
		return "boolean"
	}
	return "text"
}

// Dump writes every row of table as one JSON array per line (its first line names the columns); bytes are
// base64, booleans 0 or 1, so that a dump of one engine loads into the other.
func (t *Tx) Dump(ctx context.Context, table Table, w io.Writer) (int64, error) {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	names := make([]string, len(table.Columns))
	quoted := make([]string, len(table.Columns))
	for i, c := range table.Columns {
		names[i], quoted[i] = c.Name, quoteIdent(c.Name)
	}
	if err := enc.Encode(names); err != nil {
		return 0, err
	}
	order := ""
	if table.Name == "event" { // the outbox's insertion order must survive
		order = " order by position, id"
	}
	rows, err := t.tx.QueryContext(ctx, "select "+strings.Join(quoted, ",")+" from "+quoteIdent(table.Name)+order) //nolint:gosec // names from the catalogue
	if err != nil {
		return 0, fmt.Errorf("dump %s: %w", table.Name, err)
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	cells, ptrs := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		ptrs[i] = &cells[i]
	}
	var n int64
	for rows.Next() {
		if err := rows.Scan(ptrs...); err != nil {
			return n, err
		}
		for i, c := range table.Columns {
			cells[i] = portable(c.Kind, cells[i])
		}
		if err := enc.Encode(cells); err != nil {
			return n, err
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return n, err
	}
	return n, out.Flush()
}

func portable(kind string, v any) any {
	switch x := v.(type) {
	case bool:
		if x {
			return 1
		}
		return 0
	case []byte:
		if kind == "bytes" {
			return base64.StdEncoding.EncodeToString(x)
		}
		return string(x)
	}
	return v
}

// Load inserts the rows of a dump into table; columns the schema no longer has are an error.
func (t *Tx) Load(ctx context.Context, table Table, r io.Reader) (int64, error) {
	kinds := map[string]string{}
	for _, c := range table.Columns {
		kinds[c.Name] = c.Kind
	}
	dec := json.NewDecoder(bufio.NewReaderSize(r, 1<<16))
	dec.UseNumber()
	var names []string
	if err := dec.Decode(&names); err != nil {
		return 0, fmt.Errorf("load %s: %w", table.Name, err)
	}
	keep, b := make([]int, 0, len(names)), &Bulk{table: quoteIdent(table.Name), where: "load " + table.Name}
	for i, n := range names {
		if table.Name == "event" && n == "ord" {
			continue // given anew, in the order of the dump
		}
		if _, ok := kinds[n]; !ok {
			return 0, fmt.Errorf("load %s: the dump has a column %q which this schema lacks", table.Name, n)
		}
		keep, b.columns = append(keep, i), append(b.columns, quoteIdent(n))
	}
	var n int64
	batch := make([][]any, 0, b.rowsMax(Postgres))
	flush := func() error {
		done, err := t.BulkInsert(ctx, b, batch)
		n, batch = n+done, batch[:0]
		return err
	}
	for dec.More() {
		var row []any
		if err := dec.Decode(&row); err != nil {
			return n, fmt.Errorf("load %s row %d: %w", table.Name, n+1, err)
		}
		args := make([]any, len(keep))
		for k, i := range keep {
			v, err := t.native(kinds[names[i]], row[i])
			if err != nil {
				return n, fmt.Errorf("load %s row %d column %s: %w", table.Name, n+1, names[i], err)
			}
			args[k] = v
		}
		if batch = append(batch, args); len(batch) == cap(batch) {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
	return n, flush()
}

func (t *Tx) native(kind string, v any) (any, error) {
	num, isNumber := v.(json.Number)
	switch {
	case v == nil:
		return nil, nil
	case kind == "bytes":
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("%v is not base64 text", v)
		}
		return base64.StdEncoding.DecodeString(s)
	case kind == "boolean" && isNumber:
		return num.String() != "0", nil
	case kind == "integer" && isNumber:
		return num.Int64()
	case kind == "real" && isNumber:
		return num.Float64()
	}
	return v, nil
}

// Empty reports whether no institution exists: only such a database may be restored into.
func (t *Tx) Empty(ctx context.Context) (bool, error) {
	var n int64
	err := t.tx.QueryRowContext(ctx, "select count(*) from institution").Scan(&n)
	return n == 0, err
}

func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
