package voucher

import (
	"context"
	"encoding/json"

	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

var (
	permissionPropose = auth.DeclarePermission("voucher.propose", "制作手工凭证", "Make manual vouchers", auth.RoleOperations)
	permissionReview  = auth.DeclarePermission("voucher.review", "复核手工凭证", "Review manual vouchers", auth.RoleOperations, auth.RoleCompliance)
)

// Kinds of postings that need a second person.
const (
	KindVoucher  = "ledger.voucher"
	KindReversal = "ledger.reversal"
)

// Service has vouchers made and approved.
type Service struct {
	db        *db.DB
	proposals *proposal.Service
}

// NewService makes the service and registers its kinds of proposals.
func NewService(d *db.DB, p *proposal.Service) *Service {
	p.Register(proposal.Kind{Name: KindVoucher, Zh: "手工凭证", En: "Manual voucher", Propose: permissionPropose, Review: permissionReview, Describe: describeVoucher, Apply: apply})
	p.Register(proposal.Kind{Name: KindReversal, Zh: "冲销分录", En: "Reverse an entry", Propose: permissionPropose, Review: permissionReview, Describe: describeReversal, Apply: apply})
	return &Service{db: d, proposals: p}
}

func describeVoucher(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (d proposal.Description, err error) {
	var v Voucher
	if err := proposal.Decode(body, &v); err != nil {
		return d, err
	}
	if v.Reference == "" || len(v.Reference) > 80 {
		return d, fault.Required("reference")
	}
	if _, found, err := journal.FindByKey(ctx, tx, Key(v.Reference)); err != nil || found {
		if err == nil {
			err = fault.New(ReasonReference, "reference", v.Reference)
		}
		return d, err
	}
	if err := checkBranch(ctx, tx, v.Branch); err != nil {
		return d, err
	}
	draft := v.draft()
	if err := judge(ctx, tx, draft, v.Reason); err != nil {
		return d, err
	}
	return proposal.Description{Object: "voucher", ObjectID: v.Reference, After: draft}, nil
}

func describeReversal(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (d proposal.Description, err error) {
	var r Reversal
	if err := proposal.Decode(body, &r); err != nil {
		return d, err
	}
	e, err := journal.FindEntry(ctx, tx, r.EntryID)
	if err != nil {
		return d, err
	}
	if _, found, err := journal.FindByKey(ctx, tx, ReversalKey(e.ID)); err != nil || found {
		if err == nil {
			err = fault.New(ReasonReversed, "entry", e.ID)
		}
		return d, err
	}
	draft := r.draft(e)
	if err := judge(ctx, tx, draft, r.Reason); err != nil {
		return d, err
	}
	return proposal.Description{Object: "journal_entry", ObjectID: e.ID, Before: e, After: draft}, nil
}

// judge checks a draft as fully as can be without posting it: what a second person approves must be postable.
func judge(ctx context.Context, tx *db.Tx, d journal.Draft, reason string) error {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return err
	}
	chart, err := journal.Accounts(ctx, tx)
	if err != nil {
		return err
	}
	if err := check(d, reason, chart, today); err != nil {
		return err
	}
	return journal.Check(ctx, tx, d)
}

var countBranch = db.Q(`select count(*) from branch where institution_id = $1 and id = $2`)

// checkBranch refuses a branch that is not there: its balances would stand in no branch's books, for ever.
func checkBranch(ctx context.Context, tx *db.Tx, id string) error {
	if id == "" {
		return nil
	}
	var n int64
	if err := tx.QueryRow(ctx, countBranch, tx.Institution, id).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return fault.Field("branch", "没有该网点，请填网点编号（id）", "is not the id of a branch of the institution")
	}
	return nil
}

func apply(ctx context.Context, tx *db.Tx, p auth.Principal, d proposal.Description, _ json.RawMessage) error {
	draft, ok := d.After.(journal.Draft)
	if !ok {
		return fault.New(fault.ReasonInternal)
	}
	e, err := journal.Post(ctx, tx, draft)
	if err != nil {
		return err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "voucher.post", Object: "journal_entry", ObjectID: e.ID, After: e, Note: draft.Memo.Zh}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: "voucher.posted", Aggregate: "journal_entry", AggregateID: e.ID, Payload: e})
}

// Propose hands a voucher to a second person.
func (s *Service) Propose(ctx context.Context, p auth.Principal, v Voucher) (proposal.Proposal, error) {
	return s.propose(ctx, p, KindVoucher, v, v.Reason)
}

// Reverse hands the reversal of an entry to a second person.
func (s *Service) Reverse(ctx context.Context, p auth.Principal, r Reversal) (proposal.Proposal, error) {
	return s.propose(ctx, p, KindReversal, r, r.Reason)
}

func (s *Service) propose(ctx context.Context, p auth.Principal, kind string, body any, note string) (made proposal.Proposal, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		made, err = s.proposals.Propose(ctx, tx, p, kind, body, note)
		return err
	})
	return made, err
}
