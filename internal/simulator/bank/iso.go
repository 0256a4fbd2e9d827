package bank

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
)

// The bank's own reading and writing of ISO 20022: nothing is shared with its
// clients, so that the two judge each other.

const isoPrefix = "urn:iso:std:iso:20022:tech:xsd:"

// header is what the bank reads of a group header.
type header struct {
	MessageID string `xml:"MsgId"`
	Count     int    `xml:"NbOfTxs"`
	Sum       string `xml:"CtrlSum"`
}

// check compares a message with its own number of transactions and control sum.
func (h header) check(sum int64, n int) error {
	total, err := add(0, h.Sum)
	if err != nil || total != sum || h.Count != n || n == 0 {
		return fmt.Errorf("%w: number of transactions or control sum", errSyntax)
	}
	return nil
}

// initiation is what the bank reads of a pain.001 message.
type initiation struct {
	XMLName xml.Name `xml:"Document"`
	Body    struct {
		Header   header `xml:"GrpHdr"`
		Payments []struct {
			ID   string   `xml:"PmtInfId"`
			Date struct { // text in the older message, Dt in the newer
				Text string `xml:",chardata"`
				Dt   string `xml:"Dt"`
			} `xml:"ReqdExctnDt"`
			Account  string `xml:"DbtrAcct>Id>Othr>Id"`
			Transfer []struct {
				EndToEndID string `xml:"PmtId>EndToEndId"`
				Amount     struct {
					Currency string `xml:"Ccy,attr"`
					Text     string `xml:",chardata"`
				} `xml:"Amt>InstdAmt"`
				Creditor string `xml:"Cdtr>Nm"`
				Account  string `xml:"CdtrAcct>Id>Othr>Id"`
				Memo     string `xml:"RmtInf>Ustrd"`
			} `xml:"CdtTrfTxInf"`
		} `xml:"PmtInf"`
	} `xml:"CstmrCdtTrfInitn"`
}

// orders are the payments a message asks for, keyed by end-to-end id.
func (m initiation) orders() ([]Order, error) {
	space := m.XMLName.Space
	if space != isoPrefix+"pain.001.001.03" && space != isoPrefix+"pain.001.001.09" {
		return nil, fmt.Errorf("%w: namespace %q", errSyntax, space)
	}
	var out []Order
	sum := int64(0)
	for _, p := range m.Body.Payments {
		for _, t := range p.Transfer {
			amount, err := money.Parse(t.Amount.Text, money.Currency(t.Amount.Currency))
			if err != nil {
				return nil, fmt.Errorf("%w: amount %q", errSyntax, t.Amount.Text)
			}
			if sum, err = add(sum, amount.String()); err != nil {
				return nil, err
			}
			date := strings.TrimSpace(p.Date.Dt)
			if date == "" {
				date = strings.TrimSpace(p.Date.Text)
			}
			if _, err := calendar.Parse(date); err != nil {
				return nil, fmt.Errorf("%w: date %q", errSyntax, date)
			}
			out = append(out, Order{Key: t.EndToEndID, FromAccount: p.Account, ToAccount: t.Account, ToName: t.Creditor, AmountMinor: amount.Minor, Currency: t.Amount.Currency, Memo: t.Memo, ValueDate: date})
		}
	}
	return out, m.Body.Header.check(sum, len(out))
}

// sumDecimals are those of the control sum, which adds plain numbers whatever their currency.
const sumDecimals = 4

func add(sum int64, text string) (int64, error) {
	v, err := money.ParseMinor(text, sumDecimals)
	if err == nil {
		v, err = money.AddMinor(sum, v)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: sum %q", errSyntax, text)
	}
	return v, nil
}

// isoReasons are the external status reason codes of our refusals.
var isoReasons = map[string]string{RejectFunds: "AM04", RejectAccount: "AC01", RejectRule: "RR04", RejectCurrency: "AC09", RejectMandate: "MD01"}

// verdict is what the bank says of one payment.
type verdict struct{ key, status, reason, info, reference, message string }

func (p Payment) verdict() verdict {
	v := verdict{key: p.Key, status: "ACSC", reference: p.Reference, message: "pain.001.001.09"}
	if p.Mandate != "" {
		v.message = "pain.008.001.08"
	}
	if p.Status == Rejected {
		v.status, v.reason, v.info = "RJCT", isoReasons[p.Reason], p.Reason
	}
	return v
}

// postMessage executes a pain.001 or pain.008 message with one transaction and answers with the
// status report. A message that cannot be read is refused without being executed.
func (s *Server) postMessage(w http.ResponseWriter, r *http.Request, body []byte) {
	id, list, err := readOrders(body)
	if errors.Is(err, errXML) {
		s.refuse(w, http.StatusBadRequest, "BAD_XML")
		return
	}
	if err != nil {
		s.answer(w, http.StatusBadRequest, map[string]any{"error": "BAD_ORDER", "detail": err.Error()})
		return
	}
	if len(list) != 1 || list[0].Key != id {
		s.answer(w, http.StatusBadRequest, map[string]any{"error": "BAD_ORDER", "detail": "this bank takes one transaction a message, whose end-to-end id is the message id"})
		return
	}
	s.execute(w, r, list[0], func(p Payment, _ bool) { s.report(w, id, p.verdict()) })
}

