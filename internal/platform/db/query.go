package db

import (
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// Dialect names the SQL engine behind a DB.
type Dialect string

// The two engines.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// Query is one declared SQL statement. Statements are declared at package level with Q or QQ, so
// that a test can prepare every statement of the program on both engines.
type Query struct {
	pg, lite string
	where    string
}

var declared struct {
	sync.Mutex
	queries []*Query
	bulks   []*Bulk
}

// Q declares a statement whose text both engines share. Placeholders are $1, $2, ...; the marker
// /*for update*/ becomes a row lock on PostgreSQL and nothing on SQLite (its writer is alone).
func Q(text string) *Query { return declare(text, text) }

// QQ declares a statement whose text truly differs between the engines.
func QQ(postgres, sqlite string) *Query { return declare(postgres, sqlite) }

func declare(pg, lite string) *Query {
	_, file, line, _ := runtime.Caller(2)
	if i := strings.LastIndex(file, "/internal/"); i >= 0 {
		file = file[i+1:]
	}
	q := &Query{
		pg:    strings.ReplaceAll(pg, "/*for update*/", " for update "),
		lite:  lite,
		where: file + ":" + strconv.Itoa(line),
	}
	declared.Lock()
	declared.queries = append(declared.queries, q)
	declared.Unlock()
	return q
}

// Text gives the SQL for an engine.
func (q *Query) Text(d Dialect) string {
	if d == Postgres {
		return q.pg
	}
	return q.lite
}

// Where tells the file and line of the declaration.
func (q *Query) Where() string { return q.where }

// Declared lists every statement declared by the packages linked into the program.
func Declared() []*Query {
	declared.Lock()
	defer declared.Unlock()
	out := append([]*Query(nil), declared.queries...)
	for _, b := range declared.bulks {
		out = append(out, &Query{pg: b.text(1, Postgres), lite: b.text(1, SQLite), where: b.where})
	}
	return out
}

// Bulk is a declared many-row insert.
type Bulk struct {
	table   string
	columns []string
	suffix  string
	where   string
	texts   sync.Map // by dialect and number of rows: the texts of short lists
}

type bulkText struct {
	d    Dialect
	rows int
}

// NewBulk declares an insert of many rows into table; suffix is e.g. "on conflict do nothing".
func NewBulk(table string, columns []string, suffix string) *Bulk {
	_, file, line, _ := runtime.Caller(1)
	if i := strings.LastIndex(file, "/internal/"); i >= 0 {
		file = file[i+1:]
	}
	b := &Bulk{table: table, columns: columns, suffix: suffix, where: file + ":" + strconv.Itoa(line)}
	declared.Lock()
	declared.bulks = append(declared.bulks, b)
	declared.Unlock()
	return b
}

// Parameters of one statement: PostgreSQL takes 65,535 and gains from few round trips; the SQLite driver
// looks every parameter up among all of them, so its cost grows with the square (measured: 373,431 rows
// of 14 columns took 150 s in statements of 14,000 parameters, 10 s, decoding and publishing included, in
// statements of 150: BenchmarkImport in evidence/intake).
const (
	bulkParamsPostgres = 30_000
	bulkParamsSQLite   = 150
)

func (b *Bulk) rowsMax(d Dialect) int {
	if d == Postgres {
		return min(1000, bulkParamsPostgres/len(b.columns))
	}
	return max(1, bulkParamsSQLite/len(b.columns))
}

// text writes the statement. SQLite takes $N for a name and looks names up in a list, which is quadratic in the
// number of parameters; its plain ? is not.
func (b *Bulk) text(rows int, d Dialect) string {
	if d == Postgres { // few, and up to a thousand rows long
		return b.write(rows, d)
	}
	if v, ok := b.texts.Load(bulkText{d, rows}); ok {
		return v.(string) //nolint:errcheck // only strings are stored
	}
	text := b.write(rows, d)
	b.texts.Store(bulkText{d, rows}, text)
	return text
}

func (b *Bulk) write(rows int, d Dialect) string {
	var s strings.Builder
	s.Grow(64 + rows*len(b.columns)*7)
	s.WriteString("insert into " + b.table + " (" + strings.Join(b.columns, ", ") + ") values ")
	n := 1
	for r := range rows {
		if r > 0 {
			s.WriteByte(',')
		}
		s.WriteByte('(')
		for c := range b.columns {
			if c > 0 {
				s.WriteByte(',')
			}
			if d == SQLite {
				s.WriteByte('?')
				continue
			}
			s.WriteByte('$')
			s.WriteString(strconv.Itoa(n))
			n++
		}
		s.WriteByte(')')
	}
	s.WriteString(" " + b.suffix)
	return s.String()
}
