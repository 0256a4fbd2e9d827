package mandate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/mandate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

var today = calendar.Of(2026, 3, 5)

func at(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }

func signed(reference string, scope mandate.Scope, hour int) mandate.Mandate {
	return mandate.Mandate{State: mandate.Signed, CreatedAt: at(hour), Terms: mandate.Terms{Reference: reference, Scope: scope, Currency: money.CNY, ValidFrom: calendar.Of(2026, 1, 5)}}
}

func stopped(m mandate.Mandate, to mandate.State, hour int) mandate.Mandate {
	m.State, m.Cause, m.StoppedAt = to, mandate.InDispute, at(hour)
	return m
}

// Which mandate lets a loan be debited, and why none does.
func TestTheNarrowestMandateDecides(t *testing.T) {
	t.Parallel()
	over := signed("over", mandate.OfLoan, 1)
	over.ValidTo = calendar.Of(2026, 3, 4)
	later := signed("later", mandate.OfLoan, 1)
	later.ValidFrom = calendar.Of(2026, 3, 6)
	last := signed("last", mandate.OfLoan, 1)
	last.ValidTo = today
	dollars := signed("dollars", mandate.OfLoan, 1)
	dollars.Currency = money.USD
	for name, c := range map[string]struct {
		all  []mandate.Mandate
		want string
		why  *fault.Reason
	}{
		"none":                                       {nil, "", mandate.ReasonNone},
		"only one in dollars":                        {[]mandate.Mandate{dollars}, "", mandate.ReasonNone},
		"of the loan before the firm's":              {[]mandate.Mandate{signed("firm", mandate.OfFirm, 1), signed("loan", mandate.OfLoan, 1), signed("limit", mandate.OfFacility, 1)}, "loan", nil},
		"of the facility before the firm's":          {[]mandate.Mandate{signed("firm", mandate.OfFirm, 1), signed("limit", mandate.OfFacility, 1)}, "limit", nil},
		"its last day":                               {[]mandate.Mandate{last}, "last", nil},
		"over, whatever is wider":                    {[]mandate.Mandate{over, signed("firm", mandate.OfFirm, 1)}, "", mandate.ReasonNotInForce},
		"not yet":                                    {[]mandate.Mandate{later}, "", mandate.ReasonNotInForce},
		"in dispute, whatever is wider":              {[]mandate.Mandate{stopped(signed("loan", mandate.OfLoan, 1), mandate.Suspended, 5), signed("firm", mandate.OfFirm, 1)}, "", mandate.ReasonSuspended},
		"revoked for the loan":                       {[]mandate.Mandate{stopped(signed("loan", mandate.OfLoan, 1), mandate.Revoked, 5), signed("firm", mandate.OfFirm, 1)}, "", mandate.ReasonRevoked},
		"a wider one signed since":                   {[]mandate.Mandate{stopped(signed("loan", mandate.OfLoan, 1), mandate.Revoked, 5), signed("firm", mandate.OfFirm, 6)}, "firm", nil},
		"a wider one revoked says nothing of narrow": {[]mandate.Mandate{signed("loan", mandate.OfLoan, 1), stopped(signed("firm", mandate.OfFirm, 1), mandate.Revoked, 5)}, "loan", nil},
		"signed anew":                                {[]mandate.Mandate{stopped(signed("old", mandate.OfLoan, 1), mandate.Revoked, 5), signed("new", mandate.OfLoan, 6)}, "new", nil},
		"all revoked":                                {[]mandate.Mandate{stopped(signed("old", mandate.OfLoan, 1), mandate.Revoked, 5)}, "", mandate.ReasonRevoked},
	} {
		got, err := mandate.Choose(c.all, money.CNY, today)
		if c.why != nil {
			require.True(t, fault.Is(err, c.why), "%s: %v", name, err)
			require.Nil(t, got, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, c.want, got.Reference, name)
	}
}

func TestThePolicySaysWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	failed := func(minor int64) mandate.Try { return mandate.Try{AmountMinor: minor, Final: true} }
	plain, thrice := mandate.DefaultPolicy(), mandate.Policy{AttemptsPerDay: 3}
	partial := mandate.Policy{AttemptsPerDay: 4, Partial: true, MinimumMinor: 200}
	for name, c := range map[string]struct {
		policy   mandate.Policy
		due, max int64
		late     int
		today    []mandate.Try
		want     int64
		why      *fault.Reason
	}{
		"all that is due":                {plain, 1000, 0, 5, nil, 1000, nil},
		"once a day":                     {plain, 1000, 0, 5, []mandate.Try{failed(1000)}, 0, nil},
		"up to the bound":                {plain, 1000, 1000, 5, nil, 1000, nil},
		"beyond the bound":               {plain, 1000, 999, 5, nil, 0, mandate.ReasonAboveMax},
		"beyond it, partly":              {partial, 1000, 999, 5, nil, 999, nil},
		"again, all of it":               {thrice, 1000, 0, 5, []mandate.Try{failed(1000)}, 1000, nil},
		"again, half":                    {partial, 1000, 0, 5, []mandate.Try{failed(1000)}, 500, nil},
		"again, half of the half":        {partial, 1000, 0, 5, []mandate.Try{failed(1000), failed(501)}, 251, nil},
		"not below the least":            {partial, 1000, 0, 5, []mandate.Try{failed(1000), failed(500), failed(250)}, 200, nil},
		"the bound is below the least":   {partial, 1000, 199, 5, nil, 0, mandate.ReasonBelowMinimum},
		"what is due is below the least": {partial, 150, 0, 5, nil, 150, nil},
		"the bank has not answered":      {thrice, 1000, 0, 5, []mandate.Try{{AmountMinor: 1000}}, 0, nil},
		"part of it came":                {partial, 500, 0, 5, []mandate.Try{{AmountMinor: 500, Final: true, Succeeded: true}}, 0, nil},
		"the last day":                   {mandate.Policy{AttemptsPerDay: 1, GiveUpAfterDays: 30}, 1000, 0, 30, nil, 1000, nil},
		"given up":                       {mandate.Policy{AttemptsPerDay: 1, GiveUpAfterDays: 30}, 1000, 0, 31, nil, 0, mandate.ReasonGivenUp},
	} {
		got, err := c.policy.Next(c.due, c.max, c.late, c.today)
		require.Equal(t, c.want, got, name)
		require.Equal(t, c.why != nil, err != nil, name)
		if c.why != nil {
			require.True(t, fault.Is(err, c.why), name)
		}
	}
	for _, bad := range []mandate.Policy{{}, {AttemptsPerDay: 6}, {AttemptsPerDay: 1, MinimumMinor: 5}, {AttemptsPerDay: 1, GiveUpAfterDays: -1}} {
		require.Error(t, bad.Validate())
	}
	require.NoError(t, mandate.DefaultPolicy().Validate())
}

