package loan_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// A database of the time before the narrow row keeps every figure of its loans when it is brought to head.
func TestOldLoansMoveIntoTheNarrowRow(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			c := db.Config{Path: filepath.Join(t.TempDir(), "old.db")}
			if engine == "postgres" {
				if os.Getenv(dbtest.PostgresVariable) == "" {
					t.Skip("no PostgreSQL")
				}
				c = db.Config{PostgresDSN: dbtest.DSN(t)}
			}
			d, err := db.Open(t.Context(), c)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, d.Close()) })
			exec := func(q string, args ...any) {
				_, err := d.Owner().ExecContext(t.Context(), q, args...)
				require.NoError(t, err)
			}
			exec("create table schema_migration (name text primary key, applied_at bigint not null)")
			steps, err := db.Migrations(d.Dialect())
			require.NoError(t, err)
			for _, m := range steps {
				if m.Name >= "0120" {
					exec("insert into schema_migration values ($1, 0)", m.Name)
				}
			}
			require.NoError(t, d.Migrate(t.Context()))
			exec(`insert into loan (institution_id, id, facility_id, reference, contract_id, firm_id, product_id, branch_id, branch_path, terms_json, payee_name, payee_account, payment_order_id,
				status, processed_to, disbursed_on, maturity_on, next_due_on, next_due_minor, currency, principal_minor, outstanding_minor, due_minor, days_past_due, posted_json, event_seq, event_hash, created_at, updated_at, version)
				values ('i','loan_1','f','r','c','firm','p','b','/hq/','{}','n','a','o','overdue','2026-01-09','2025-01-01','2027-01-01','2026-02-01',7,'CNY',100,60,5,8,'{"disbursed_minor":100}',3,'h',1,2,4)`)
			exec("delete from schema_migration where name >= '0120'")
			require.NoError(t, d.Migrate(t.Context()))
			var status, processed, next, posted string
			var figures [7]int64
			require.NoError(t, d.Owner().QueryRowContext(t.Context(), `select status, processed_to, next_due_on, posted_json, next_due_minor, outstanding_minor, due_minor, days_past_due, event_seq, updated_at, version
				from loan_day where institution_id = 'i' and loan_id = 'loan_1'`).Scan(&status, &processed, &next, &posted, &figures[0], &figures[1], &figures[2], &figures[3], &figures[4], &figures[5], &figures[6]))
			require.Equal(t, []string{"overdue", "2026-01-09", "2026-02-01", `{"disbursed_minor":100}`}, []string{status, processed, next, posted})
			require.Equal(t, [7]int64{7, 60, 5, 8, 3, 2, 4}, figures)

			// What was done without a mandate goes on under one that says that nobody signed it.
			var account, from, state string
			var implied bool
			require.NoError(t, d.Owner().QueryRowContext(t.Context(), `select debtor_account, valid_from, state, implied from mandate where institution_id = 'i' and id = 'mdt_1' and scope = 'loan' and scope_id = 'loan_1'`).
				Scan(&account, &from, &state, &implied))
			require.Equal(t, []any{"a", "2025-01-01", "signed", true}, []any{account, from, state, implied})
		})
	}
}