// getStatus answers what became of a message.
func (s *Server) getStatus(w http.ResponseWriter, r *http.Request, _ []byte) {
	p, ok := s.book.payment(r.PathValue("id"))
	if !ok {
		s.refuse(w, http.StatusNotFound, "MESSAGE_UNKNOWN")
		return
	}
	s.report(w, r.PathValue("id"), p.verdict())
}

// report writes a pain.002 message.
func (s *Server) report(w http.ResponseWriter, messageID string, v verdict) {
	e := newXML("pain.002.001.10", "CstmrPmtStsRpt")
	e.open("GrpHdr").leaf("MsgId", "S"+messageID[:min(len(messageID), 34)]).leaf("CreDtTm", s.cfg.Clock().UTC().Format("2006-01-02T15:04:05Z")).shut("GrpHdr")
	e.open("OrgnlGrpInfAndSts").leaf("OrgnlMsgId", messageID).leaf("OrgnlMsgNmId", v.message).leaf("GrpSts", v.status).shut("OrgnlGrpInfAndSts")
	e.open("OrgnlPmtInfAndSts").leaf("OrgnlPmtInfId", messageID).open("TxInfAndSts").leaf("OrgnlEndToEndId", v.key).leaf("TxSts", v.status)
	if v.reason != "" {
		e.open("StsRsnInf", "Rsn").leaf("Cd", v.reason).shut("Rsn").leaf("AddtlInf", v.info).shut("StsRsnInf")
	}
	e.leaf("AcctSvcrRef", v.reference).shut("TxInfAndSts", "OrgnlPmtInfAndSts")
	s.document(w, e)
}

func (s *Server) document(w http.ResponseWriter, e *element) {
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.Header().Set("X-Simulator", "capillary-bank")
	_, _ = w.Write(e.end())
}

// getStatement writes the account's camt.053 of some days, with balances.
func (s *Server) getStatement(w http.ResponseWriter, r *http.Request, _ []byte) {
	s.camt(w, r, "camt.053.001.08", "BkToCstmrStmt", "Stmt", false)
}

// getNotification writes the account's camt.054 of what came in on some days.
func (s *Server) getNotification(w http.ResponseWriter, r *http.Request, _ []byte) {
	s.camt(w, r, "camt.054.001.08", "BkToCstmrDbtCdtNtfctn", "Ntfctn", true)
}

func (s *Server) camt(w http.ResponseWriter, r *http.Request, message, body, item string, creditsOnly bool) {
	number := r.PathValue("account")
	from, err1 := calendar.Parse(r.PathValue("from"))
	to, err2 := calendar.Parse(r.PathValue("to"))
	if err := errors.Join(err1, err2); err != nil {
		s.refuse(w, http.StatusBadRequest, "BAD_DATE")
		return
	}
	account, entries, closing := s.book.statement(number, from, to)
	kept, opening, last := entries[:0:0], closing, time.Time{}
	for _, p := range entries {
		opening -= p.signed(number)
		if !creditsOnly || p.ToAccount == number {
			kept = append(kept, p)
			last = p.ExecutedAt
		}
	}
	e := newXML(message, body)
	e.currency = account.currency()
	id, no := fmt.Sprintf("%s-%s-%d", from, to, len(kept)), int64(0)
	if !creditsOnly && from == to { // the statement of a day: one for each, numbered without a break
		if s.missing(from) {
			s.refuse(w, http.StatusNotFound, "NO_STATEMENT")
			return
		}
		id, no = "ST-"+from.String()+"-"+tail(number, 20), s.book.sequence(number, from)
	}
	e.open("GrpHdr").leaf("MsgId", id).leaf("CreDtTm", last.UTC().Format("2006-01-02T15:04:05Z")).shut("GrpHdr")
	e.open(item).leaf("Id", id)
	if no > 0 {
		e.leaf("ElctrncSeqNb", fmt.Sprint(no))
	}
	e.leaf("CreDtTm", last.UTC().Format("2006-01-02T15:04:05Z"))
	e.open("Acct", "Id", "Othr").leaf("Id", number).shut("Othr", "Id").leaf("Ccy", string(e.currency)).leaf("Nm", account.Name).shut("Acct")
	if !creditsOnly {
		e.balance("OPBD", opening, from)
		e.balance("CLBD", closing, to)
	}
	for i, p := range kept {
		e.entry(i+1, number, p, s.book.name(p.FromAccount))
	}
	e.shut(item)
	s.document(w, e)
}

// tail is the end of a text, which tells accounts apart.
func tail(s string, most int) string { return s[max(0, len(s)-most):] }