// Whatever the policy and the tries: never more than is due, than the mandate allows, or than the attempts of a day.
func TestADebitKeepsItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := mandate.Policy{AttemptsPerDay: rapid.IntRange(1, 5).Draw(t, "attempts"), Partial: rapid.Bool().Draw(t, "partial"), GiveUpAfterDays: rapid.IntRange(0, 40).Draw(t, "giveup")}
		if p.Partial {
			p.MinimumMinor = rapid.Int64Range(0, 500).Draw(t, "minimum")
		}
		due, bound, late := rapid.Int64Range(1, 1000).Draw(t, "due"), rapid.Int64Range(0, 1000).Draw(t, "bound"), rapid.IntRange(0, 60).Draw(t, "late")
		var tries []mandate.Try
		for {
			got, err := p.Next(due, bound, late, tries)
			if err != nil || got == 0 {
				return
			}
			switch {
			case got < 0 || got > due:
				t.Fatal("more than is due")
			case bound > 0 && got > bound:
				t.Fatal("more than the mandate allows")
			case !p.Partial && got != due:
				t.Fatal("a part, though parts are not allowed")
			case got < due && got < p.MinimumMinor:
				t.Fatal("less than the least")
			case p.GiveUpAfterDays > 0 && late > p.GiveUpAfterDays:
				t.Fatal("after giving up")
			}
			if tries = append(tries, mandate.Try{AmountMinor: got, Final: true}); len(tries) > p.AttemptsPerDay {
				t.Fatal("more often than allowed")
			}
		}
	})
}
