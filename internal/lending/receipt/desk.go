package receipt

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

// PurposeReturn is the purpose of payment orders that give money back.
const PurposeReturn = "receipt.return"

// Kinds of changes that need a second person.
const (
	KindIgnore = "receipt.ignore"
	KindReturn = "receipt.return"
	KindPolicy = "receipt.policy"
)

const (
	partsMax = 50
	noteMax  = 500
)

// Assign spreads open money of a receipt over loans by hand and posts it. What
// is not assigned stays open. A loan's refusal is returned, and nothing of the
// refused part moves.
func (s *Service) Assign(ctx context.Context, p auth.Principal, id string, parts []Share, note string) (d Detail, err error) {
	if err := p.Require(PermissionHandle); err != nil {
		return d, err
	}
	var r Receipt
	err = s.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if r, err = visible(ctx, tx, p, selectLocked, id); err != nil {
			return err
		}
		if r.Status != Exception {
			return wrongStatus(r.Status)
		}
		if err := s.checkParts(ctx, tx, p, &r, parts); err != nil {
			return err
		}
		if err := noted(ctx, tx, &r, note, "assign"); err != nil {
			return err
		}
		r.Rule, r.Score = "person", 100
		r.Why = fault.Text{Zh: "由 " + p.Name + " 指定", En: "assigned by " + p.Name}
		r.plan(parts)
		if err := save(ctx, tx, &r); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Action: "receipt.assign", Object: "receipt", ObjectID: r.ID, After: map[string]any{"plan": r.Plan}, Note: note})
	})
	if err != nil {
		return d, err
	}
	refused, err := s.post(ctx, p, r)
	if err != nil {
		return d, err
	}
	if refused != nil {
		return d, refused
	}
	return s.Get(ctx, p, id)
}

func (s *Service) checkParts(ctx context.Context, tx *db.Tx, p auth.Principal, r *Receipt, parts []Share) error {
	if len(parts) == 0 || len(parts) > partsMax {
		return fault.Field("parts", "须有1至50笔", "must be 1 to 50")
	}
	sum := int64(0)
	seen := map[string]bool{}
	for i, part := range parts {
		field := fmt.Sprintf("parts[%d].loan_id", i)
		l, err := loan.ByID(ctx, tx, part.LoanID)
		if err != nil || !p.Sees(l.BranchPath) {
			return fault.NotFoundError("loan", part.LoanID).WithField(field)
		}
		if seen[l.ID] {
			return fault.Field(field, "同一贷款出现两次，请合并", "the loan stands there twice; put the amounts together")
		}
		if part.AmountMinor <= 0 || l.Currency != r.Currency {
			return fault.Field(fmt.Sprintf("parts[%d].amount_minor", i), "须大于零且币种相同", "must be above zero, in the loan's currency")
		}
		seen[l.ID] = true
		if sum += part.AmountMinor; sum > r.OpenMinor {
			return fault.New(ReasonAmount, "amount", r.money(sum).String(), "open", r.money(r.OpenMinor).String()).WithField(fmt.Sprintf("parts[%d].amount_minor", i))
		}
		r.BranchPath = l.BranchPath
	}
	return nil
}

// noted keeps a person's words among the uses; no words, no note.
func noted(ctx context.Context, tx *db.Tx, r *Receipt, note, what string) error {
	note = strings.TrimSpace(note)
	if note == "" {
		return nil
	}
	if len([]rune(note)) > noteMax {
		return fault.Field("note", "不得超过500字", "must have at most 500 characters")
	}
	r.uses++
	return record(ctx, tx, r.ID, Use{No: r.uses, Kind: UseNote, Note: note, Reference: what})
}

