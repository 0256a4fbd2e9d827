package iso20022

import (
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
)

// Entry is one line of an account: money that came or went. A batch entry has
// several transactions whose amounts are the entry's.
type Entry struct {
	Statement    int    // which statement of the message, from 1
	StatementID  string // its Id
	Account      string
	Line         int
	Path         string
	Reference    string // NtryRef
	ServicerRef  string // AcctSvcrRef, the bank's own reference
	Amount       money.Amount
	Credit       bool // as the account moves; a reversed debit is a credit
	Reversal     bool // the entry takes an earlier one back
	Status       string
	BookedOn     calendar.Date
	ValueOn      calendar.Date
	Info         string
	Transactions []Transaction
}

// Booked reports that the entry is final; PDNG and INFO are not money yet.
func (e Entry) Booked() bool { return e.Status == "BOOK" }

// Transaction is one payment behind an entry.
type Transaction struct {
	No          int
	EndToEndID  string
	ID          string // TxId
	ServicerRef string
	Amount      money.Amount
	Credit      bool
	// Counterparty is who sent the money of a credit, or got that of a debit.
	Counterparty string
	CounterAcct  string
	Remittance   []string // unstructured lines, then structured references
	Info         string
	ReturnReason string
}

// notProvided is what the schema writes when a reference does not exist.
const notProvided = "NOTPROVIDED"

func readEntry(n *node, path string) (Entry, *Error) {
	e := Entry{Line: n.line, Path: path, Status: entryStatus(n), Info: n.str("AddtlNtryInf")}
	if bad := n.once(path, "NtryRef", "Amt", "CdtDbtInd", "RvslInd", "Sts", "BookgDt", "ValDt", "AcctSvcrRef"); bad != nil {
		return e, bad
	}
	var bad *Error
	if e.Amount, bad = amount(n.at("Amt"), path+"/Amt"); bad != nil {
		bad.Line = max(bad.Line, n.line)
		return e, bad
	}
	if e.Credit, bad = credit(n, path); bad != nil {
		return e, bad
	}
	switch n.str("RvslInd") {
	case "", "false", "0":
	case "true", "1":
		e.Reversal = true
	default:
		return e, &Error{Line: n.line, Path: path + "/RvslInd", Zh: "须为 true 或 false", En: "must be true or false"}
	}
	switch e.Status {
	case "BOOK", "PDNG", "INFO":
	default:
		return e, &Error{Line: n.line, Path: path + "/Sts", Zh: "须为 BOOK、PDNG 或 INFO", En: "must be BOOK, PDNG or INFO"}
	}
	if e.BookedOn, bad = date(n, path, "BookgDt"); bad != nil {
		return e, bad
	}
	if e.ValueOn, bad = date(n, path, "ValDt"); bad != nil {
		return e, bad
	}
	if e.Reference, bad = maybe(n, path, max35, "NtryRef"); bad != nil {
		return e, bad
	}
	if e.ServicerRef, bad = maybe(n, path, max35, "AcctSvcrRef"); bad != nil {
		return e, bad
	}
	return e, e.details(n)
}

// entryStatus is a plain code in the older messages and a choice in the newer.
func entryStatus(n *node) string {
	if code := n.str("Sts", "Cd"); code != "" {
		return code
	}
	return n.str("Sts")
}

// details reads the transactions. One without an amount takes the entry's; of
// several each must have its own, and together they must be the entry.
func (e *Entry) details(n *node) *Error {
	var found []*node
	for _, d := range n.all("NtryDtls") {
		found = append(found, d.all("TxDtls")...)
	}
	sum := int64(0)
	for i, f := range found {
		t, bad := e.transaction(f, i+1, len(found))
		if bad != nil {
			return bad
		}
		e.Transactions = append(e.Transactions, t)
		signed := t.Amount.Minor
		if t.Credit != e.Credit {
			signed = -signed
		}
		var err error
		if sum, err = money.AddMinor(sum, signed); err != nil {
			return &Error{Line: f.line, Path: e.Path + "/NtryDtls", Zh: "金额合计超出范围", En: "the sum of the amounts is out of range"}
		}
	}
	if len(found) > 0 && sum != e.Amount.Minor {
		return &Error{Line: n.line, Path: e.Path + "/NtryDtls", Zh: "明细合计 " + money.Of(sum, e.Amount.Currency).String() + " 不等于分录金额 " + e.Amount.String(),
			En: "the details add up to " + money.Of(sum, e.Amount.Currency).String() + ", the entry is " + e.Amount.String()}
	}
	return nil
}

func (e *Entry) transaction(n *node, no, of int) (Transaction, *Error) {
	path := e.Path + "/TxDtls[" + strconv.Itoa(no) + "]"
	t := Transaction{No: no, Amount: e.Amount, Credit: e.Credit}
	if f := firstOf(n.at("Amt"), n.at("AmtDtls", "TxAmt", "Amt")); f != nil {
		a, bad := amount(f, path+"/Amt")
		if bad != nil {
			return t, bad
		}
		if a.Currency != e.Amount.Currency {
			return t, &Error{Line: f.line, Path: path + "/Amt", Zh: "明细币种与分录不同", En: "the currency is not the entry's"}
		}
		t.Amount = a
	} else if of > 1 {
		return t, &Error{Line: n.line, Path: path + "/Amt", Zh: "批量分录的每笔明细须有金额", En: "each detail of a batch entry needs an amount"}
	}
	if n.at("CdtDbtInd") != nil {
		var bad *Error
		if t.Credit, bad = credit(n, path); bad != nil {
			return t, bad
		}
	}
	for _, f := range []struct {
		to   *string
		most int
		at   []string
	}{
		{&t.EndToEndID, max35, []string{"Refs", "EndToEndId"}}, {&t.ID, max35, []string{"Refs", "TxId"}},
		{&t.ServicerRef, max35, []string{"Refs", "AcctSvcrRef"}}, {&t.Info, max500, []string{"AddtlTxInf"}},
		{&t.ReturnReason, max35, []string{"RtrInf", "Rsn", "Cd"}},
	} {
		text, bad := maybe(n, path, f.most, f.at...)
		if bad != nil {
			return t, bad
		}
		if text != notProvided {
			*f.to = text
		}
	}
	parties, side := n.at("RltdPties"), "Dbtr"
	if !t.Credit {
		side = "Cdtr"
	}
	t.Counterparty, t.CounterAcct = party(parties.at(side)), account(parties.at(side+"Acct"))
	t.Remittance = remittance(n.at("RmtInf"))
	return t, nil
}

func remittance(n *node) []string {
	var out []string
	for _, u := range n.all("Ustrd") {
		out = append(out, u.text)
	}
	for _, s := range n.all("Strd") {
		for _, ref := range []string{s.str("CdtrRefInf", "Ref"), s.str("RfrdDocInf", "Nb")} {
			if ref != "" {
				out = append(out, ref)
			}
		}
		for _, more := range s.all("AddtlRmtInf") {
			out = append(out, more.text)
		}
	}
	return out
}

func firstOf(nodes ...*node) *node {
	for _, n := range nodes {
		if n != nil {
			return n
		}
	}
	return nil
}
