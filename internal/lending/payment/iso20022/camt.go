package iso20022

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
)

// Messages of money in that are read.
const (
	Camt053V02 = "camt.053.001.02"
	Camt053V08 = "camt.053.001.08"
	Camt054V02 = "camt.054.001.02"
	Camt054V08 = "camt.054.001.08"
)

// Header says which message was read.
type Header struct {
	Message string // camt.053.001.08
	ID      string // MsgId, unique at the sender
	Created string
}

// Balance is a balance of a statement; Minor is negative when the account is overdrawn.
type Balance struct {
	Type  string // OPBD, CLBD, PRCD, CLAV...
	Minor int64
	On    calendar.Date
}

// Statement is what a statement (camt.053) or notification (camt.054) says of
// one account, without its entries.
type Statement struct {
	No int // 1, 2... within the message
	ID string
	// Sequence is the bank's number of the statement: electronic, else legal; 0 when it has none. A number left out is a
	// statement that did not come.
	Sequence int64
	Account  string
	Currency money.Currency
	Balances []Balance
	Entries  int
	// NetMinor is what the booked entries move: credits less debits.
	NetMinor int64
}

// Sink is told what a message holds, in the order of the file. Bad is told of
// everything that cannot be read or does not add up; reading goes on behind it.
// An error of either ends the reading.
type Sink struct {
	Entry func(Entry) error
	Bad   func(*Error) error
}

// camtReader reads one message.
type camtReader struct {
	doc        *document
	sink       Sink
	header     Header
	body, item string // BkToCstmrStmt and Stmt, or their like in a notification
	statements []Statement
	entries    int
}

// ReadCamt reads a statement or a notification. The error it returns is about
// the file as a whole, and nothing of the file should be used then; what is
// wrong with single entries goes to the sink.
func ReadCamt(r io.Reader, l Limits, sink Sink) (Header, []Statement, error) {
	d, name, err := open(r, l, Camt053V02, Camt053V08, Camt054V02, Camt054V08)
	if err != nil {
		return Header{}, nil, err
	}
	c := &camtReader{doc: d, sink: sink, header: Header{Message: name}, body: "BkToCstmrStmt", item: "Stmt"}
	if name == Camt054V02 || name == Camt054V08 {
		c.body, c.item = "BkToCstmrDbtCdtNtfctn", "Ntfctn"
	}
	start, ok, err := d.child("Document")
	if err != nil {
		return c.header, nil, err
	}
	if !ok || start.Name.Local != c.body {
		return c.header, nil, d.fail("Document", "缺少 "+c.body, c.body+" is missing")
	}
	if err := c.message(); err != nil {
		return c.header, nil, err
	}
	return c.header, c.statements, d.end()
}

func (c *camtReader) message() error {
	for {
		start, more, err := c.doc.child(c.body)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		switch start.Name.Local {
		case "GrpHdr":
			err = c.groupHeader(start)
		case c.item:
			err = c.statement()
		default:
			_, err = c.doc.tree(start)
		}
		if err != nil {
			return err
		}
	}
	if c.header.ID == "" {
		return c.doc.fail("GrpHdr/MsgId", "必填", "is required")
	}
	if len(c.statements) == 0 {
		return c.doc.fail(c.item, "报文中没有账户", "the message holds no account")
	}
	return nil
}

func (c *camtReader) groupHeader(start xml.StartElement) error {
	n, err := c.doc.tree(start)
	if err != nil {
		return err
	}
	id, bad := need(n, "GrpHdr", max35, "MsgId")
	if bad != nil {
		return bad
	}
	c.header.ID, c.header.Created = id, n.str("CreDtTm")
	return nil
}

// statement reads one account's part; the element is open.
func (c *camtReader) statement() error {
	s := Statement{No: len(c.statements) + 1}
	path := index("", c.item, s.No)
	var summary *node
	complete := true // every entry could be read, so that sums may be judged
	for {
		start, more, err := c.doc.child(path)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		n, err := c.doc.tree(start)
		if err != nil {
			return err
		}
		var bad *Error
		switch start.Name.Local {
		case "Id":
			s.ID = n.text
		case "ElctrncSeqNb", "LglSeqNb":
			bad = s.number(n, path)
		case "Acct":
			s.Account, s.Currency = account(n), money.Currency(n.str("Ccy"))
		case "Bal":
			bad = s.balance(n, path)
		case "TxsSummry":
			summary = n
		case "Ntry":
			bad, err = c.entry(n, &s, path)
			complete = complete && bad == nil
		}
		if err != nil {
			return err
		}
		if bad != nil {
			if err := c.sink.Bad(bad); err != nil {
				return err
			}
		}
	}
	c.statements = append(c.statements, s)
	if s.ID == "" || s.Account == "" {
		return c.doc.fail(path, "缺少编号 Id 或账户 Acct/Id", "Id or Acct/Id is missing")
	}
	if !complete {
		return nil // the missing entries have been named; sums over the rest would only confuse
	}
	for _, bad := range []*Error{s.addsUp(path, c.doc), s.agrees(summary, path)} {
		if bad != nil {
			if err := c.sink.Bad(bad); err != nil {
				return err
			}
		}
	}
	return nil
}

