package payment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/payment/iso20022"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// ISOClient speaks ISO 20022 over HTTP(S): a payment goes as a pain.001 message
// of its own, a debit as a pain.008 message, and its outcome comes as pain.002, at once or when it is asked for.
// Message id and end-to-end id are one digest of the order's key, so the message
// sent again is the same message. Statements of the account can be fetched.
type ISOClient struct{ wire *wire }

// NewISOClient makes a client.
func NewISOClient(cfg ClientConfig) (*ISOClient, error) {
	w, err := newWire(cfg)
	if err != nil {
		return nil, err
	}
	return &ISOClient{wire: w}, nil
}

// Protocol is what the client speaks.
func (c *ISOClient) Protocol() string { return ProtocolISO20022 }

const (
	xmlType      = "application/xml"
	statementMax = 64 << 20
	accountMax   = 34
	nameMax      = 140
)

// Submit sends the order's message.
func (c *ISOClient) Submit(ctx context.Context, key string, o Order) (Outcome, error) {
	id := endToEnd(key)
	text, err := write(id, o)
	if errors.Is(err, iso20022.ErrMessage) || errors.Is(err, iso20022.ErrDebit) {
		// It was never sent and never can be.
		return Outcome{Found: true, Reason: "NOT_SENDABLE: " + err.Error()}, nil
	}
	if err != nil {
		return Outcome{}, err
	}
	status, answer, err := c.wire.send(ctx, http.MethodPost, "/iso20022/messages", xmlType, text, answerMax)
	if err != nil {
		return Outcome{}, err
	}
	return isoOutcome(id, status, answer)
}

// Query asks for the status report of the order's message.
func (c *ISOClient) Query(ctx context.Context, key string) (Outcome, error) {
	id := endToEnd(key)
	status, answer, err := c.wire.send(ctx, http.MethodGet, "/iso20022/messages/"+id+"/status", xmlType, nil, answerMax)
	if err != nil {
		return Outcome{}, err
	}
	if status == http.StatusNotFound && bytes.Contains(answer, []byte("MESSAGE_UNKNOWN")) {
		return Outcome{}, nil
	}
	return isoOutcome(id, status, answer)
}

// write is the order's message: a direct debit under its mandate, else a credit transfer. Orders of the time before
// mandates stay what they were, so that one sent again is the same message.
func write(id string, o Order) ([]byte, error) {
	if o.MandateID == "" {
		return iso20022.WriteInitiation(message(id, o))
	}
	return iso20022.WriteDirectDebit(iso20022.DirectDebit{
		Version: iso20022.Pain008V08, MessageID: id, Created: o.CreatedAt, Initiator: "Capillary", Creditor: isoAccount(o.ToAccount), Account: isoAccount(o.ToAccount),
		CollectOn: o.ValueDate, Debits: []iso20022.Debit{{
			EndToEndID: id, Amount: money.Of(o.AmountMinor, o.Currency), Mandate: o.MandateReference, SignedOn: o.MandateSignedOn,
			Debtor: isoText(o.FromName, nameMax, isoAccount(o.FromAccount)), Account: isoAccount(o.FromAccount), Remittance: isoText(o.Memo, nameMax, ""),
		}},
	})
}

// message is the order as a credit transfer.
func message(id string, o Order) iso20022.Initiation {
	return iso20022.Initiation{
		Version: iso20022.Pain001V09, MessageID: id, Created: o.CreatedAt, Initiator: "Capillary", Debtor: isoAccount(o.FromAccount), Account: isoAccount(o.FromAccount),
		ExecuteOn: o.ValueDate, Transfers: []iso20022.Transfer{{
			EndToEndID: id, Amount: money.Of(o.AmountMinor, o.Currency), Creditor: isoText(o.ToName, nameMax, isoAccount(o.ToAccount)),
			Account: isoAccount(o.ToAccount), Remittance: isoText(o.Memo, nameMax, ""),
		}},
	}
}

// AccountAtBank is an account's number as the bank's files write it.
func AccountAtBank(account string) string { return isoAccount(account) }

// isoAccount fits the institution's own account into the schema's 34 characters
// by leaving out the beginning of its id; other accounts must fit as they are. What tells two
// institutions, or two currencies of one, apart is at the end and stays.
func isoAccount(s string) string {
	if rest, own := strings.CutPrefix(s, settlementPrefix); own && len(s) > accountMax {
		return settlementPrefix + rest[max(0, len(rest)-(accountMax-len(settlementPrefix)-1)):]
	}
	return s
}

// isoText makes a text printable and short; an empty one becomes instead.
func isoText(s string, most int, instead string) string {
	r := []rune(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " "))
	s = strings.TrimSpace(string(r[:min(len(r), most)]))
	if s == "" {
		return instead
	}
	return s
}

// duplicate are the reasons by which banks say that they have the message
// already: that is no refusal of the payment, its fate is that of the first.
var duplicate = map[string]bool{"AM05": true, "DU01": true, "DU02": true, "DU03": true, "DU04": true, "DU05": true, "DU06": true}

// isoOutcome reads a definite answer; everything else is unknown.
func isoOutcome(id string, status int, answer []byte) (Outcome, error) {
	unknown := func(why string, cause error) (Outcome, error) {
		return Outcome{}, fault.New(ReasonBankUnknown).Wrap(errors.Join(fmt.Errorf("bank answered %d: %s", status, why), cause))
	}
	if status != http.StatusOK {
		return unknown("no status report", nil)
	}
	report, err := iso20022.ReadStatus(bytes.NewReader(answer), iso20022.Limits{Bytes: answerMax})
	if err != nil {
		return unknown("unreadable", err)
	}
	if report.OriginalMessageID != id {
		return unknown("a report about another message", nil)
	}
	v, ok := report.Of(id, id)
	switch {
	case !ok:
		return unknown("nothing about the order", nil)
	case v.Status.Executed():
		return Outcome{Executed: true, Found: true, Reference: v.Reference}, nil
	case v.Status.Refused() && !duplicate[v.Reason]:
		return Outcome{Found: true, Reference: v.Reference, Reason: strings.TrimSpace(v.Reason + " " + v.Info)}, nil
	}
	return unknown("status "+string(v.Status)+" "+v.Reason, nil)
}

// Fetch gets the account's notification (camt.054) of what came in on these
// days, which exists during the day, too; the same days again give the same
// file as long as nothing more has come.
func (c *ISOClient) Fetch(ctx context.Context, account string, from, to calendar.Date) (string, []byte, error) {
	return c.fetch(ctx, "notifications", account, from, to)
}

// Statement gets the account's statement (camt.053) of these days.
func (c *ISOClient) Statement(ctx context.Context, account string, from, to calendar.Date) (string, []byte, error) {
	return c.fetch(ctx, "statements", account, from, to)
}

func (c *ISOClient) fetch(ctx context.Context, what, account string, from, to calendar.Date) (string, []byte, error) {
	path := "/iso20022/" + what + "/" + url.PathEscape(isoAccount(account)) + "/" + from.String() + "/" + to.String()
	status, text, err := c.wire.send(ctx, http.MethodGet, path, xmlType, nil, statementMax)
	if err == nil && status != http.StatusOK {
		err = fault.New(ReasonNoStatement, "status", status)
	}
	return what + "-" + from.String() + "-" + to.String() + ".xml", text, err
}
