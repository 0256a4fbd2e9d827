// Package bank simulates a bank's payment interface in a process of its own: it
// keeps accounts, executes each payment key once, answers questions about past
// keys, and misbehaves on request (late, silent after executing, 5xx, refusing).
// Every answer says that it is a simulator. No real money is anywhere near it.
package bank

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/base/money"
)

// Notice stands in every answer.
const Notice = "Capillary bank simulator, not a bank / 银行模拟器，非真实银行"

// Status of a payment at the bank.
type Status string

// A payment is final the moment it is known.
const (
	Executed Status = "executed"
	Rejected Status = "rejected"
)

// Rejection codes.
const (
	RejectFunds   = "INSUFFICIENT_FUNDS"
	RejectAccount = "ACCOUNT_UNKNOWN"
	RejectRule    = "REFUSED_BY_BANK"
	// RejectCurrency: an account is kept in another currency; this bank does not exchange.
	RejectCurrency = "ACCOUNT_CURRENCY"
	// RejectMandate: the debtor has stopped this mandate at his own bank.
	RejectMandate = "MANDATE_STOPPED"
)

// Order is what a client asks for.
type Order struct {
	Key         string `json:"key"`
	FromAccount string `json:"from_account"`
	ToAccount   string `json:"to_account"`
	ToName      string `json:"to_name"`
	AmountMinor int64  `json:"amount_minor"`
	Currency    string `json:"currency"`
	Memo        string `json:"memo"`
	// ValueDate is the day the client asked for; empty is the day of execution.
	ValueDate string `json:"value_date,omitempty"`
	// Mandate is the debtor's authority of a direct debit; empty for a payment of the account's own holder.
	Mandate string `json:"mandate,omitempty"`
}

// Payment is an order with its outcome.
type Payment struct {
	Order
	Reference  string    `json:"reference"`
	Status     Status    `json:"status"`
	Reason     string    `json:"reason,omitempty"`
	ExecutedAt time.Time `json:"executed_at"`
}

// Account is a bank account.
type Account struct {
	Number       string `json:"number"`
	Name         string `json:"name"`
	BalanceMinor int64  `json:"balance_minor"`
	// Currency in which the account is kept; empty is yuan.
	Currency string `json:"currency,omitempty"`
}

const yuan = "CNY"

func (a Account) currency() money.Currency { return money.Currency(cmp.Or(a.Currency, yuan)) }

var (
	errConflict = errors.New("this key was used for another payment")
	errSyntax   = errors.New("invalid order")
)

const (
	keyMax    = 200
	amountMax = 10_000_000_000_000
)

func (o Order) validate() error {
	switch {
	case o.Key == "" || len(o.Key) > keyMax:
		return fmt.Errorf("%w: key must have 1 to 200 characters", errSyntax)
	case o.FromAccount == "" || o.ToAccount == "" || o.FromAccount == o.ToAccount:
		return fmt.Errorf("%w: from_account and to_account must differ and not be empty", errSyntax)
	case len(o.FromAccount) > 64 || len(o.ToAccount) > 64 || len(o.ToName) > 200 || len(o.Memo) > 500:
		return fmt.Errorf("%w: a text is too long", errSyntax)
	case o.AmountMinor <= 0 || o.AmountMinor > amountMax:
		return fmt.Errorf("%w: amount_minor must be positive and at most %d", errSyntax, int64(amountMax))
	}
	if _, known := money.Currency(o.Currency).Decimals(); !known {
		return fmt.Errorf("%w: currency %q is not known here", errSyntax, o.Currency)
	}
	return nil
}

// book is the bank's memory, guarded by one lock; log makes it durable.
type book struct {
	mu       sync.Mutex
	accounts map[string]*Account
	payments map[string]Payment
	stopped  map[string]bool // mandates that debtors have stopped here
	log      *logFile
	clock    func() time.Time
	// settlement is the opening balance of accounts named nostro:..., which
	// institutions pay from; they appear when first used.
	settlement int64
}

