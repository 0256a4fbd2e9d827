package recipe

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

var (
	permissionPropose = auth.DeclarePermission("recipe.propose", "提出记账规则", "Propose accounting recipes", auth.RoleOperations)
	permissionReview  = auth.DeclarePermission("recipe.review", "复核记账规则", "Review accounting recipes", auth.RoleOperations, auth.RoleCompliance)
)

// KindChange is the change of a mapping, which a second person decides.
const KindChange = "ledger.recipe"

// Change is the body of a proposal.
type Change struct {
	ProductID     string        `json:"product_id,omitempty" maxLength:"80"`
	EffectiveFrom calendar.Date `json:"effective_from"`
	Accounts      Map           `json:"accounts"`
}

// Service shows the mappings and has them changed.
type Service struct {
	db        *db.DB
	proposals *proposal.Service
}

// NewService makes the service and registers its kind of proposal.
func NewService(d *db.DB, p *proposal.Service) *Service {
	p.Register(proposal.Kind{Name: KindChange, Zh: "变更记账规则", En: "Change an accounting recipe", Propose: permissionPropose, Review: permissionReview,
		Describe: describe, Apply: apply})
	return &Service{db: d, proposals: p}
}

func describe(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (d proposal.Description, err error) {
	var c Change
	if err := proposal.Decode(body, &c); err != nil {
		return d, err
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return d, err
	}
	if c.EffectiveFrom.Before(today) {
		return d, fault.New(ReasonDate, "date", c.EffectiveFrom, "business_date", today).WithField("effective_from")
	}
	if len(c.ProductID) > 80 {
		return d, fault.Field("product_id", "过长", "is too long")
	}
	chart, err := journal.Accounts(ctx, tx)
	if err != nil {
		return d, err
	}
	if err := check(c.Accounts, chart); err != nil {
		return d, err
	}
	versions, err := list(ctx, tx, nil)
	if err != nil {
		return d, err
	}
	id := c.ProductID
	if id == "" {
		id = "*"
	}
	before := compose(versions, c.ProductID, c.EffectiveFrom)
	after := compose(append(versions, Version{ProductID: c.ProductID, Version: newest(versions, c.ProductID) + 1, EffectiveFrom: c.EffectiveFrom, Accounts: c.Accounts}), c.ProductID, c.EffectiveFrom)
	return proposal.Description{Object: "ledger_recipe", ObjectID: id, BaseVersion: newest(versions, c.ProductID), Before: before, After: after}, nil
}

func newest(versions []Version, productID string) int64 {
	var n int64
	for _, v := range versions {
		if v.ProductID == productID {
			n = max(n, v.Version)
		}
	}
	return n
}

func apply(ctx context.Context, tx *db.Tx, p auth.Principal, d proposal.Description, body json.RawMessage) error {
	var c Change
	if err := proposal.Decode(body, &c); err != nil {
		return err
	}
	// Under the head's lock no account of the mapping is deactivated between this look at the chart and the change.
	if err := journal.LockHead(ctx, tx); err != nil {
		return err
	}
	chart, err := journal.Accounts(ctx, tx)
	if err != nil {
		return err
	}
	if err := check(c.Accounts, chart); err != nil {
		return err
	}
	v := Version{ProductID: c.ProductID, Version: d.BaseVersion + 1, EffectiveFrom: c.EffectiveFrom, Accounts: c.Accounts, ApprovedBy: p.UserID, CreatedAt: tx.Now}
	if err := insert(ctx, tx, v); err != nil {
		return err
	}
	db.Forget(tx, memoKey{})
	if err := audit.Record(ctx, tx, audit.Entry{Action: "ledger.recipe", Object: "ledger_recipe", ObjectID: d.ObjectID, Before: d.Before, After: d.After}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: "ledger.recipe_changed", Aggregate: "ledger_recipe", AggregateID: d.ObjectID + "/" + strconv.FormatInt(v.Version, 10), Payload: v})
}

// View is the mapping in force and its history.
type View struct {
	ProductID string        `json:"product_id"`
	Date      calendar.Date `json:"date"`
	Accounts  Map           `json:"accounts" doc:"every role with the account that plays it on the date"`
	Versions  []Version     `json:"versions" doc:"what the institution changed, newest first"`
}

// Get shows the mapping of a product ("" for all) on a date (none: the business date).
func (s *Service) Get(ctx context.Context, p auth.Principal, productID string, date calendar.Date) (v View, err error) {
	if err := p.Require(journal.PermissionRead); err != nil {
		return v, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if date.IsZero() {
			if date, err = tx.BusinessDate(ctx); err != nil {
				return err
			}
		}
		v.ProductID, v.Date = productID, date
		if v.Accounts, err = For(ctx, tx, productID, date); err != nil {
			return err
		}
		all, err := list(ctx, tx, nil)
		v.Versions = []Version{}
		for i := len(all) - 1; i >= 0; i-- {
			if all[i].ProductID == productID || all[i].ProductID == "" {
				v.Versions = append(v.Versions, all[i])
			}
		}
		return err
	})
	return v, err
}

// Propose hands a change to a second person.
func (s *Service) Propose(ctx context.Context, p auth.Principal, c Change, note string) (made proposal.Proposal, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		made, err = s.proposals.Propose(ctx, tx, p, KindChange, c, note)
		return err
	})
	return made, err
}
