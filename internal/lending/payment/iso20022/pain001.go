package iso20022

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
)

// Messages of money out that are written.
const (
	Pain001V03 = "pain.001.001.03"
	Pain001V09 = "pain.001.001.09"
)

// ErrMessage says that a message cannot be written as asked.
var ErrMessage = errors.New("iso20022: not a valid credit transfer")

// Transfer is one payment of a credit-transfer message.
type Transfer struct {
	InstructionID string
	EndToEndID    string
	Amount        money.Amount
	Creditor      string
	Account       string
	Remittance    string
}

// Initiation is a credit-transfer message: one debtor account, many transfers.
type Initiation struct {
	Version   string
	MessageID string
	Created   time.Time
	Initiator string
	Debtor    string
	Account   string // the debtor's
	ExecuteOn calendar.Date
	Transfers []Transfer
}

const transfersMax = 10_000

// check is the schema's part that code can break.
func (m Initiation) check() error {
	bounded := func(field, text string, most int) error {
		if n := utf8.RuneCountInString(text); n == 0 || n > most || !printable(text) {
			return fmt.Errorf("%w: %s must have 1 to %d printable characters", ErrMessage, field, most)
		}
		return nil
	}
	errs := []error{
		bounded("MsgId", m.MessageID, max35), bounded("InitgPty/Nm", m.Initiator, max140), bounded("Dbtr/Nm", m.Debtor, max140),
		bounded("DbtrAcct", m.Account, max34),
	}
	if m.Version != Pain001V03 && m.Version != Pain001V09 {
		errs = append(errs, fmt.Errorf("%w: version %q", ErrMessage, m.Version))
	}
	if m.ExecuteOn.IsZero() || len(m.Transfers) == 0 || len(m.Transfers) > transfersMax {
		errs = append(errs, fmt.Errorf("%w: a date and 1 to %d transfers are needed", ErrMessage, transfersMax))
	}
	seen := map[string]bool{}
	for i, t := range m.Transfers {
		at := "CdtTrfTxInf[" + strconv.Itoa(i+1) + "]/"
		errs = append(errs, bounded(at+"EndToEndId", t.EndToEndID, max35), bounded(at+"Cdtr/Nm", t.Creditor, max140), bounded(at+"CdtrAcct", t.Account, max34))
		if t.Remittance != "" {
			errs = append(errs, bounded(at+"Ustrd", t.Remittance, max140))
		}
		if t.InstructionID != "" {
			errs = append(errs, bounded(at+"InstrId", t.InstructionID, max35))
		}
		if _, known := t.Amount.Currency.Decimals(); !known || t.Amount.Minor <= 0 || t.Amount.Currency != m.Transfers[0].Amount.Currency {
			errs = append(errs, fmt.Errorf("%w: %sInstdAmt must be above zero, in one known currency", ErrMessage, at))
		}
		if seen[t.EndToEndID] {
			errs = append(errs, fmt.Errorf("%w: %sEndToEndId stands there twice", ErrMessage, at))
		}
		seen[t.EndToEndID] = true
	}
	return errors.Join(errs...)
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) && strings.TrimSpace(s) == s
}

// writer writes elements; the buffer cannot fail.
type writer struct{ bytes.Buffer }

func (w *writer) open(names ...string) {
	for _, n := range names {
		_, _ = w.WriteString("<" + n + ">")
	}
}

func (w *writer) shut(names ...string) {
	for _, n := range names {
		_, _ = w.WriteString("</" + n + ">")
	}
}

func (w *writer) leaf(name, text string) {
	w.open(name)
	_ = xml.EscapeText(w, []byte(text))
	w.shut(name)
}

// WriteInitiation writes a pain.001 message. The same message gives the same bytes.
func WriteInitiation(m Initiation) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	sum := int64(0)
	for _, t := range m.Transfers {
		var err error
		if sum, err = money.AddMinor(sum, t.Amount.Minor); err != nil {
			return nil, err
		}
	}
	count, total := strconv.Itoa(len(m.Transfers)), money.Of(sum, m.Transfers[0].Amount.Currency).String()
	w := &writer{}
	_, _ = w.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Document xmlns="` + namespacePrefix + m.Version + `"><CstmrCdtTrfInitn>`)
	w.open("GrpHdr")
	w.leaf("MsgId", m.MessageID)
	w.leaf("CreDtTm", m.Created.UTC().Format("2006-01-02T15:04:05Z"))
	w.leaf("NbOfTxs", count)
	w.leaf("CtrlSum", plainAmount(total))
	w.open("InitgPty")
	w.leaf("Nm", m.Initiator)
	w.shut("InitgPty", "GrpHdr")
	w.open("PmtInf")
	w.leaf("PmtInfId", m.MessageID)
	w.leaf("PmtMtd", "TRF")
	w.leaf("BtchBookg", "false")
	w.leaf("NbOfTxs", count)
	w.leaf("CtrlSum", plainAmount(total))
	if m.Version == Pain001V09 {
		w.open("ReqdExctnDt")
		w.leaf("Dt", m.ExecuteOn.String())
		w.shut("ReqdExctnDt")
	} else {
		w.leaf("ReqdExctnDt", m.ExecuteOn.String())
	}
	w.open("Dbtr")
	w.leaf("Nm", m.Debtor)
	w.shut("Dbtr")
	w.account("DbtrAcct", m.Account)
	// The schema wants the debtor's bank; a bank that is asked directly knows who it is.
	w.open("DbtrAgt", "FinInstnId", "Othr")
	w.leaf("Id", notProvided)
	w.shut("Othr", "FinInstnId", "DbtrAgt")
	for _, t := range m.Transfers {
		w.transfer(t)
	}
	w.shut("PmtInf", "CstmrCdtTrfInitn", "Document")
	return w.Bytes(), nil
}

func (w *writer) account(name, number string) {
	w.open(name, "Id", "Othr")
	w.leaf("Id", number)
	w.shut("Othr", "Id", name)
}

func (w *writer) transfer(t Transfer) {
	w.open("CdtTrfTxInf", "PmtId")
	if t.InstructionID != "" {
		w.leaf("InstrId", t.InstructionID)
	}
	w.leaf("EndToEndId", t.EndToEndID)
	w.shut("PmtId")
	w.open("Amt")
	_, _ = w.WriteString(`<InstdAmt Ccy="` + string(t.Amount.Currency) + `">` + plainAmount(t.Amount.String()) + `</InstdAmt>`)
	w.shut("Amt")
	w.open("Cdtr")
	w.leaf("Nm", t.Creditor)
	w.shut("Cdtr")
	w.account("CdtrAcct", t.Account)
	if t.Remittance != "" {
		w.open("RmtInf")
		w.leaf("Ustrd", t.Remittance)
		w.shut("RmtInf")
	}
	w.shut("CdtTrfTxInf")
}

// plainAmount takes the currency off an amount's text.
func plainAmount(s string) string {
	number, _, _ := strings.Cut(s, " ")
	return number
}