// Note adds a person's words to a receipt.
func (s *Service) Note(ctx context.Context, p auth.Principal, id, note string) (d Detail, err error) {
	if err := p.Require(PermissionHandle); err != nil {
		return d, err
	}
	if strings.TrimSpace(note) == "" {
		return d, fault.Required("note")
	}
	err = s.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		r, err := visible(ctx, tx, p, selectLocked, id)
		if err != nil {
			return err
		}
		if err := noted(ctx, tx, &r, note, "note"); err != nil {
			return err
		}
		if err := save(ctx, tx, &r); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Action: "receipt.note", Object: "receipt", ObjectID: id, Note: note})
	})
	if err != nil {
		return d, err
	}
	return s.Get(ctx, p, id)
}

// ReturnBody asks for money to be paid back; without an account it goes where it
// came from.
type ReturnBody struct {
	ReceiptID string `json:"receipt_id"`
	Account   string `json:"account,omitempty"`
	Name      string `json:"name,omitempty"`
	Reason    string `json:"reason"`
}

// Return pays what is open back. At once only to the account that the bank itself named, in a file we fetched from it: what
// stands in an uploaded file is its uploader's word. To any other only after a second person: then proposalID names what waits.
func (s *Service) Return(ctx context.Context, p auth.Principal, in ReturnBody) (d Detail, proposalID string, err error) {
	if err := p.Require(PermissionHandle); err != nil {
		return d, "", err
	}
	err = s.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		r, err := visible(ctx, tx, p, selectLocked, in.ReceiptID)
		if err != nil {
			return err
		}
		if in.Account == "" && r.PayerAccount == "" {
			return fault.New(ReasonNoPayer).WithField("account")
		}
		f, err := fileByID(ctx, tx, r.FileID)
		if err != nil {
			return err
		}
		if f.Origin == OriginBank && (in.Account == "" || in.Account == r.PayerAccount) {
			return s.giveBack(ctx, tx, &r, in)
		}
		if in.Account == "" {
			in.Account, in.Name = r.PayerAccount, cmp.Or(in.Name, db.Text(r.PayerName, 60), r.PayerAccount)
		}
		made, err := s.Proposals.Propose(ctx, tx, p, KindReturn, in, in.Reason)
		proposalID = made.ID
		return err
	})
	if err != nil {
		return d, "", err
	}
	d, err = s.Get(ctx, p, in.ReceiptID)
	return d, proposalID, err
}

// giveBack records the payment order that returns what is open.
func (s *Service) giveBack(ctx context.Context, tx *db.Tx, r *Receipt, in ReturnBody) error {
	if r.Status != Exception {
		return wrongStatus(r.Status)
	}
	if strings.TrimSpace(in.Reason) == "" || len([]rune(in.Reason)) > noteMax {
		return fault.Field("reason", "须说明原因，不超过500字", "must say why, in at most 500 characters")
	}
	account, name := in.Account, in.Name
	if account == "" {
		account = r.PayerAccount
	}
	if name == "" {
		name = r.PayerName
	}
	r.uses++
	no, minor := r.uses, r.OpenMinor
	o, _, err := payment.Record(ctx, tx, payment.Draft{
		Key: fmt.Sprintf("return:%s:%d", r.ID, no), Purpose: PurposeReturn, Object: "receipt", ObjectID: r.ID, FromAccount: payment.SettlementAccount(tx.Institution),
		ToAccount: account, ToName: db.Text(name, 60), Amount: r.money(minor), Memo: "退款 return of " + db.Text(r.BankReference, 64),
	})
	if err != nil {
		return err
	}
	r.Plan = nil
	if err := book(ctx, tx, r, Use{No: no, Kind: UseReturning, AmountMinor: minor, OrderID: o.ID, Note: in.Reason}, fault.Text{}); err != nil {
		return err
	}
	r.settle()
	tx.AfterCommit(s.Dispatcher.Wake)
	return save(ctx, tx, r)
}

