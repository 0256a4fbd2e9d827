package app

import (
	"context"
	"fmt"

	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/receipt"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Checked is the outcome of one check on one institution.
type Checked struct {
	Institution string   `json:"institution"`
	Zh          string   `json:"zh"`
	En          string   `json:"en"`
	Checked     int64    `json:"checked"`
	Detail      string   `json:"detail"`
	Problems    []string `json:"problems"`
}

type check struct {
	zh, en string
	run    func(ctx context.Context, tx *db.Tx) (n int64, detail string, problems []string, err error)
}

func (a *App) checks() []check {
	return []check{
		{"日记账与余额", "journal and balances", func(ctx context.Context, tx *db.Tx) (int64, string, []string, error) {
			r, err := journal.Verify(ctx, tx)
			return r.Entries, r.Hash, nil, err
		}},
		{"贷款重放", "loans replayed", func(ctx context.Context, tx *db.Tx) (int64, string, []string, error) {
			r, err := loan.Verify(ctx, tx)
			return r.Loans, fmt.Sprintf("%d events", r.Events), nil, err
		}},
		{"来款去向", "receipts accounted for", func(ctx context.Context, tx *db.Tx) (int64, string, []string, error) {
			n, open, err := receipt.Verify(ctx, tx)
			return n, fmt.Sprintf("%d fen in suspense for them", open), nil, err
		}},
		{"额度使用", "limits in use", func(ctx context.Context, tx *db.Tx) (int64, string, []string, error) {
			n, drift, err := facility.Verify(ctx, tx)
			var out []string
			for _, x := range drift {
				out = append(out, fmt.Sprintf("%s: stored %d, movements %d", x.FacilityID, x.StoredMinor, x.RecountsMinor))
			}
			return n, "", out, err
		}},
		{"决策重放", "decisions replayed", func(ctx context.Context, tx *db.Tx) (int64, string, []string, error) {
			n, differing, err := decision.Verify(ctx, tx)
			var out []string
			for _, x := range differing {
				out = append(out, fmt.Sprintf("%+v", x))
			}
			return int64(n), "", out, err
		}},
		{"画像重算", "profiles recomputed", func(ctx context.Context, tx *db.Tx) (int64, string, []string, error) {
			r, err := profile.Verify(ctx, tx)
			return r.Checked, fmt.Sprintf("%d on evidence that has grown since", r.Outdated), r.Differing, err
		}},
		{"评分重放", "scores replayed", func(ctx context.Context, tx *db.Tx) (int64, string, []string, error) {
			n, differing, err := model.Verify(ctx, tx)
			return int64(n), "", differing, err
		}},
		{"合同与文件", "contracts and documents", func(ctx context.Context, tx *db.Tx) (int64, string, []string, error) {
			n, err := a.Contracts.Verify(ctx, tx)
			return n, "", nil, err
		}},
	}
}

// verifyShared checks what no institution's own verification can: the outbox, whose positions are one order over all institutions, and rows
// that have lost their institution.
func (a *App) verifyShared(ctx context.Context) ([]Checked, error) {
	x := Checked{Institution: "*", Zh: "业务事件", En: "outbox", Problems: []string{}}
	stray := Checked{Institution: "*", Zh: "无主占用", En: "holds of no institution", Problems: []string{}}
	err := a.DB.View(ctx, db.System("verify"), func(tx *db.Tx) error {
		r, err := event.Verify(ctx, tx)
		if err != nil {
			return err
		}
		x.Checked, x.Detail, x.Problems = r.Events, fmt.Sprintf("%d without a checksum, of before", r.Unsealed), append(x.Problems, r.Problems...)
		lost, err := journal.StrayHolds(ctx, tx)
		for _, reference := range lost {
			stray.Problems = append(stray.Problems, "hold "+reference)
		}
		stray.Checked = int64(len(lost))
		return err
	})
	return []Checked{x, stray}, err
}

// Verify recomputes everything that can be recomputed, per institution, in one snapshot each. A broken
// chain or a differing projection is a problem of its check, not an error of the run.
func (a *App) Verify(ctx context.Context) ([]Checked, error) {
	all, err := a.Auth.Institutions(ctx, "")
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fault.New(ReasonNothingToVerify) // "everything agrees" about nothing would reassure wrongly
	}
	out, err := a.verifyShared(ctx)
	if err != nil {
		return nil, err
	}
	for _, inst := range all {
		scope := db.Scope{Institution: inst.ID, Actor: "system:verify"}
		trail, err := a.Audit.Verify(ctx, scope, inst.ID)
		if err != nil {
			return nil, fmt.Errorf("audit chain: %w", err)
		}
		x := Checked{
			Institution: inst.Code, Zh: "审计链", En: "audit chain", Checked: trail.Sealed, Problems: []string{},
			Detail: fmt.Sprintf("%d anchors, %d not sealed yet", trail.Anchors, trail.Pending),
		}
		for _, f := range trail.Findings {
			x.Problems = append(x.Problems, fmt.Sprintf("%d %s: %s %s", f.Seq, f.ID, f.Zh, f.Problem))
		}
		out = append(out, x)
		err = a.DB.View(ctx, scope, func(tx *db.Tx) error {
			for _, c := range a.checks() {
				x := Checked{Institution: inst.Code, Zh: c.zh, En: c.en, Problems: []string{}}
				n, detail, problems, err := c.run(ctx, tx)
				if len(fault.All(err)) > 0 {
					problems, err = append(problems, err.Error()), nil
				}
				if err != nil {
					return fmt.Errorf("%s: %w", c.en, err)
				}
				x.Checked, x.Detail, x.Problems = n, detail, append(x.Problems, problems...)
				out = append(out, x)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