// entry reads an entry and hands it on.
func (c *camtReader) entry(n *node, s *Statement, path string) (*Error, error) {
	s.Entries++
	if c.entries++; c.entries > c.doc.limits.Entries {
		return nil, fmt.Errorf("%w: more than %d entries", ErrTooLarge, c.doc.limits.Entries)
	}
	e, bad := readEntry(n, index(path, "Ntry", s.Entries))
	if bad != nil {
		return bad, nil
	}
	e.Statement, e.StatementID, e.Account = s.No, s.ID, s.Account
	if s.Currency == "" {
		s.Currency = e.Amount.Currency
	}
	if e.Amount.Currency != s.Currency {
		return &Error{Line: n.line, Path: e.Path + "/Amt", Zh: "币种与账户不同", En: "the currency is not the account's"}, nil
	}
	if e.Booked() {
		signed := e.Amount.Minor
		if !e.Credit {
			signed = -signed
		}
		net, err := money.AddMinor(s.NetMinor, signed)
		if err != nil {
			return &Error{Line: n.line, Path: e.Path + "/Amt", Zh: "金额合计超出范围", En: "the sum of the amounts is out of range"}, nil
		}
		s.NetMinor = net
	}
	return nil, c.sink.Entry(e)
}

// number reads a sequence number; the electronic one stands before the legal one and counts.
func (s *Statement) number(n *node, path string) *Error {
	v, err := strconv.ParseInt(n.text, 10, 64)
	if err != nil || v < 0 || len(n.text) > sequenceDigits {
		return &Error{Line: n.line, Path: path + "/SeqNb", Zh: "序号须为至多18位的非负整数", En: "the sequence number must be a whole number of at most 18 digits"}
	}
	if s.Sequence == 0 {
		s.Sequence = v
	}
	return nil
}

// sequenceDigits is the schema's bound of Number.
const sequenceDigits = 18

func (s *Statement) balance(n *node, path string) *Error {
	path += "/Bal"
	kind := n.str("Tp", "CdOrPrtry", "Cd")
	a, bad := amount(n.at("Amt"), path+"/Amt")
	if bad != nil {
		if bad.Line == 0 {
			bad.Line = n.line
		}
		return bad
	}
	up, bad := credit(n, path)
	if bad != nil {
		return bad
	}
	on, bad := date(n, path, "Dt")
	if bad != nil {
		return bad
	}
	if !up {
		a.Minor = -a.Minor
	}
	s.Balances = append(s.Balances, Balance{Type: kind, Minor: a.Minor, On: on})
	return nil
}

// Balance is the last balance of a type; false when the statement has none.
func (s Statement) Balance(kind string) (Balance, bool) {
	for i := len(s.Balances) - 1; i >= 0; i-- {
		if s.Balances[i].Type == kind {
			return s.Balances[i], true
		}
	}
	return Balance{}, false
}

// addsUp checks opening + entries = closing when both balances are there.
func (s Statement) addsUp(path string, d *document) *Error {
	opening, hasOpening := s.Balance("OPBD")
	if !hasOpening {
		opening, hasOpening = s.Balance("PRCD")
	}
	closing, hasClosing := s.Balance("CLBD")
	if !hasOpening || !hasClosing {
		return nil
	}
	sum, err := money.AddMinor(opening.Minor, s.NetMinor)
	if err == nil && sum == closing.Minor {
		return nil
	}
	plain := func(minor int64) string { return money.Of(minor, s.Currency).String() }
	return d.fail(path+"/Bal", "余额不平：期初 "+plain(opening.Minor)+" 加发生额 "+plain(s.NetMinor)+" 不等于期末 "+plain(closing.Minor)+"，请银行重新出具",
		"the balances do not add up: opening "+plain(opening.Minor)+" and entries "+plain(s.NetMinor)+" are not closing "+plain(closing.Minor)+"; ask the bank for the statement again")
}

// agrees checks the number of entries that the message itself names.
func (s Statement) agrees(summary *node, path string) *Error {
	text := summary.str("TtlNtries", "NbOfNtries")
	if text == "" {
		return nil
	}
	if n, err := strconv.Atoi(text); err == nil && n == s.Entries {
		return nil
	}
	return &Error{Line: summary.line, Path: path + "/TxsSummry/TtlNtries/NbOfNtries", Zh: "笔数与汇总不符：汇总 " + text + "，实际 " + strconv.Itoa(s.Entries),
		En: "the number of entries is not the summary's: it says " + text + ", there are " + strconv.Itoa(s.Entries)}
}
