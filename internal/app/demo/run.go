package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/evidence/intake"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/lending/contract"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Steps is how the run tells its progress: one call per step begun, any number per step of how far.
type Steps interface {
	Begin(zh, en string)
	Set(done, total int64)
	Note(zh, en string)
}

// run is one walk through the main job.
type run struct {
	a      *app.App
	o      Options
	steps  Steps
	inst   auth.Institution
	people map[string]auth.Principal
	firms  []Firm
	ids    map[string]string // code -> firm id
	loans  []funded
	others []funded // one of each kind beside the revolving credit
}

type funded struct {
	firm Firm
	loan loan.Loan
}

// fundedMax is how many firms get money in the demonstration.
const fundedMax = 12

// Run makes the demonstration institution on an opened system whose workers run, and walks the main job
// on it: evidence, profile, model, decisions, contracts, money out, interest, repayment, a fresh batch.
// Where the institution exists already, it changes nothing and reports so.
func Run(ctx context.Context, a *app.App, o Options, steps Steps) (existed bool, err error) {
	r := &run{a: a, o: o, steps: steps, ids: map[string]string{}}
	steps.Begin("建立演示机构、分支与人员", "founding the demonstration bank, its branches and people")
	if err := begun(a); err != nil {
		return false, err
	}
	if r.inst, existed, err = found(ctx, a, o.Until); err != nil || existed {
		return existed, errors.Join(err, finished(a))
	}
	if r.people, err = signIn(ctx, a); err != nil {
		return false, err
	}
	if r.firms, err = Generate(o); err != nil {
		return false, err
	}
	for _, step := range []struct {
		zh, en string
		do     func(context.Context) error
	}{
		{"导入企业与两年发票", "importing firms and two years of invoices", r.importAll},
		{"登记企业授权", "recording the firms' consents", r.consents},
		{"训练、验证并审批评分卡", "training, validating and approving a scorecard", r.train},
		{"逐户评分与预测算", "scoring and pre-checking every firm", r.decideAll},
		{"申请、决策、签约、放款（经银行模拟器）", "applications, decisions, contracts, money out through the bank simulator", r.lend},
		{"租赁、贴现、分次放款、销售分成各一笔", "a lease, a discount, a loan in stages and one repaid by sales", r.special},
		{"两个月：日终计息扣款，新发票陆续到达", "two months: interest, collections, fresh invoices as they come", r.months},
		{"监测触发：额度与任务", "the watch reacts: limits and tasks", r.noticed},
		{"一户提前还款", "an early repayment", r.repay},
	} {
		steps.Begin(step.zh, step.en)
		if err := step.do(ctx); err != nil {
			return false, fmt.Errorf("%s: %w", step.en, err)
		}
	}
	return false, finished(a)
}

func (r *run) importAll(ctx context.Context) error {
	sys := auth.SystemPrincipal(r.inst.ID, "demo")
	branches, err := r.a.Auth.Branches(ctx, sys)
	if err != nil {
		return err
	}
	manager := map[string]string{"east": r.people["chen.rm"].UserID, "west": r.people["lin.rm"].UserID}
	for _, b := range branches {
		var own []Firm
		for _, f := range r.firms {
			if f.Branch == b.Code {
				own = append(own, f)
			}
		}
		if len(own) == 0 {
			continue
		}
		files, err := Files(own)
		if err != nil {
			return err
		}
		for _, file := range files {
			got, err := r.a.Intake.ImportFile(ctx, r.people["zhang.ops"], b.Name+"_"+file.Name, bytes.NewReader(file.Data),
				intake.Options{BranchID: b.ID, BranchPath: b.Path, ManagerID: manager[b.Code], Demo: true}, r.steps.Set)
			if err != nil {
				return err
			}
			if got.Report.ErrorCount > 0 {
				return fmt.Errorf("%s: %d bad rows in generated data", file.Name, got.Report.ErrorCount)
			}
			r.steps.Note(fmt.Sprintf("%s：%d 行", got.FileName, got.Report.Rows), fmt.Sprintf("%s: %d rows", got.FileName, got.Report.Rows))
		}
	}
	return r.complete(ctx, sys)
}

// complete fills what a firm list does not say: revenue, assets, owner; the size class follows.
func (r *run) complete(ctx context.Context, sys auth.Principal) error {
	return r.a.DB.Update(ctx, sys.Scope(), func(tx *db.Tx) error {
		for _, f := range r.firms {
			old, err := party.ByCode(ctx, tx, f.Code)
			if err != nil {
				return err
			}
			d := party.Draft{
				Name: old.Name, USCC: old.USCC, Industry: old.Industry, Region: old.Region, Employees: f.Employees, RevenueMinor: f.RevenueMinor, AssetsMinor: f.AssetsMinor,
				SizeSource: "tax", OwnerName: f.OwnerName, Phone: f.Phone, Address: f.Address, BranchID: old.BranchID, BranchPath: old.BranchPath, ManagerID: old.ManagerID,
				Demo: true, DefaultLabel: old.DefaultLabel, LabelOn: r.o.Until, LabelSource: "demonstration",
			}
			if _, err := r.a.Firms.UpdateTx(ctx, tx, old.ID, old.Version, d); err != nil {
				return err
			}
			r.ids[f.Code] = old.ID
		}
		return nil
	})
}

