package application

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Offer makes the offer of an approved application: amount, one price line, whole cost, schedule.
func (s *Service) Offer(ctx context.Context, p auth.Principal, id string, version int64) (Application, error) {
	return s.step(ctx, p, id, version, permissionWrite, func(tx *db.Tx, a Application) (Application, error) {
		day, err := tx.BusinessDate(ctx)
		if err != nil {
			return a, err
		}
		if a.State == Approved && day.After(a.ExpiresOn) {
			return a, fault.New(ReasonDecisionStale, "valid_until", a.ExpiresOn)
		}
		if _, err := next(a.State, ActOffer); err != nil {
			return a, err
		}
		c, err := product.Active(ctx, tx, a.ProductID)
		if err != nil {
			return a, err
		}
		offer, err := s.offer(ctx, tx, c, a, a.ApprovedMinor, day)
		if err != nil {
			return a, err
		}
		before := a
		a.Offer, a.ExpiresOn = &offer, offer.ExpiresOn
		return move(ctx, tx, before, a, ActOffer, "", map[string]any{"amount_minor": offer.AmountMinor, "rate": offer.Rate, "annualised_rate": offer.AnnualisedRate,
			"total_cost_minor": offer.TotalCostMinor, "expires_on": offer.ExpiresOn})
	})
}

func (s *Service) offer(ctx context.Context, tx *db.Tx, c *product.Compiled, a Application, amountMinor int64, day calendar.Date) (Offer, error) {
	t := c.Terms
	if s.schedule == nil {
		return Offer{}, fault.New(fault.ReasonUnavailable, "what", "schedule")
	}
	expected, err := expectedSales(ctx, tx, c, a)
	if err != nil {
		return Offer{}, err
	}
	preview, err := s.schedule(ScheduleInput{AmountMinor: amountMinor, Currency: a.Currency, Rate: a.Rate, TenorMonths: a.TenorMonths, Method: a.Method,
		DayCount: t.DayCount, GraceDays: t.GraceDays, PenaltySpread: t.PenaltySpread, StartsOn: day, Terms: t, ExpectedSalesMinor: expected})
	if err != nil {
		return Offer{}, err
	}
	o := Offer{AmountMinor: amountMinor, Currency: a.Currency, Rate: a.Rate, AnnualisedRate: preview.AnnualisedRate, TotalCostMinor: preview.TotalCostMinor,
		TenorMonths: a.TenorMonths, Method: a.Method, GraceDays: t.GraceDays, PenaltySpread: t.PenaltySpread, PrepaymentFee: t.PrepaymentFee, Instalments: preview.Instalments,
		OfferedOn: day, ExpiresOn: day.AddDays(c.Decision.OfferDays), FacilityMonths: t.FacilityMonths, Revolving: t.Kind == "revolving" || t.Kind == product.KindDiscount, Extras: preview.Extras}
	if amountMinor < a.AmountMinor {
		o.ReducedFromMinor = a.AmountMinor
	}
	return o, nil
}

// expectedSales are what the recipe expects a firm to sell a month, by the facts of its decision.
func expectedSales(ctx context.Context, tx *db.Tx, c *product.Compiled, a Application) (int64, error) {
	var facts product.Facts
	if a.DecisionID != "" {
		d, err := decision.ByID(ctx, tx, a.DecisionID)
		if err != nil {
			return 0, err
		}
		facts = d.Inputs.Facts
	}
	return c.ExpectedSales(ctx, facts)
}

// Preview shows the offer that the approved or asked amount would give, without making it.
func (s *Service) Preview(ctx context.Context, p auth.Principal, id string) (o Offer, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		a, err := visible(ctx, tx, p, id)
		if err != nil {
			return err
		}
		day, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		c, err := product.Active(ctx, tx, a.ProductID)
		if err != nil {
			return err
		}
		amount := a.ApprovedMinor
		if amount == 0 {
			amount = a.AmountMinor
		}
		o, err = s.offer(ctx, tx, c, a, amount, day)
		return err
	})
	return o, err
}

// Accept records the firm's acceptance of the offer with its evidence.
func (s *Service) Accept(ctx context.Context, p auth.Principal, id string, version int64, proof Acceptance) (Application, error) {
	return s.step(ctx, p, id, version, permissionWrite, func(tx *db.Tx, a Application) (Application, error) {
		if _, err := next(a.State, ActAccept); err != nil {
			return a, err
		}
		if err := proof.validate(); err != nil {
			return a, err
		}
		day, err := tx.BusinessDate(ctx)
		if err != nil {
			return a, err
		}
		if day.After(a.Offer.ExpiresOn) {
			return a, fault.New(ReasonOfferExpired, "expires_on", a.Offer.ExpiresOn)
		}
		before := a
		return move(ctx, tx, before, a, ActAccept, "", proof)
	})
}

// MarkContracted records that the contract of an accepted application is signed. The same contract
// again changes nothing.
func MarkContracted(ctx context.Context, tx *db.Tx, id, contractID string) error {
	return mark(ctx, tx, id, ActContract, contractID, func(a *Application) *string { return &a.ContractID })
}

// MarkDrawn records the first draw; later draws change nothing.
func MarkDrawn(ctx context.Context, tx *db.Tx, id, loanID string) error {
	return mark(ctx, tx, id, ActDraw, loanID, func(a *Application) *string { return &a.LoanID })
}

func mark(ctx context.Context, tx *db.Tx, id string, act Action, object string, field func(*Application) *string) error {
	a, err := read(ctx, tx, selectForUpdate, id)
	if err != nil {
		return err
	}
	if *field(&a) == object || act == ActDraw && a.LoanID != "" {
		return nil
	}
	before := a
	*field(&a) = object
	_, err = move(ctx, tx, before, a, act, "", map[string]any{string(act) + "_id": object})
	return err
}

// expireBatch bounds one pass of ExpireDue.
const expireBatch = 500

// ExpireDue ends approvals and offers whose last day has passed; the end of day calls it until it
// returns 0.
func ExpireDue(ctx context.Context, tx *db.Tx) (int, error) {
	day, err := tx.BusinessDate(ctx)
	if err != nil {
		return 0, err
	}
	ids, err := due(ctx, tx, day, expireBatch)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		a, err := read(ctx, tx, selectForUpdate, id)
		if err != nil {
			return 0, err
		}
		if _, err := move(ctx, tx, a, a, ActExpire, "", nil); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// Expiry is the consumer that ends approvals and offers once a business day has been closed.
func Expiry() event.Consumer {
	return event.Consumer{Name: "application.expire", Types: []string{"eod.completed"}, Handle: func(ctx context.Context, tx *db.Tx, _ event.Event) error {
		for {
			n, err := ExpireDue(ctx, tx)
			if err != nil || n == 0 {
				return err
			}
		}
	}}
}
