package receipt

import (
	"context"
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

const statementColumns = `account, day, currency, state, statement_id, sequence, opening_minor, closing_minor, balances, entries, hash, file_id, code, reason_zh, reason_en, tries, fetched_at, fetched_by`

var (
	// A statement that came stays when a later question finds none.
	upsertStatement = db.Q(`insert into bank_statement (institution_id, ` + statementColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,1,$17,$18)
		on conflict (institution_id, account, day) do update set state = excluded.state, statement_id = excluded.statement_id, sequence = excluded.sequence, opening_minor = excluded.opening_minor,
			closing_minor = excluded.closing_minor, balances = excluded.balances, entries = excluded.entries, hash = excluded.hash, file_id = excluded.file_id, code = excluded.code,
			reason_zh = excluded.reason_zh, reason_en = excluded.reason_en, tries = bank_statement.tries + 1, fetched_at = excluded.fetched_at, fetched_by = excluded.fetched_by
		where excluded.state = 'taken' or bank_statement.state = 'missing'`)
	statementsOf    = db.Q(`select ` + statementColumns + ` from bank_statement where institution_id = $1 and account = $2 and day >= $3 order by day`)
	statementBefore = db.Q(`select ` + statementColumns + ` from bank_statement where institution_id = $1 and account = $2 and day < $3 and state = 'taken' order by day desc limit 1`)
	statementsPage  = db.Q(`select ` + statementColumns + ` from bank_statement where institution_id = $1 order by day desc, account limit $2`)
	selectStatement = db.Q(`select ` + statementColumns + ` from bank_statement where institution_id = $1 and account = $2 and day = $3`)
	currenciesLent  = db.Q(`select distinct currency from facility where institution_id = $1 order by currency`)
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// span names numbers from first to last.
func span(first, last int64) string {
	if first == last {
		return itoa(first)
	}
	return itoa(first) + "–" + itoa(last)
}

func scanStatement(row scanner) (b BankStatement, err error) {
	var at int64
	err = row.Scan(&b.Account, &b.Day, &b.Currency, &b.State, &b.StatementID, &b.Sequence, &b.OpeningMinor, &b.ClosingMinor, &b.Balances, &b.Entries, &b.hash, &b.FileID,
		&b.Code, &b.Reason.Zh, &b.Reason.En, &b.Tries, &at, &b.FetchedBy)
	b.FetchedAt = db.Time(at)
	return b, err
}

func statements(ctx context.Context, tx *db.Tx, q *db.Query, args ...any) ([]BankStatement, error) {
	rows, err := tx.Query(ctx, q, append([]any{tx.Institution}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []BankStatement{}
	for rows.Next() {
		b, err := scanStatement(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

func statementOn(ctx context.Context, tx *db.Tx, account string, day calendar.Date) (BankStatement, bool, error) {
	b, err := scanStatement(tx.QueryRow(ctx, selectStatement, tx.Institution, account, day.String()))
	if db.IsNoRows(err) {
		return b, false, nil
	}
	return b, err == nil, err
}

func storeStatement(ctx context.Context, tx *db.Tx, b BankStatement) error {
	_, err := tx.Exec(ctx, upsertStatement, tx.Institution, b.Account, b.Day.String(), string(b.Currency), string(b.State), b.StatementID, b.Sequence, b.OpeningMinor, b.ClosingMinor, b.Balances,
		b.Entries, b.hash, b.FileID, b.Code, b.Reason.Zh, b.Reason.En, db.Micros(tx.Now), tx.Actor)
	return err
}