// missing tells whether the bank holds back the statement of a day, as it was told to.
func (s *Server) missing(day calendar.Date) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.MissingStatement != "" && s.faults.MissingStatement == day.String()
}

// sequence numbers the days of an account from the first on which it moved.
func (b *book) sequence(number string, day calendar.Date) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := day
	for _, p := range b.payments {
		if p.Status == Executed && p.signed(number) != 0 && p.day().Before(first) {
			first = p.day()
		}
	}
	return int64(day.Sub(first)) + 1
}

// signed is what a payment does to an account.
func (p Payment) signed(account string) int64 {
	switch {
	case p.ToAccount == account:
		return p.AmountMinor
	case p.FromAccount == account:
		return -p.AmountMinor
	}
	return 0
}

var china = time.FixedZone("CST", 8*3600)

// day is the value date: what the client asked for, or the day of execution.
func (p Payment) day() calendar.Date {
	if d, err := calendar.Parse(p.ValueDate); err == nil {
		return d
	}
	return calendar.FromTime(p.ExecutedAt, china)
}

// statement lists what moved an account on some days, in the order of the
// bank's references, with the balance at their end.
func (b *book) statement(number string, from, to calendar.Date) (account Account, entries []Payment, closing int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	account = Account{Number: number}
	if a := b.accounts[number]; a != nil {
		account = *a
	}
	closing = account.BalanceMinor
	for _, p := range b.payments {
		if p.Status != Executed || p.signed(number) == 0 {
			continue
		}
		switch day := p.day(); {
		case day.After(to):
			closing -= p.signed(number)
		case !day.Before(from):
			entries = append(entries, p)
		}
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Reference < entries[j].Reference })
	return account, entries, closing
}

func (b *book) name(number string) string {
	if a, ok := b.account(number); ok {
		return a.Name
	}
	return ""
}

// element writes XML; every open element must be shut.
type element struct {
	text     strings.Builder
	body     string
	currency money.Currency // of the amounts
}

func newXML(message, body string) *element {
	e := &element{body: body}
	e.text.WriteString(xml.Header + `<Document xmlns="` + isoPrefix + message + `"><` + body + `>`)
	return e
}

func (e *element) end() []byte {
	e.shut(e.body, "Document")
	return []byte(e.text.String())
}

func (e *element) open(names ...string) *element {
	for _, n := range names {
		e.text.WriteString("<" + n + ">")
	}
	return e
}

func (e *element) shut(names ...string) *element {
	for _, n := range names {
		e.text.WriteString("</" + n + ">")
	}
	return e
}

// leaf writes a text; one that is empty is left out.
func (e *element) leaf(name, text string) *element {
	if text == "" {
		return e
	}
	e.open(name)
	_ = xml.EscapeText(&e.text, []byte(text))
	return e.shut(name)
}

func (e *element) amount(minor int64) *element {
	e.text.WriteString(`<Amt Ccy="` + string(e.currency) + `">` + money.Of(max(minor, -minor), e.currency).String() + `</Amt>`)
	side := "CRDT"
	if minor < 0 {
		side = "DBIT"
	}
	return e.leaf("CdtDbtInd", side)
}

func (e *element) balance(kind string, minor int64, on calendar.Date) {
	e.open("Bal", "Tp", "CdOrPrtry").leaf("Cd", kind).shut("CdOrPrtry", "Tp").amount(minor).open("Dt").leaf("Dt", on.String()).shut("Dt", "Bal")
}

func (e *element) entry(no int, account string, p Payment, payer string) {
	minor := p.signed(account)
	e.open("Ntry").leaf("NtryRef", fmt.Sprint(no)).amount(minor).open("Sts").leaf("Cd", "BOOK").shut("Sts")
	for _, name := range []string{"BookgDt", "ValDt"} {
		e.open(name).leaf("Dt", p.day().String()).shut(name)
	}
	e.leaf("AcctSvcrRef", p.Reference).open("NtryDtls", "TxDtls", "Refs").leaf("AcctSvcrRef", p.Reference)
	if len(p.Key) <= 35 {
		e.leaf("EndToEndId", p.Key)
	}
	e.shut("Refs").amount(minor).open("RltdPties")
	if minor > 0 {
		e.party("Dbtr", payer, p.FromAccount)
	} else {
		e.party("Cdtr", p.ToName, p.ToAccount)
	}
	e.shut("RltdPties")
	if p.Memo != "" {
		e.open("RmtInf").leaf("Ustrd", p.Memo).shut("RmtInf")
	}
	e.shut("TxDtls", "NtryDtls", "Ntry")
}

func (e *element) party(side, name, account string) {
	if name == "" {
		name = account
	}
	e.open(side, "Pty").leaf("Nm", name).shut("Pty", side)
	e.open(side+"Acct", "Id", "Othr").leaf("Id", account[:min(len(account), 34)]).shut("Othr", "Id", side+"Acct")
}
