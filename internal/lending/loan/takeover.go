package loan

import (
	"context"
	"encoding/json"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Taken is a loan that another system has lent: its terms and everything that happened to it, oldest first.
type Taken struct {
	FacilityID, Reference, ContractID, FirmID, ProductID, BranchID, BranchPath string
	PayeeName, PayeeAccount                                                    string
	Terms                                                                      Terms
	Events                                                                     []Event
}

const takeMax = 2000

var (
	takeLoans = db.NewBulk("loan", []string{"institution_id", "id", "facility_id", "reference", "contract_id", "firm_id", "product_id", "branch_id", "branch_path", "terms_json",
		"payee_name", "payee_account", "payment_order_id", "disbursed_on", "maturity_on", "currency", "principal_minor", "event_hash", "created_at"}, "")
	takeDays = db.NewBulk("loan_day", []string{"institution_id", "loan_id", "status", "processed_to", "next_due_on", "next_due_minor", "outstanding_minor", "due_minor",
		"days_past_due", "posted_json", "event_seq", "updated_at", "version"}, "")
	takeEvents = db.NewBulk("loan_event", []string{"institution_id", "loan_id", "seq", "kind", "value_date", "amount_minor", "prepay", "business_key", "note", "booked_at",
		"actor", "prev_hash", "hash", "detail_json", "worked_to"}, "")
)

var takeResets = db.NewBulk("loan_reprice", []string{"institution_id", "loan_id", "next_on"}, "")

// Take takes a portfolio over, up to 2,000 loans a call: each as it stood at the end of on, with its past as events, and its sums
// for the general ledger on that date. No money moves and no facility is touched. The next end of day works them on from there.
func Take(ctx context.Context, tx *db.Tx, all []Taken, on calendar.Date) (ids []string, err error) {
	if len(all) > takeMax {
		return nil, fault.New(fault.ReasonTooLarge, "what", "loans", "limit", takeMax)
	}
	loans, days, events := make([][]any, 0, len(all)), make([][]any, 0, len(all)), make([][]any, 0, len(all))
	var resets [][]any
	kept, parts := make([]snapshot, 0, len(all)), sums{to: on}
	for i, t := range all {
		s, err := Replay(t.Terms, t.Events, on)
		if err != nil {
			return nil, fault.Field("loans", "第"+itoa(i+1)+"笔："+err.Error(), "loan "+itoa(i+1)+": "+err.Error()).Wrap(err)
		}
		l := Loan{
			ID: tx.NewID("loan"), FacilityID: t.FacilityID, Reference: t.Reference, ContractID: t.ContractID, FirmID: t.FirmID, ProductID: t.ProductID,
			BranchID: t.BranchID, BranchPath: t.BranchPath, Terms: t.Terms, Currency: t.Terms.Currency, PrincipalMinor: t.Terms.PrincipalMinor, MaturityOn: t.Terms.Maturity(),
		}
		l.project(&s)
		l.Posted = s.Totals
		for _, e := range t.Events {
			_, row, err := l.seal(tx, e, calendar.Date{})
			if err != nil {
				return nil, err
			}
			events = append(events, row)
		}
		terms, err := json.Marshal(l.Terms)
		if err != nil {
			return nil, err
		}
		posted, err := formatTotals(&l.Posted)
		if err != nil {
			return nil, err
		}
		loans = append(loans, []any{tx.Institution, l.ID, l.FacilityID, l.Reference, l.ContractID, l.FirmID, l.ProductID, l.BranchID, l.BranchPath, string(terms), t.PayeeName,
			t.PayeeAccount, "", l.DisbursedOn.String(), l.MaturityOn.String(), string(l.Currency), l.PrincipalMinor, l.eventHash, db.Micros(tx.Now)})
		days = append(days, []any{tx.Institution, l.ID, string(l.Status), l.ProcessedTo.String(), l.NextDueOn.String(), l.NextDueMinor, l.OutstandingMinor, l.DueMinor, l.DaysPastDue,
			posted, l.eventSeq, db.Micros(tx.Now), 1})
		kept = append(kept, snapshot{loanID: l.ID, branchID: l.BranchID, productID: l.ProductID, eventSeq: l.eventSeq, state: &s})
		parts.merge(&l, []dated{{on, l.Posted}})
		if next, ok := t.Terms.nextReset(on); ok {
			resets = append(resets, []any{tx.Institution, l.ID, next.String()})
		}
		ids = append(ids, l.ID)
	}
	if len(all) == 0 {
		return nil, nil
	}
	for _, part := range []struct {
		bulk *db.Bulk
		rows [][]any
	}{{takeLoans, loans}, {takeDays, days}, {takeEvents, events}, {takeResets, resets}} {
		if len(part.rows) == 0 {
			continue
		}
		if _, err := tx.BulkInsert(ctx, part.bulk, part.rows); err != nil {
			return nil, err
		}
	}
	if err := saveSnapshots(ctx, tx, kept); err != nil {
		return nil, err
	}
	if err := parts.save(ctx, tx, ids[len(ids)-1], partTaken, nil, nil); err != nil {
		return nil, err
	}
	return ids, audit.Record(ctx, tx, audit.Entry{Action: "loan.take_over", Object: "loan", ObjectID: ids[0], After: map[string]any{"loans": len(ids), "last": ids[len(ids)-1], "on": on}})
}
