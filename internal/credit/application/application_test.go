package application_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/creditkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// flat is a schedule of equal months of simple interest and the principal at the end.
func flat(in application.ScheduleInput) (application.Preview, error) {
	interest, err := rate.Interest(in.AmountMinor, in.Rate, 30, 360, money.HalfUp)
	if err != nil {
		return application.Preview{}, err
	}
	out := application.Preview{AnnualisedRate: in.Rate}
	for i := 1; i <= in.TenorMonths; i++ {
		line := application.Instalment{No: i, DueOn: in.StartsOn.AddMonths(i, calendar.Clamp), InterestMinor: interest, TotalMinor: interest, BalanceMinor: in.AmountMinor}
		out.TotalCostMinor += interest
		out.Instalments = append(out.Instalments, line)
	}
	return out, nil
}

func input(amountMinor int64) application.Input {
	return application.Input{FirmID: "firm_1", ProductID: "invoice-credit", AmountMinor: amountMinor, Currency: "CNY", TenorMonths: 12, Method: "interest_only", Purpose: "stock"}
}

func setup(t *testing.T, d *db.DB) (*application.Service, dbtest.Staff, *creditkit.Book) {
	t.Helper()
	s, book := dbtest.Institution(t, d), creditkit.Healthy()
	return application.NewService(d, decision.NewEngine(book.Sources(t)), flat), s, book
}

var proof = application.Acceptance{Channel: "branch", Signer: "王某", Reference: "FORM-001"}

func TestFromDraftToDrawn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		svc, s, _ := setup(t, d)
		creditkit.Consent(t, d, s.System.Scope(), "firm_1")
		a, err := svc.Create(t.Context(), s.Manager, input(40_000_000))
		require.NoError(t, err)
		require.Equal(t, application.Draft, a.State)
		a, err = svc.Edit(t.Context(), s.Manager, a.ID, a.Version, input(30_000_000))
		require.NoError(t, err)
		require.EqualValues(t, 30_000_000, a.AmountMinor)
		_, err = svc.Edit(t.Context(), s.Manager, a.ID, 1, input(20_000_000))
		require.True(t, fault.Is(err, fault.ReasonStale), err)

		a, err = svc.Submit(t.Context(), s.Manager, a.ID, a.Version)
		require.NoError(t, err)
		require.Equal(t, application.Approved, a.State)
		require.NotEmpty(t, a.DecisionID)
		a, err = svc.Offer(t.Context(), s.Manager, a.ID, a.Version)
		require.NoError(t, err)
		require.Len(t, a.Offer.Instalments, 12)
		require.Positive(t, a.Offer.TotalCostMinor)
		require.Equal(t, "2026-01-20", a.Offer.ExpiresOn.String())
		require.Equal(t, a.Rate, a.Offer.AnnualisedRate)

		_, err = svc.Accept(t.Context(), s.Manager, a.ID, a.Version, application.Acceptance{Channel: "phone", Signer: "王某"})
		require.True(t, fault.Is(err, application.ReasonEvidence), err)
		a, err = svc.Accept(t.Context(), s.Manager, a.ID, a.Version, proof)
		require.NoError(t, err)
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			return fault.Join(
				application.MarkContracted(t.Context(), tx, a.ID, "con_1"), application.MarkContracted(t.Context(), tx, a.ID, "con_1"),
				application.MarkDrawn(t.Context(), tx, a.ID, "loan_1"), application.MarkDrawn(t.Context(), tx, a.ID, "loan_2"))
		}))
		got, err := svc.Get(t.Context(), s.Manager, a.ID)
		require.NoError(t, err)
		require.Equal(t, application.Drawn, got.State)
		require.Equal(t, "loan_1", got.LoanID)
		require.Empty(t, got.Possible)
		var acts []application.Action
		for _, st := range got.Steps {
			acts = append(acts, st.Action)
		}
		require.Equal(t, []application.Action{"create", "edit", "submit", "approve", "offer", "accept", "contract", "draw"}, acts)
		for _, m := range got.Progress {
			require.True(t, m.Done, m.Stage)
		}
	})
}

func TestDeclinedStoryShowsReasonsAndEnds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		svc, s, book := setup(t, d)
		creditkit.Consent(t, d, s.System.Scope(), "firm_1")
		book.Features["sales_growth_yoy"] = -0.7
		a, err := svc.Create(t.Context(), s.Manager, input(40_000_000))
		require.NoError(t, err)
		a, err = svc.Submit(t.Context(), s.Manager, a.ID, 0)
		require.NoError(t, err)
		require.Equal(t, application.Declined, a.State)
		require.Equal(t, "SALES_COLLAPSED", a.Reasons[0].Code)
		require.NotEmpty(t, a.Reasons[0].Remedy.Zh)
		require.False(t, a.Reasons[0].RetryOn.IsZero())
		_, err = svc.Offer(t.Context(), s.Manager, a.ID, 0)
		require.True(t, fault.Is(err, application.ReasonState), err)
		_, err = svc.Create(t.Context(), s.Manager, input(40_000_000))
		require.NoError(t, err, "a declined application does not block the next")
	})
}

