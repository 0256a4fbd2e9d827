package chart

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

var (
	permissionPropose = auth.DeclarePermission("chart.propose", "提出变更科目表", "Propose changes of the chart of accounts", auth.RoleOperations)
	permissionReview  = auth.DeclarePermission("chart.review", "复核科目表变更", "Review changes of the chart of accounts", auth.RoleOperations, auth.RoleCompliance)
)

// Kinds of changes that need a second person.
const (
	KindAccount = "ledger.account"
	KindLimit   = "ledger.limit"
)

// LimitChange gives one sub-account an overdraft of its own; -1 takes it away.
type LimitChange struct {
	Account        string         `json:"account" maxLength:"20"`
	Sub            string         `json:"sub" minLength:"1" maxLength:"80"`
	Currency       money.Currency `json:"currency"`
	OverdraftMinor int64          `json:"overdraft_minor" minimum:"-1"`
}

// Service has the chart changed.
type Service struct {
	db        *db.DB
	proposals *proposal.Service
}

// NewService makes the service and registers its kinds of proposals.
func NewService(d *db.DB, p *proposal.Service) *Service {
	p.Register(proposal.Kind{Name: KindAccount, Zh: "变更会计科目", En: "Change an account of the chart", Propose: permissionPropose, Review: permissionReview,
		Describe: describeAccount, Apply: applyAccount})
	p.Register(proposal.Kind{Name: KindLimit, Zh: "变更子户透支额", En: "Change the overdraft of a sub-account", Propose: permissionPropose, Review: permissionReview,
		Describe: describeLimit, Apply: applyLimit})
	return &Service{db: d, proposals: p}
}

func describeAccount(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (d proposal.Description, err error) {
	var c Change
	if err := proposal.Decode(body, &c); err != nil {
		return d, err
	}
	accounts, err := journal.Accounts(ctx, tx)
	if err != nil {
		return d, err
	}
	before, err := check(c, accounts)
	if err != nil {
		return d, err
	}
	if before != nil && before.Active && !c.Active {
		if err := dispensable(ctx, tx, c.Code); err != nil {
			return d, err
		}
	}
	d = proposal.Description{Object: "account", ObjectID: c.Code, After: c.account()}
	if before != nil {
		d.BaseVersion, d.Before = before.Version, *before
	}
	return d, nil
}

// dispensable refuses to lose an account that holds money or that postings will ask for.
func dispensable(ctx context.Context, tx *db.Tx, code string) error {
	settled, err := journal.Settled(ctx, tx, code)
	if err != nil {
		return err
	}
	if !settled {
		return fault.New(ReasonUnsettled, "account", code)
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return err
	}
	parts, err := recipe.PlayedBy(ctx, tx, code, today)
	if err != nil || len(parts) == 0 {
		return err
	}
	var zh, en []string
	for _, p := range parts {
		if p.ProductID != "" {
			p.Zh, p.En = p.Zh+"（产品 "+p.ProductID+"）", p.En+" (product "+p.ProductID+")"
		}
		zh, en = append(zh, p.Zh), append(en, p.En)
	}
	return fault.New(ReasonPlaysRole, "account", code, "role", strings.Join(en, ", "), "role_zh", strings.Join(zh, "、")).WithField("active")
}

func applyAccount(ctx context.Context, tx *db.Tx, p auth.Principal, _ proposal.Description, body json.RawMessage) error {
	// Under the head's lock nothing is posted between this look at the balance and the change.
	if err := journal.LockHead(ctx, tx); err != nil {
		return err
	}
	d, err := describeAccount(ctx, tx, p, body)
	if err != nil {
		return err
	}
	var c Change
	if err := proposal.Decode(body, &c); err != nil {
		return err
	}
	if err := journal.PutAccount(ctx, tx, c.account()); err != nil {
		return err
	}
	return record(ctx, tx, "account", c.Code, d.Before, d.After)
}

func describeLimit(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (d proposal.Description, err error) {
	var c LimitChange
	if err := proposal.Decode(body, &c); err != nil {
		return d, err
	}
	if c.Sub == "" || len(c.Sub) > 80 {
		return d, fault.Required("sub")
	}
	if _, ok := c.Currency.Decimals(); !ok {
		return d, fault.Field("currency", "未知币种", "is not a known currency")
	}
	if c.OverdraftMinor < journal.OverdraftUnlimited {
		return d, fault.Field("overdraft_minor", "须为 -1 或不小于 0", "must be -1 or not negative")
	}
	if _, err := journal.FindAccount(ctx, tx, c.Account); err != nil {
		return d, err
	}
	minor, version, err := journal.Limit(ctx, tx, c.Account, c.Sub, string(c.Currency))
	if err != nil {
		return d, err
	}
	before := c
	before.OverdraftMinor = minor
	d = proposal.Description{Object: "ledger_limit", ObjectID: c.Account + "/" + c.Sub + "/" + string(c.Currency), BaseVersion: version, After: c}
	if version > 0 {
		d.Before = before
	}
	return d, nil
}

func applyLimit(ctx context.Context, tx *db.Tx, _ auth.Principal, d proposal.Description, body json.RawMessage) error {
	var c LimitChange
	if err := proposal.Decode(body, &c); err != nil {
		return err
	}
	if err := journal.SetLimit(ctx, tx, c.Account, c.Sub, string(c.Currency), c.OverdraftMinor); err != nil {
		return err
	}
	return record(ctx, tx, "ledger_limit", d.ObjectID, d.Before, d.After)
}

func record(ctx context.Context, tx *db.Tx, object, id string, before, after any) error {
	if err := audit.Record(ctx, tx, audit.Entry{Action: object + ".change", Object: object, ObjectID: id, Before: before, After: after}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: object + ".changed", Aggregate: object, AggregateID: id, Payload: after})
}

// Propose hands a change of an account to a second person.
func (s *Service) Propose(ctx context.Context, p auth.Principal, c Change, note string) (proposal.Proposal, error) {
	return s.propose(ctx, p, KindAccount, c, note)
}

// ProposeLimit hands an overdraft of a sub-account to a second person.
func (s *Service) ProposeLimit(ctx context.Context, p auth.Principal, c LimitChange, note string) (proposal.Proposal, error) {
	return s.propose(ctx, p, KindLimit, c, note)
}

func (s *Service) propose(ctx context.Context, p auth.Principal, kind string, body any, note string) (made proposal.Proposal, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		made, err = s.proposals.Propose(ctx, tx, p, kind, body, note)
		return err
	})
	return made, err
}