func (r *run) consents(ctx context.Context) error {
	return r.a.DB.Update(ctx, r.people["zhang.ops"].Scope(), func(tx *db.Tx) error {
		for i, f := range r.firms {
			for _, purpose := range []string{consent.PurposeCredit, consent.PurposeWatch} {
				_, err := consent.Grant(ctx, tx, r.ids[f.Code], consent.Draft{
					Purpose: purpose, Kinds: []string{consent.KindInvoice}, EndsOn: r.o.Until.AddMonths(36, calendar.Clamp),
				})
				if err != nil {
					return err
				}
			}
			r.steps.Set(int64(i+1), int64(len(r.firms)))
		}
		return nil
	})
}

func (r *run) train(ctx context.Context) error {
	risk, second := r.people["li.risk"], r.people["wang.risk"]
	m, err := r.a.Models.Train(ctx, risk, model.TrainInput{Name: "演示发票评分卡 / demonstration invoice scorecard", AsOf: r.o.Until.String(), Seed: r.o.Seed})
	if err != nil {
		return err
	}
	if m, err = r.a.Models.Validate(ctx, risk, m.ID); err != nil {
		return err
	}
	if _, err = r.a.Models.Approve(ctx, second, m.ID, "演示审批：验证报告已阅 / demonstration: validation report read"); err != nil {
		return err
	}
	_, err = r.a.Models.Activate(ctx, second, m.ID)
	return err
}