// settlementPrefix starts the numbers of institutions' own accounts.
const settlementPrefix = "nostro:"

// pay executes an order once. again reports that the key was known.
func (b *book) pay(o Order, refuse bool) (p Payment, again bool, err error) {
	if err := o.validate(); err != nil {
		return p, false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.payments[o.Key]; ok {
		if known.Order != o {
			return known, true, errConflict
		}
		return known, true, nil
	}
	if b.accounts[o.FromAccount] == nil && b.settlement > 0 && strings.HasPrefix(o.FromAccount, settlementPrefix) {
		a := Account{Number: o.FromAccount, Name: o.FromAccount, BalanceMinor: b.settlement, Currency: o.Currency}
		if err := b.log.append(record{Account: &a}); err != nil {
			return Payment{}, false, err
		}
		b.accounts[a.Number] = &a
	}
	p = Payment{
		Order: o, Reference: fmt.Sprintf("SIM%012d", len(b.payments)+1), Status: Executed, ExecutedAt: b.clock().UTC(),
	}
	from, to := b.accounts[o.FromAccount], b.accounts[o.ToAccount]
	switch {
	case refuse:
		p.Status, p.Reason = Rejected, RejectRule
	case from == nil:
		p.Status, p.Reason = Rejected, RejectAccount
	case from.currency() != money.Currency(o.Currency) || to != nil && to.currency() != money.Currency(o.Currency):
		p.Status, p.Reason = Rejected, RejectCurrency
	case o.Mandate != "" && b.stopped[o.Mandate]:
		p.Status, p.Reason = Rejected, RejectMandate
	case from.BalanceMinor < o.AmountMinor:
		p.Status, p.Reason = Rejected, RejectFunds
	}
	if err := b.log.append(record{Payment: &p}); err != nil {
		return Payment{}, false, err
	}
	b.keep(p)
	return p, false, nil
}

// keep moves the money of a payment that is durable.
func (b *book) keep(p Payment) {
	b.payments[p.Key] = p
	if p.Status != Executed {
		return
	}
	b.accounts[p.FromAccount].BalanceMinor -= p.AmountMinor
	to := b.accounts[p.ToAccount]
	if to == nil { // accounts at other banks appear when they are first paid
		to = &Account{Number: p.ToAccount, Name: p.ToName, Currency: p.Currency}
		b.accounts[p.ToAccount] = to
	}
	to.BalanceMinor += p.AmountMinor
}

// open makes an account, or sets the name and balance of one that exists.
func (b *book) open(a Account) error {
	if a.Number == "" || len(a.Number) > 64 || len(a.Name) > 200 || a.BalanceMinor < 0 || a.BalanceMinor > 1000*amountMax {
		return fmt.Errorf("%w: account number, name or balance", errSyntax)
	}
	if _, known := a.currency().Decimals(); !known {
		return fmt.Errorf("%w: currency %q is not known here", errSyntax, a.Currency)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.log.append(record{Account: &a}); err != nil {
		return err
	}
	b.accounts[a.Number] = &a
	return nil
}

// stop makes the bank refuse debits under a mandate from now on: a debtor may do so without telling his creditor.
func (b *book) stop(mandate string) error {
	if mandate == "" || len(mandate) > keyMax {
		return fmt.Errorf("%w: mandate", errSyntax)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.log.append(record{Stopped: mandate}); err != nil {
		return err
	}
	b.stopped[mandate] = true
	return nil
}

func (b *book) account(number string) (Account, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.accounts[number]
	if !ok {
		return Account{}, false
	}
	return *a, true
}

func (b *book) payment(key string) (Payment, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.payments[key]
	return p, ok
}

// paid lists what an account has received, by key.
func (b *book) paid() []Payment {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Payment, 0, len(b.payments))
	for _, p := range b.payments {
		out = append(out, p)
	}
	return out
}
