package iso20022

import (
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
)

// Messages of direct debits that are written.
const (
	Pain008V02 = "pain.008.001.02"
	Pain008V08 = "pain.008.001.08"
)

// ErrDebit says that a direct debit cannot be written as asked.
var ErrDebit = errors.New("iso20022: not a valid direct debit")

// Debit is one collection of a direct-debit message.
type Debit struct {
	EndToEndID string
	Amount     money.Amount
	// Mandate is the number of the debtor's authority, SignedOn the day of its signature when there is one.
	Mandate    string
	SignedOn   calendar.Date
	Debtor     string
	Account    string // the debtor's
	Remittance string
}

// DirectDebit is a direct-debit message: one creditor account, many debits.
type DirectDebit struct {
	Version   string
	MessageID string
	Created   time.Time
	Initiator string
	Creditor  string
	Account   string // the creditor's
	CollectOn calendar.Date
	Debits    []Debit
}

// check is the schema's part that code can break.
func (m DirectDebit) check() error {
	bounded := func(field, text string, most int) error {
		if n := utf8.RuneCountInString(text); n == 0 || n > most || !printable(text) {
			return fmt.Errorf("%w: %s must have 1 to %d printable characters", ErrDebit, field, most)
		}
		return nil
	}
	errs := []error{
		bounded("MsgId", m.MessageID, max35), bounded("InitgPty/Nm", m.Initiator, max140), bounded("Cdtr/Nm", m.Creditor, max140),
		bounded("CdtrAcct", m.Account, max34),
	}
	if m.Version != Pain008V02 && m.Version != Pain008V08 {
		errs = append(errs, fmt.Errorf("%w: version %q", ErrDebit, m.Version))
	}
	if m.CollectOn.IsZero() || len(m.Debits) == 0 || len(m.Debits) > transfersMax {
		errs = append(errs, fmt.Errorf("%w: a date and 1 to %d debits are needed", ErrDebit, transfersMax))
	}
	seen := map[string]bool{}
	for i, d := range m.Debits {
		at := "DrctDbtTxInf[" + strconv.Itoa(i+1) + "]/"
		errs = append(errs, bounded(at+"EndToEndId", d.EndToEndID, max35), bounded(at+"MndtId", d.Mandate, max35), bounded(at+"Dbtr/Nm", d.Debtor, max140), bounded(at+"DbtrAcct", d.Account, max34))
		if d.Remittance != "" {
			errs = append(errs, bounded(at+"Ustrd", d.Remittance, max140))
		}
		if _, known := d.Amount.Currency.Decimals(); !known || d.Amount.Minor <= 0 || d.Amount.Currency != m.Debits[0].Amount.Currency {
			errs = append(errs, fmt.Errorf("%w: %sInstdAmt must be above zero, in one known currency", ErrDebit, at))
		}
		if seen[d.EndToEndID] {
			errs = append(errs, fmt.Errorf("%w: %sEndToEndId stands there twice", ErrDebit, at))
		}
		seen[d.EndToEndID] = true
	}
	return errors.Join(errs...)
}

// WriteDirectDebit writes a pain.008 message. The same message gives the same bytes.
func WriteDirectDebit(m DirectDebit) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	sum := int64(0)
	for _, d := range m.Debits {
		var err error
		if sum, err = money.AddMinor(sum, d.Amount.Minor); err != nil {
			return nil, err
		}
	}
	count, total := strconv.Itoa(len(m.Debits)), money.Of(sum, m.Debits[0].Amount.Currency).String()
	w := &writer{}
	_, _ = w.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Document xmlns="` + namespacePrefix + m.Version + `"><CstmrDrctDbtInitn>`)
	w.open("GrpHdr")
	w.leaf("MsgId", m.MessageID)
	w.leaf("CreDtTm", m.Created.UTC().Format("2006-01-02T15:04:05Z"))
	w.leaf("NbOfTxs", count)
	w.leaf("CtrlSum", total)
	w.open("InitgPty")
	w.leaf("Nm", m.Initiator)
	w.shut("InitgPty", "GrpHdr")
	w.open("PmtInf")
	w.leaf("PmtInfId", m.MessageID)
	w.leaf("PmtMtd", "DD")
	w.leaf("BtchBookg", "false")
	w.leaf("NbOfTxs", count)
	w.leaf("CtrlSum", total)
	w.leaf("ReqdColltnDt", m.CollectOn.String())
	w.open("Cdtr")
	w.leaf("Nm", m.Creditor)
	w.shut("Cdtr")
	w.account("CdtrAcct", m.Account)
	w.agent("CdtrAgt")
	for _, d := range m.Debits {
		w.debit(d)
	}
	w.shut("PmtInf", "CstmrDrctDbtInitn", "Document")
	return w.Bytes(), nil
}

// agent says that a bank, which the schema wants, is the one that is asked.
func (w *writer) agent(name string) {
	w.open(name, "FinInstnId", "Othr")
	w.leaf("Id", notProvided)
	w.shut("Othr", "FinInstnId", name)
}

func (w *writer) debit(d Debit) {
	w.open("DrctDbtTxInf", "PmtId")
	w.leaf("EndToEndId", d.EndToEndID)
	w.shut("PmtId")
	_, _ = w.WriteString(`<InstdAmt Ccy="` + string(d.Amount.Currency) + `">` + d.Amount.String() + `</InstdAmt>`)
	w.open("DrctDbtTx", "MndtRltdInf")
	w.leaf("MndtId", d.Mandate)
	if !d.SignedOn.IsZero() {
		w.leaf("DtOfSgntr", d.SignedOn.String())
	}
	w.shut("MndtRltdInf", "DrctDbtTx")
	w.agent("DbtrAgt")
	w.open("Dbtr")
	w.leaf("Nm", d.Debtor)
	w.shut("Dbtr")
	w.account("DbtrAcct", d.Account)
	if d.Remittance != "" {
		w.open("RmtInf")
		w.leaf("Ustrd", d.Remittance)
		w.shut("RmtInf")
	}
	w.shut("DrctDbtTxInf")
}
