package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
)

//go:embed migrations
var migrationFiles embed.FS

// Migration is one numbered step of the schema.
type Migration struct {
	Name string // "0001_kernel"
	SQL  string
}

// Migrations lists the steps of an engine in order.
func Migrations(d Dialect) ([]Migration, error) {
	dir := "migrations/" + string(d)
	entries, err := fs.ReadDir(migrationFiles, dir)
	if err != nil {
		return nil, err
	}
	var out []Migration
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".sql") {
			continue
		}
		text, err := fs.ReadFile(migrationFiles, path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, Migration{Name: strings.TrimSuffix(e.Name(), ".sql"), SQL: string(text)})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// Migrate brings the schema to head: forward only, one transaction per step, one migrator at a time.
func (d *DB) Migrate(ctx context.Context) error {
	unlock, err := d.lockMigrations(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer unlock()
	conn, err := d.owner.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	err = d.migrateOn(ctx, conn)
	if cerr := conn.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, hook := range d.hooks {
		if err := hook(ctx, d.owner, d.dialect); err != nil {
			return fmt.Errorf("migrate hook: %w", err)
		}
	}
	if d.dialect == Postgres {
		return d.guardTenants(ctx)
	}
	return nil
}

// lockMigrations keeps other servers that start at the same time out until everything is done, hooks and
// row-level security included.
func (d *DB) lockMigrations(ctx context.Context) (unlock func(), err error) {
	if d.dialect == SQLite {
		return d.lockBeside(ctx)
	}
	conn, err := d.owner.Conn(ctx)
	if err != nil {
		return nil, err
	}
	const key = 7_202_611 // any fixed number, the same in every server
	if _, err := conn.ExecContext(ctx, "select pg_advisory_lock($1)", key); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() {
		// The pool keeps no idle connection, so the session, and its lock with it, ends even if this fails.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", key)
		_ = conn.Close()
	}, nil
}

// lockBeside holds the write lock of a small database beside the SQLite file: the one lock between
// processes that every platform has. The file stays, for to remove it would let two in at once.
func (d *DB) lockBeside(ctx context.Context) (unlock func(), err error) {
	pool, err := sql.Open("sqlite", "file:"+d.path+".migrate-lock?_pragma=busy_timeout(60000)&_txlock=exclusive")
	if err != nil {
		return nil, err
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return func() { _, _ = tx.Rollback(), pool.Close() }, nil // nothing was written
}

func (d *DB) migrateOn(ctx context.Context, conn *sql.Conn) error {
	if d.dialect == Postgres {
		if _, err := conn.ExecContext(ctx, createRole); err != nil {
			return err
		}
	}
	if _, err := conn.ExecContext(ctx, "create table if not exists schema_migration (name text primary key, applied_at bigint not null)"); err != nil {
		return err
	}
	done := map[string]bool{}
	rows, err := conn.QueryContext(ctx, "select name from schema_migration")
	if err != nil {
		return err
	}
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return err
		}
		done[n] = true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	steps, err := Migrations(d.dialect)
	if err != nil {
		return err
	}
	for _, m := range steps {
		if done[m.Name] {
			continue
		}
		if err := d.apply(ctx, conn, m); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}

func (d *DB) apply(ctx context.Context, conn *sql.Conn, m Migration) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	// Marked first: a second process that read the list before this one committed finds it marked and stops here.
	res, err := tx.ExecContext(ctx, "insert into schema_migration (name, applied_at) values ($1, $2) on conflict (name) do nothing", m.Name, Micros(d.Now()))
	if err == nil {
		var n int64
		if n, err = res.RowsAffected(); err == nil && n == 0 {
			return tx.Rollback()
		}
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, m.SQL)
	}
	if err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

// Pending lists migrations that have not run; readiness uses it.
func (d *DB) Pending(ctx context.Context) ([]string, error) {
	steps, err := Migrations(d.dialect)
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	rows, err := d.r.QueryContext(ctx, "select name from schema_migration")
	if err == nil {
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var n string
			if err := rows.Scan(&n); err != nil {
				return nil, err
			}
			done[n] = true
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	var out []string
	for _, m := range steps {
		if !done[m.Name] {
			out = append(out, m.Name)
		}
	}
	return out, nil
}

// createRole runs in every migration; roles belong to the whole cluster, so two databases may race.
const createRole = `do $$ begin
  create role ` + AppRole + ` nologin;
exception when duplicate_object or unique_violation then null; end $$;
grant ` + AppRole + ` to current_user;`

// guardTenants forces row-level security on every table that has an institution_id and grants the
// application role what it needs; a table added by a later migration cannot be forgotten. A table that is
// guarded already is left alone: to alter it would wait for every open transaction that reads it (a
// backup takes minutes), with all other users queuing behind.
func (d *DB) guardTenants(ctx context.Context) error {
	const stmt = `
do $$
declare t record;
begin
  execute 'grant usage on schema ' || quote_ident(current_schema()) || ' to ` + AppRole + `';
  execute 'grant select, insert, update, delete on all tables in schema ' || quote_ident(current_schema()) || ' to ` + AppRole + `';
  execute 'grant usage, select, update on all sequences in schema ' || quote_ident(current_schema()) || ' to ` + AppRole + `';
  revoke insert, update, delete on schema_migration from ` + AppRole + `;
  for t in
    select c.relname as table_name from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
    and exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'institution_id' and not a.attisdropped)
    and not (c.relrowsecurity and c.relforcerowsecurity and exists (select 1 from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant'))
  loop
    execute format('alter table %I enable row level security', t.table_name);
    execute format('alter table %I force row level security', t.table_name);
    execute format('drop policy if exists tenant on %I', t.table_name);
    execute format('create policy tenant on %I using (current_setting(''capillary.institution'', true) in (institution_id, ''*''))
                    with check (current_setting(''capillary.institution'', true) in (institution_id, ''*''))', t.table_name);
  end loop;
end $$;`
	conn, err := d.owner.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // returned to the pool
	if _, err := conn.ExecContext(ctx, stmt); err != nil {
		return fmt.Errorf("row-level security: %w", err)
	}
	return nil
}
