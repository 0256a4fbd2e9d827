package receipt

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/lending/payment/iso20022"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Kinds of files.
const (
	KindTable = "table"
	KindBank  = "bank" // camt.053 or camt.054
)

// sniff tells the kind of a file by its content.
func sniff(r *bufio.Reader) string {
	head, _ := r.Peek(1024)
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte{0xEF, 0xBB, 0xBF}), " \t\r\n")
	if bytes.HasPrefix(head, []byte("<")) {
		return KindBank
	}
	return KindTable
}

// read reads a file of either kind. The error it returns is about the file as a
// whole: nothing of it may be used then.
func read(name string, r io.Reader, today calendar.Date, to sink, skipped *int64) (kind string, err error) {
	buf := bufio.NewReader(r)
	kind = sniff(buf)
	if kind == KindTable {
		return kind, readTable(name, buf, today, to)
	}
	b := &bankReader{today: today, to: to, skipped: skipped}
	if mark, _ := buf.Peek(3); bytes.Equal(mark, []byte{0xEF, 0xBB, 0xBF}) {
		_, _ = buf.Discard(3)
	}
	_, _, err = iso20022.ReadCamt(buf, iso20022.Limits{Bytes: tableMax, Entries: rowsMax}, iso20022.Sink{Entry: b.entry, Bad: func(e *iso20022.Error) error { return to.bad(badEntry(e)) }})
	return kind, asFault(name, err)
}

func asFault(name string, err error) error {
	var own *iso20022.Error
	switch {
	case errors.As(err, &own):
		return fault.New(ReasonFormat, "file", name, "problem", own.Path+": "+own.En, "problem_zh", own.Path+"："+own.Zh).WithRow(own.Line).Wrap(err)
	case errors.Is(err, iso20022.ErrTooLarge):
		return fault.New(source.ReasonFileTooLarge, "file", name, "limit", tableMax).Wrap(err)
	}
	return err
}

func badEntry(e *iso20022.Error) BadRow {
	f := fault.New(ReasonEntry, "path", e.Path, "problem", e.En, "problem_zh", e.Zh)
	field := e.Path[strings.LastIndex(e.Path, "/")+1:]
	return BadRow{
		Line: int64(e.Line), Field: field, Column: e.Path, Code: ReasonEntry.Code, Message: fault.Text{Zh: f.Text("zh"), En: f.Text("en")},
		Remedy: fault.Text{Zh: f.RemedyText("zh"), En: f.RemedyText("en")},
	}
}

// bankReader turns entries into lines. What is no money in is skipped and
// counted: debits, entries that are not booked, and reversals of our own debits
// are not repayments.
type bankReader struct {
	today   calendar.Date
	to      sink
	skipped *int64
}

func (b *bankReader) entry(e iso20022.Entry) error {
	if !e.Credit || !e.Booked() || e.Reversal {
		*b.skipped++
		return nil
	}
	value := e.ValueOn
	if value.IsZero() {
		value = e.BookedOn
	}
	if value.IsZero() {
		return b.to.bad(badEntry(&iso20022.Error{Line: e.Line, Path: e.Path + "/ValDt", Zh: "缺少起息日与记账日", En: "neither value nor booking date"}))
	}
	if value.After(b.today) {
		f := fault.New(ReasonFutureDate, "date", value, "today", b.today)
		return b.to.bad(BadRow{Line: int64(e.Line), Field: "ValDt", Column: e.Path, Value: value.String(), Code: ReasonFutureDate.Code,
			Message: fault.Text{Zh: f.Text("zh"), En: f.Text("en")}, Remedy: fault.Text{Zh: f.RemedyText("zh"), En: f.RemedyText("en")}})
	}
	base := Line{Line: int64(e.Line), Account: e.Account, Currency: e.Amount.Currency, ValueDate: value, BankReference: e.ServicerRef, Channel: "bank", Note: short(e.Info, 500)}
	parts := e.Transactions
	if len(parts) == 0 {
		parts = []iso20022.Transaction{{No: 1, Amount: e.Amount, Credit: true}}
	}
	for _, t := range parts {
		if err := b.transaction(e, base, t, len(parts)); err != nil {
			return err
		}
	}
	return nil
}

// shared tells whether the bank's number of a transaction is also that of its batch or of another transaction of it.
func shared(e iso20022.Entry, t iso20022.Transaction) bool {
	for _, other := range e.Transactions {
		if other.No != t.No && other.ServicerRef == t.ServicerRef {
			return true
		}
	}
	return t.ServicerRef == e.ServicerRef
}

func (b *bankReader) transaction(e iso20022.Entry, l Line, t iso20022.Transaction, of int) error {
	if !t.Credit || t.Amount.Minor == 0 {
		*b.skipped++
		return nil
	}
	reference := t.ServicerRef
	if reference == "" {
		reference = e.ServicerRef
	}
	if reference == "" && e.Reference != "" {
		// Without the bank's own number, the statement's and the entry's together are one.
		reference = e.StatementID + "/" + e.Reference
	}
	if reference == "" {
		return b.to.bad(badEntry(&iso20022.Error{Line: e.Line, Path: e.Path + "/AcctSvcrRef", Zh: "缺少银行参考号，无法保证只入账一次", En: "no bank reference: it could not be kept from being booked twice"}))
	}
	if t.Amount.Minor > amountMax {
		return b.to.bad(badEntry(&iso20022.Error{Line: e.Line, Path: e.Path + "/Amt", Zh: "金额超出可处理的范围", En: "the amount is beyond what can be handled"}))
	}
	no := 0
	if of > 1 && (t.ServicerRef == "" || shared(e, t)) {
		no = t.No
	}
	l.Key, l.BankReference = bankKey(reference, no), reference
	l.AmountMinor = t.Amount.Minor
	l.PayerName, l.PayerAccount, l.EndToEndID = short(t.Counterparty, 200), short(t.CounterAcct, 64), t.EndToEndID
	l.Remittance = short(strings.Join(t.Remittance, " "), 500)
	if t.Info != "" {
		l.Note = short(strings.TrimSpace(l.Note+" "+t.Info), 500)
	}
	if of > 1 {
		l.Note = strings.TrimSpace(l.Note + " " + strconv.Itoa(t.No) + "/" + strconv.Itoa(of))
	}
	return b.to.line(l)
}
