package db

import (
	"context"
	"fmt"
	"sort"
	"strings"
)

// Schema describes the logical schema, one line per column and per index, in the vocabulary both
// engines share; a test compares the two engines.
func (d *DB) Schema(ctx context.Context) ([]string, error) {
	q := schemaSQLite
	if d.dialect == Postgres {
		q = schemaPostgres
	}
	rows, err := d.owner.QueryContext(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []string
	for rows.Next() {
		var table, kind, name, detail string
		if err := rows.Scan(&table, &kind, &name, &detail); err != nil {
			return nil, err
		}
		if strings.HasPrefix(table, "river_") || table == "sqlite_sequence" {
			continue // owned by a library, migrated by it
		}
		if table == "event" && name == "ord" {
			continue // SQLite orders the outbox by its own rowid
		}
		out = append(out, table+" "+kind+" "+name+" "+detail)
	}
	sort.Strings(out)
	return out, rows.Err()
}

const schemaSQLite = `
select m.name, 'column', c.name,
  case upper(c.type) when 'INTEGER' then 'integer' when 'BIGINT' then 'integer' when 'TEXT' then 'text' when 'BLOB' then 'bytes' when 'REAL' then 'real' else lower(c.type) end
  || case when c."notnull" = 1 or c.pk > 0 then ' not null' else '' end || case when c.pk > 0 then ' pk' || c.pk else '' end
from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite_%'
union all
select m.name, 'index', i.name, case when i."unique" = 1 then 'unique ' else '' end || (select group_concat(k.name, ',') from (select name from pragma_index_info(i.name) order by seqno) k)
from sqlite_master m join pragma_index_list(m.name) i where m.type = 'table' and i.origin = 'c'`

const schemaPostgres = `
select c.table_name, 'column', c.column_name,
  case c.data_type when 'bigint' then 'integer' when 'integer' then 'integer' when 'boolean' then 'integer' when 'text' then 'text' when 'bytea' then 'bytes' when 'double precision' then 'real' else c.data_type end
  || case when c.is_nullable = 'NO' then ' not null' else '' end
  || coalesce((select ' pk' || array_position(i.indkey::int2[], a.attnum) + 1
       from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attname = c.column_name
       where i.indrelid = (quote_ident(c.table_schema) || '.' || quote_ident(c.table_name))::regclass and i.indisprimary and a.attnum = any(i.indkey)), '')
from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'
union all
select t.relname, 'index', x.relname, case when i.indisunique then 'unique ' else '' end ||
  (select string_agg(a.attname, ',' order by k.n) from unnest(i.indkey) with ordinality k(attnum, n) join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum)
from pg_index i join pg_class t on t.oid = i.indrelid join pg_class x on x.oid = i.indexrelid join pg_namespace ns on ns.oid = t.relnamespace
where ns.nspname = current_schema() and not i.indisprimary and not exists (select 1 from pg_constraint pc where pc.conindid = i.indexrelid)`
