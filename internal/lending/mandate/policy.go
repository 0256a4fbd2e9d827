package mandate

import (
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Policy is how an institution debits: data, changed by two persons.
type Policy struct {
	AttemptsPerDay int `json:"attempts_per_day" minimum:"1" maximum:"5" doc:"debits of one loan on one business date"`
	// GiveUpAfterDays is the days past due after which the night no longer debits; 0 never gives up.
	GiveUpAfterDays int `json:"give_up_after_days" minimum:"0" maximum:"3650" doc:"days past due after which the night stops; 0: never"`
	// Partial lets a debit ask for less than is due: the mandate's bound when more is due, and half of the debit before when
	// that was refused.
	Partial bool `json:"partial" doc:"a debit may take part of what is due"`
	// MinimumMinor is the least that a partial debit asks for.
	MinimumMinor int64 `json:"minimum_minor" minimum:"0" doc:"least amount of a partial debit, in the smallest unit of the loan's currency"`
	// Implied gives a loan that is drawn without a mandate one for the account named then.
	Implied bool  `json:"implied" doc:"a loan drawn without a mandate gets an implied one"`
	Version int64 `json:"version"`
}

// DefaultPolicy is in force until an institution decides otherwise: what was done before there was a choice.
func DefaultPolicy() Policy { return Policy{AttemptsPerDay: 1, Implied: true} }

const attemptsMax, daysMax = 5, 3650

// Validate collects every fault of a policy.
func (p Policy) Validate() error {
	var errs []error
	if p.AttemptsPerDay < 1 || p.AttemptsPerDay > attemptsMax {
		errs = append(errs, fault.Field("attempts_per_day", "须在1至5之间", "must be 1 to 5"))
	}
	if p.GiveUpAfterDays < 0 || p.GiveUpAfterDays > daysMax {
		errs = append(errs, fault.Field("give_up_after_days", "须在0至3650之间", "must be 0 to 3650"))
	}
	if p.MinimumMinor < 0 || p.MinimumMinor > amountMax || (p.MinimumMinor > 0 && !p.Partial) {
		errs = append(errs, fault.Field("minimum_minor", "须不小于零，且仅在允许部分扣款时填写", "must not be negative, and only be given where partial debits are allowed"))
	}
	return fault.Join(errs...)
}

// Try is an attempt of a day as the policy looks at it.
type Try struct {
	AmountMinor int64
	Final       bool
	Succeeded   bool
}

// Next says what the next debit of a day asks for, given what is due, how late it is, the mandate's bound and the tries of
// that day. Zero with no reason means that there is nothing to do now.
func (p Policy) Next(dueMinor, maxMinor int64, daysPastDue int, today []Try) (int64, error) {
	if p.GiveUpAfterDays > 0 && daysPastDue > p.GiveUpAfterDays {
		return 0, fault.New(ReasonGivenUp, "days", daysPastDue, "limit", p.GiveUpAfterDays)
	}
	if len(today) >= p.AttemptsPerDay {
		return 0, nil
	}
	amount := dueMinor
	if maxMinor > 0 && amount > maxMinor {
		if !p.Partial {
			return 0, fault.New(ReasonAboveMax)
		}
		amount = maxMinor
	}
	if n := len(today); n > 0 {
		last := today[n-1]
		if !last.Final || last.Succeeded {
			return 0, nil // it waits for the bank, or what is still due was beyond what the debit could take
		}
		if p.Partial {
			amount = min(amount, max((last.AmountMinor+1)/2, p.MinimumMinor))
		}
	}
	if amount < dueMinor && amount < p.MinimumMinor {
		return 0, fault.New(ReasonBelowMinimum)
	}
	return min(amount, dueMinor), nil
}
