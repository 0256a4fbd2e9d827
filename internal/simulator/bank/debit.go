package bank

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
)

var errXML = errors.New("not XML")

// readOrders reads a message of either kind: its id and what it asks for.
func readOrders(body []byte) (id string, out []Order, err error) {
	var root struct{ XMLName xml.Name }
	if err := xml.Unmarshal(body, &root); err != nil {
		return "", nil, errXML
	}
	if strings.HasPrefix(root.XMLName.Space, isoPrefix+"pain.008.") {
		var m directDebit
		if err := xml.Unmarshal(body, &m); err != nil {
			return "", nil, errXML
		}
		out, err = m.orders()
		return m.Body.Header.MessageID, out, err
	}
	var m initiation
	if err := xml.Unmarshal(body, &m); err != nil {
		return "", nil, errXML
	}
	out, err = m.orders()
	return m.Body.Header.MessageID, out, err
}

// directDebit is what the bank reads of a pain.008 message.
type directDebit struct {
	XMLName xml.Name `xml:"Document"`
	Body    struct {
		Header   header `xml:"GrpHdr"`
		Payments []struct {
			Method  string `xml:"PmtMtd"`
			Date    string `xml:"ReqdColltnDt"`
			Name    string `xml:"Cdtr>Nm"`
			Account string `xml:"CdtrAcct>Id>Othr>Id"`
			Debits  []struct {
				EndToEndID string `xml:"PmtId>EndToEndId"`
				Amount     struct {
					Currency string `xml:"Ccy,attr"`
					Text     string `xml:",chardata"`
				} `xml:"InstdAmt"`
				Mandate string `xml:"DrctDbtTx>MndtRltdInf>MndtId"`
				Account string `xml:"DbtrAcct>Id>Othr>Id"`
				Memo    string `xml:"RmtInf>Ustrd"`
			} `xml:"DrctDbtTxInf"`
		} `xml:"PmtInf"`
	} `xml:"CstmrDrctDbtInitn"`
}

// orders are the debits a message asks for; none goes without a mandate.
func (m directDebit) orders() ([]Order, error) {
	if space := m.XMLName.Space; space != isoPrefix+"pain.008.001.02" && space != isoPrefix+"pain.008.001.08" {
		return nil, fmt.Errorf("%w: namespace %q", errSyntax, space)
	}
	var out []Order
	sum := int64(0)
	for _, p := range m.Body.Payments {
		if _, err := calendar.Parse(p.Date); err != nil || p.Method != "DD" {
			return nil, fmt.Errorf("%w: method %q or date %q", errSyntax, p.Method, p.Date)
		}
		for _, d := range p.Debits {
			amount, err := money.Parse(d.Amount.Text, money.Currency(d.Amount.Currency))
			if err != nil {
				return nil, fmt.Errorf("%w: amount %q", errSyntax, d.Amount.Text)
			}
			if d.Mandate == "" {
				return nil, fmt.Errorf("%w: a debit without a mandate", errSyntax)
			}
			if sum, err = add(sum, amount.String()); err != nil {
				return nil, err
			}
			out = append(out, Order{Key: d.EndToEndID, FromAccount: d.Account, ToAccount: p.Account, ToName: p.Name, AmountMinor: amount.Minor, Currency: d.Amount.Currency,
				Memo: d.Memo, ValueDate: p.Date, Mandate: d.Mandate})
		}
	}
	return out, m.Body.Header.check(sum, len(out))
}

// StopMandate makes the bank refuse debits under a mandate from now on.
func (s *Server) StopMandate(reference string) error { return s.book.stop(reference) }