func TestBadInputAndMissingConsentLeaveTheDraft(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		svc, s, _ := setup(t, d)
		bad := input(1)
		bad.Method = "never"
		_, err := svc.Create(t.Context(), s.Manager, bad)
		require.Len(t, fault.All(err), 2)
		a, err := svc.Create(t.Context(), s.Manager, input(40_000_000))
		require.NoError(t, err)
		_, err = svc.Create(t.Context(), s.Manager, input(40_000_000))
		require.True(t, fault.Is(err, application.ReasonDuplicate), err)
		_, err = svc.Submit(t.Context(), s.Manager, a.ID, 0)
		require.True(t, fault.Is(err, consent.ReasonMissing), err)
		got, err := svc.Get(t.Context(), s.Manager, a.ID)
		require.NoError(t, err)
		require.Equal(t, application.Draft, got.State)
		require.Len(t, got.Steps, 1)

		west := s.Manager
		west.BranchPath = "/hq/west/"
		_, err = svc.Get(t.Context(), west, a.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound), err)
		items, total, err := svc.List(t.Context(), west, application.Filter{}, "", 10)
		require.NoError(t, err)
		require.Empty(t, items)
		require.Zero(t, total)
		_, err = svc.Create(t.Context(), s.Operations, input(40_000_000))
		require.True(t, fault.Is(err, fault.ReasonForbidden), err)
		_, err = svc.Withdraw(t.Context(), s.Manager, a.ID, 0, " ")
		require.True(t, fault.Is(err, fault.ReasonRequired), err)
		other := dbtest.Institution(t, d)
		_, err = svc.Get(t.Context(), other.Manager, a.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound), err)
	})
}

func TestDoubleClickSubmitsOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		svc, s, _ := setup(t, d)
		creditkit.Consent(t, d, s.System.Scope(), "firm_1")
		a, err := svc.Create(t.Context(), s.Manager, input(40_000_000))
		require.NoError(t, err)
		var wg sync.WaitGroup
		won := make(chan bool, 6)
		for range 6 {
			wg.Go(func() {
				_, err := svc.Submit(context.Background(), s.Manager, a.ID, a.Version)
				won <- err == nil
				if err != nil && !fault.Is(err, fault.ReasonStale) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		close(won)
		n := 0
		for ok := range won {
			if ok {
				n++
			}
		}
		require.Equal(t, 1, n)
	})
}

var rollDate = db.Q("update institution set business_date = $2 where institution_id = $1")

func TestOffersExpireByTheBusinessDate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		svc, s, _ := setup(t, d)
		creditkit.Consent(t, d, s.System.Scope(), "firm_1")
		a, err := svc.Create(t.Context(), s.Manager, input(40_000_000))
		require.NoError(t, err)
		a, err = svc.Submit(t.Context(), s.Manager, a.ID, 0)
		require.NoError(t, err)
		a, err = svc.Offer(t.Context(), s.Manager, a.ID, 0)
		require.NoError(t, err)
		expire := func(day string) (n int) {
			require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), rollDate, s.InstitutionID, day)
				return err
			}))
			require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
				n, err = application.ExpireDue(t.Context(), tx)
				return err
			}))
			return n
		}
		require.Zero(t, expire("2026-01-20"))
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), rollDate, s.InstitutionID, "2026-01-21")
			return err
		}))
		_, err = svc.Accept(t.Context(), s.Manager, a.ID, 0, proof)
		require.True(t, fault.Is(err, application.ReasonOfferExpired), err)
		require.Equal(t, 1, expire("2026-01-21"))
		require.Zero(t, expire("2026-01-21"))
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			return application.Expiry().Handle(t.Context(), tx, event.Event{Type: "eod.completed"})
		}))
		board, err := svc.Board(t.Context(), s.Manager)
		require.NoError(t, err)
		for _, c := range board {
			want := int64(0)
			if c.State == application.Expired {
				want = 1
			}
			require.Equal(t, want, c.Count, c.State)
			require.NotEmpty(t, c.Name.Zh)
		}
		items, total, err := svc.List(t.Context(), s.Manager, application.Filter{State: "expired", Query: "精密"}, "", 10)
		require.NoError(t, err)
		require.Len(t, items, 1)
		require.EqualValues(t, 1, total)
	})
}

// Every transition ends in a known state, and a closed state has no way out.
func TestTransitionsAreAClosedSet(t *testing.T) {
	t.Parallel()
	known := map[application.State]bool{}
	for _, n := range application.Names {
		known[n.State] = true
		require.NotEmpty(t, n.Name.Zh)
	}
	reached := map[application.State]bool{application.Draft: true}
	for _, tr := range application.Transitions {
		require.True(t, known[tr.To])
		reached[tr.To] = true
		for _, f := range tr.From {
			require.True(t, known[f])
			require.True(t, f.Open(), f)
		}
	}
	for st := range known {
		require.True(t, reached[st], "%s can be reached", st)
	}
}