// returnOutcome ends a return: the money has left, or it is open again.
func returnOutcome(ctx context.Context, tx *db.Tx, o payment.Order) error {
	r, err := get(ctx, tx, selectLocked, o.ObjectID)
	if err != nil {
		return err
	}
	kind, note := UseReturned, o.BankReference
	if o.Status != payment.Succeeded {
		kind, note = UseReturnFailed, o.Reason
		r.Why = fault.Text{Zh: "退回失败：" + o.Reason, En: "the return failed: " + o.Reason}
	}
	r.uses++
	if err := book(ctx, tx, &r, Use{No: r.uses, Kind: kind, AmountMinor: o.AmountMinor, OrderID: o.ID, Note: note}, fault.Text{Zh: "来款已退回", En: "receipt returned to its payer"}); err != nil {
		return err
	}
	r.settle()
	return save(ctx, tx, &r)
}

// IgnoreBody asks that what is open be found not to be ours.
type IgnoreBody struct {
	ReceiptID string `json:"receipt_id"`
	Reason    string `json:"reason"`
}

// Ignore proposes to leave a receipt aside: its money is booked elsewhere. A
// second person decides.
func (s *Service) Ignore(ctx context.Context, p auth.Principal, in IgnoreBody) (proposalID string, err error) {
	if err := p.Require(PermissionHandle); err != nil {
		return "", err
	}
	err = s.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		made, err := s.Proposals.Propose(ctx, tx, p, KindIgnore, in, in.Reason)
		proposalID = made.ID
		return err
	})
	return proposalID, err
}

// ProposePolicy proposes new matching rules. A second person decides.
func (s *Service) ProposePolicy(ctx context.Context, p auth.Principal, policy Policy) (proposalID string, err error) {
	err = s.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		made, err := s.Proposals.Propose(ctx, tx, p, KindPolicy, policy, "")
		proposalID = made.ID
		return err
	})
	return proposalID, err
}

// registerKinds tells the second person's desk what it may meet here.
func (s *Service) registerKinds() {
	s.Proposals.Register(proposal.Kind{Name: KindIgnore, Zh: "来款不处理", En: "Leave a receipt aside", Propose: PermissionHandle, Review: PermissionReview,
		Describe: describeIgnore, Apply: applyIgnore})
	s.Proposals.Register(proposal.Kind{Name: KindReturn, Zh: "来款退回", En: "Return a receipt", Propose: PermissionHandle, Review: PermissionReview,
		Describe: describeReturn, Apply: func(ctx context.Context, tx *db.Tx, p auth.Principal, _ proposal.Description, body json.RawMessage) error {
			in, r, err := returnTarget(ctx, tx, p, body)
			if err != nil {
				return err
			}
			return s.giveBack(ctx, tx, &r, in)
		}})
	s.Proposals.Register(proposal.Kind{Name: KindPolicy, Zh: "来款匹配规则", En: "Matching rules of receipts", Propose: PermissionHandle, Review: PermissionReview,
		Describe: describePolicy, Apply: applyPolicy})
}

// openReceipt reads the receipt of a proposal; it must still have open money.
func openReceipt(ctx context.Context, tx *db.Tx, p auth.Principal, id, reason string) (Receipt, error) {
	r, err := visible(ctx, tx, p, selectLocked, id)
	if err != nil {
		return r, err
	}
	if r.Status != Exception || r.OpenMinor == 0 {
		return r, wrongStatus(r.Status)
	}
	if strings.TrimSpace(reason) == "" || len([]rune(reason)) > noteMax {
		return r, fault.Field("reason", "须说明原因，不超过500字", "must say why, in at most 500 characters")
	}
	return r, nil
}

func describeIgnore(ctx context.Context, tx *db.Tx, p auth.Principal, body json.RawMessage) (proposal.Description, error) {
	var in IgnoreBody
	if err := proposal.Decode(body, &in); err != nil {
		return proposal.Description{}, err
	}
	r, err := openReceipt(ctx, tx, p, in.ReceiptID, in.Reason)
	if err != nil {
		return proposal.Description{}, err
	}
	after := r.Sums
	after.IgnoredMinor, after.OpenMinor = after.IgnoredMinor+after.OpenMinor, 0
	return proposal.Description{Object: "receipt", ObjectID: r.ID, BaseVersion: r.Version, Before: r.Sums, After: map[string]any{"sums": after, "reason": in.Reason}}, nil
}