// decideAll scores every firm and makes a soft check, so that lists and the optimiser have all of them.
func (r *run) decideAll(ctx context.Context) error {
	risk := r.people["li.risk"]
	for i, f := range r.firms {
		err := r.a.DB.Update(ctx, risk.Scope(), func(tx *db.Tx) error {
			snap, err := profile.Refresh(ctx, tx, r.ids[f.Code], r.o.Until)
			if err != nil {
				return err
			}
			_, err = model.ScoreFirm(ctx, tx, r.ids[f.Code], snap)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", f.Code, err)
		}
		r.steps.Set(int64(i+1), int64(len(r.firms)))
	}
	return nil
}

// lend walks the firms through the pipeline until enough of them have money. Some are declined or
// referred on the way: they stay in the pipeline as they would in life.
func (r *run) lend(ctx context.Context) error {
	for i, f := range r.firms {
		if len(r.loans) >= fundedMax {
			break
		}
		if i%3 == 2 {
			continue // not every firm asks
		}
		if err := r.apply(ctx, f, i); err != nil {
			return fmt.Errorf("%s: %w", f.Code, err)
		}
		r.steps.Set(int64(len(r.loans)), fundedMax)
	}
	if len(r.loans) < 3 {
		return fmt.Errorf("only %d firms could be funded", len(r.loans))
	}
	return r.paid(ctx, r.loans)
}

func (r *run) apply(ctx context.Context, f Firm, i int) error {
	rm := r.people["chen.rm"]
	if f.Branch == "west" {
		rm = r.people["lin.rm"]
	}
	method := []string{"equal_instalment", "interest_only"}[i%2]
	amount := max(5_000_000, min(50_000_000, f.RevenueMinor/20/1_000_000*1_000_000))
	c, ok, err := r.contracted(ctx, rm, f, application.Input{
		FirmID: r.ids[f.Code], ProductID: "invoice-credit", AmountMinor: amount, Currency: "CNY", TenorMonths: 12, Method: method, Purpose: "stock",
		PurposeNote: "采购原材料（演示）",
	}, i%7 == 1)
	if err != nil || !ok {
		return err
	}
	l, err := r.a.Loans.Draw(ctx, r.people["zhang.ops"], loan.DrawInput{
		FacilityID: c.FacilityID, AmountMinor: c.Terms.LimitMinor * 6 / 10 / 10_000 * 10_000, TenorMonths: 12, Method: loan.Method(method),
		PayeeName: f.Name, PayeeAccount: Account(f), Reference: "demo-draw-" + f.Code,
	})
	if err != nil {
		return err
	}
	r.loans = append(r.loans, funded{f, l})
	return nil
}

// contracted walks a wish to its contract. A firm that is referred or declined stays where it is; waits leaves an offer that
// waits for the firm.
func (r *run) contracted(ctx context.Context, rm auth.Principal, f Firm, in application.Input, waits bool) (c contract.Contract, ok bool, err error) {
	app, err := r.a.Apps.Create(ctx, rm, in)
	if err != nil {
		return c, false, err
	}
	if app, err = r.a.Apps.Submit(ctx, rm, app.ID, app.Version); err != nil || app.State != application.Approved {
		return c, false, err
	}
	if app, err = r.a.Apps.Offer(ctx, rm, app.ID, app.Version); err != nil || waits {
		return c, false, err
	}
	if app, err = r.a.Apps.Accept(ctx, rm, app.ID, app.Version, application.Acceptance{Channel: "branch", Signer: f.OwnerName, Reference: "演示签收单-" + f.Code}); err != nil {
		return c, false, err
	}
	c, err = r.a.Contracts.Sign(ctx, r.people["zhang.ops"], app.ID)
	return c, err == nil, err
}

// Account is the firm's account at the bank simulator.
func Account(f Firm) string { return "6228DEMO" + f.Code }

// paid waits until the bank has paid every drawdown.
func (r *run) paid(ctx context.Context, loans []funded) error {
	deadline := time.Now().Add(time.Minute)
	for i := range loans {
		x := &loans[i]
		for {
			d, err := r.a.Loans.Get(ctx, r.people["zhang.ops"], x.loan.ID)
			if err != nil {
				return err
			}
			if x.loan = d.Loan; x.loan.Status == loan.Active {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("loan %s is still %s after a minute", x.loan.ID, x.loan.Status)
			}
			if _, err := r.a.Dispatcher.Drain(ctx); err != nil {
				return err
			}
			if err := pause(ctx, 20*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// arrivals are the days after the evidence on which fresh invoices come in; the business date ends on
// the last of them, two months on, so that instalments fall due and a fall shows.
var arrivals = []int{15, 31, 46, 61}

// months ends day after day; twice a month fresh invoices of the funded firms arrive, and two of the
// firms have all but stopped selling.
func (r *run) months(ctx context.Context) error {
	from := r.o.Until
	for _, n := range arrivals {
		to := r.o.Until.AddDays(n)
		_, err := r.a.EOD.Until(ctx, r.people["zhang.ops"], to, func(eod.Step, int64, int64) error {
			return ctx.Err()
		})
		if err != nil {
			return err
		}
		if err := r.arrive(ctx, from, to); err != nil {
			return err
		}
		if n == arrivals[0] {
			if err := r.takings(ctx, from, to); err != nil {
				return err
			}
		}
		r.steps.Set(int64(n), int64(arrivals[len(arrivals)-1]))
		from = to
	}
	_, err := r.a.Dispatcher.Drain(ctx)
	return err
}

func (r *run) arrive(ctx context.Context, from, to calendar.Date) error {
	var fresh []Firm
	for i, x := range r.loans {
		f := x.firm
		f.Invoices = FreshBatch(r.o, f, i < 2, from, to)
		fresh = append(fresh, f)
	}
	for _, x := range r.others {
		f := x.firm
		f.Invoices = FreshBatch(r.o, f, false, from, to)
		fresh = append(fresh, f)
	}
	for _, dir := range []source.Direction{source.Sale, source.Purchase} {
		data, err := invoiceFile(fresh, dir)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("演示_%s_新到%s发票.csv.gz", to, map[source.Direction]string{source.Sale: "销项", source.Purchase: "进项"}[dir])
		if _, err := r.a.Intake.ImportFile(ctx, r.people["zhang.ops"], name, bytes.NewReader(data), intake.Options{Demo: true}, func(int64, int64) {}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) repay(ctx context.Context) error {
	x := r.loans[len(r.loans)-1]
	_, err := r.a.Loans.Repay(ctx, r.people["zhang.ops"], loan.RepayInput{LoanID: x.loan.ID, AmountMinor: x.loan.PrincipalMinor / 4, Prepay: true, Reference: "demo-prepay-" + x.firm.Code})
	return err
}

// noticed waits for the watch to judge the firms and tells what it did.
func (r *run) noticed(ctx context.Context) error {
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		frozen, signals, err := r.reaction(ctx)
		if err != nil {
			return err
		}
		if signals > 0 && frozen > 0 {
			r.steps.Note(fmt.Sprintf("%d 条预警，%d 个额度被冻结或调减，客户经理已收到任务", signals, frozen), fmt.Sprintf("%d signals, %d limits frozen or lowered, tasks opened for the relationship managers", signals, frozen))
			return nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("the watch did not react to the fresh invoices within 30 seconds")
}

var (
	countSignals = db.Q(`select count(*) from signal where institution_id = $1`)
	countHeld    = db.Q(`select count(distinct facility_id) from facility_movement where institution_id = $1 and kind in ('freeze', 'limit')`)
)

func (r *run) reaction(ctx context.Context) (held, signals int64, err error) {
	err = r.a.DB.View(ctx, r.people["li.risk"].Scope(), func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countSignals, tx.Institution).Scan(&signals); err != nil {
			return err
		}
		return tx.QueryRow(ctx, countHeld, tx.Institution).Scan(&held)
	})
	return held, signals, err
}