func applyIgnore(ctx context.Context, tx *db.Tx, p auth.Principal, _ proposal.Description, body json.RawMessage) error {
	var in IgnoreBody
	if err := proposal.Decode(body, &in); err != nil {
		return err
	}
	r, err := openReceipt(ctx, tx, p, in.ReceiptID, in.Reason)
	if err != nil {
		return err
	}
	r.uses++
	r.Plan = nil
	if err := book(ctx, tx, &r, Use{No: r.uses, Kind: UseIgnored, AmountMinor: r.OpenMinor, Note: in.Reason}, fault.Text{Zh: "来款不属于贷款业务", En: "receipt found not to be of loans"}); err != nil {
		return err
	}
	r.settle()
	return save(ctx, tx, &r)
}

func returnTarget(ctx context.Context, tx *db.Tx, p auth.Principal, body json.RawMessage) (ReturnBody, Receipt, error) {
	var in ReturnBody
	if err := proposal.Decode(body, &in); err != nil {
		return in, Receipt{}, err
	}
	if in.Account == "" || len(in.Account) > 64 || in.Name == "" || len([]rune(in.Name)) > 64 {
		return in, Receipt{}, fault.Field("account", "须填写退回账号与户名", "an account and a name are needed")
	}
	r, err := openReceipt(ctx, tx, p, in.ReceiptID, in.Reason)
	return in, r, err
}

func describeReturn(ctx context.Context, tx *db.Tx, p auth.Principal, body json.RawMessage) (proposal.Description, error) {
	in, r, err := returnTarget(ctx, tx, p, body)
	if err != nil {
		return proposal.Description{}, err
	}
	before := map[string]any{"payer_account": r.PayerAccount, "payer_name": r.PayerName, "open_minor": r.OpenMinor}
	after := map[string]any{"account": in.Account, "name": in.Name, "amount_minor": r.OpenMinor, "reason": in.Reason}
	return proposal.Description{Object: "receipt", ObjectID: r.ID, BaseVersion: r.Version, Before: before, After: after}, nil
}

func describePolicy(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (proposal.Description, error) {
	var in Policy
	if err := proposal.Decode(body, &in); err != nil {
		return proposal.Description{}, err
	}
	if err := in.Validate(); err != nil {
		return proposal.Description{}, err
	}
	now, err := policyOf(ctx, tx)
	in.Version = now.Version + 1
	return proposal.Description{Object: "receipt_policy", ObjectID: tx.Institution, BaseVersion: now.Version, Before: now, After: in}, err
}

func applyPolicy(ctx context.Context, tx *db.Tx, _ auth.Principal, d proposal.Description, body json.RawMessage) error {
	var in Policy
	if err := proposal.Decode(body, &in); err != nil {
		return err
	}
	in.Version = d.BaseVersion + 1
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insertPolicy, tx.Institution, in.Version, string(text), tx.Actor, db.Micros(tx.Now))
	return err
}

// Rematch lets everything that waits meet the rules again: after a collection has had its outcome, new loans have come or the
// rules have changed. What a person has noted, returned or assigned in part is left to the person.
func (s *Service) Rematch(ctx context.Context, p auth.Principal) (j job.Job, err error) {
	if err := p.Require(PermissionHandle); err != nil {
		return j, err
	}
	err = s.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		j, err = s.Jobs.Enqueue(ctx, tx, job.Request{Kind: JobKind, Args: jobArgs{}, Object: "institution", ObjectID: tx.Institution, Principal: p, Key: JobKind})
		return err
	})
	return j, err
}
