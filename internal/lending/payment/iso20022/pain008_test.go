package iso20022_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/payment/iso20022"
)

func directDebit(version string) iso20022.DirectDebit {
	return iso20022.DirectDebit{
		Version: version, MessageID: "MSG-8", Created: time.Date(2026, 3, 5, 18, 2, 3, 0, time.FixedZone("", 8*3600)), Initiator: "苍南农商行", Creditor: "苍南农商行",
		Account: "nostro:1", CollectOn: calendar.Of(2026, 3, 5), Debits: []iso20022.Debit{
			{EndToEndID: "E-1", Amount: yuan(123456), Mandate: "SQ-2026-1", SignedOn: calendar.Of(2026, 1, 5), Debtor: "甲 <乙> & 丙", Account: "95588001", Remittance: "还款 DR-1"},
			{EndToEndID: "E-2", Amount: yuan(1), Mandate: "IM-loan_1", Debtor: "丁", Account: "95588002"},
		},
	}
}

// The goldens are written by hand from the message definition.
func TestADirectDebitIsWrittenAsTheSchemaSays(t *testing.T) {
	t.Parallel()
	for version, golden := range map[string]string{iso20022.Pain008V02: "pain008_v02.xml", iso20022.Pain008V08: "pain008_v08.xml"} {
		out, err := iso20022.WriteDirectDebit(directDebit(version))
		require.NoError(t, err)
		require.Equal(t, file(t, golden), string(out))
	}
	yen := directDebit(iso20022.Pain008V08)
	yen.Debits[0].Amount, yen.Debits[1].Amount = money.Of(1234567, money.JPY), money.Of(1, money.JPY)
	out, err := iso20022.WriteDirectDebit(yen)
	require.NoError(t, err)
	require.Contains(t, string(out), `<CtrlSum>1234568</CtrlSum>`)
	require.Contains(t, string(out), `<InstdAmt Ccy="JPY">1234567</InstdAmt>`)
	for name, spoil := range map[string]func(*iso20022.DirectDebit){
		"version": func(m *iso20022.DirectDebit) { m.Version = iso20022.Pain001V09 },
		"id":      func(m *iso20022.DirectDebit) { m.MessageID = strings.Repeat("x", 36) },
		"mandate": func(m *iso20022.DirectDebit) { m.Debits[0].Mandate = "" },
		"line":    func(m *iso20022.DirectDebit) { m.Creditor = "a\nb" },
		"debtor":  func(m *iso20022.DirectDebit) { m.Debits[1].Debtor = "" },
		"account": func(m *iso20022.DirectDebit) { m.Debits[1].Account = strings.Repeat("9", 35) },
		"amount":  func(m *iso20022.DirectDebit) { m.Debits[1].Amount = yuan(0) },
		"money":   func(m *iso20022.DirectDebit) { m.Debits[1].Amount = money.Of(1, "USD") },
		"twice":   func(m *iso20022.DirectDebit) { m.Debits[1].EndToEndID = "E-1" },
		"none":    func(m *iso20022.DirectDebit) { m.Debits = nil },
		"date":    func(m *iso20022.DirectDebit) { m.CollectOn = calendar.Date{} },
	} {
		m := directDebit(iso20022.Pain008V08)
		spoil(&m)
		_, err := iso20022.WriteDirectDebit(m)
		require.ErrorIs(t, err, iso20022.ErrDebit, name)
	}
}

// Whatever is put into a debit, it is refused or comes out well-formed with just what was put in.
func FuzzWriteDirectDebit(f *testing.F) {
	f.Add("E-1", "SQ-1", "甲 <乙> & 丙", "95588001", "还款", int64(1))
	f.Add("]]>", "&amp;", "\u00a0", "\"'", "<!--", int64(1<<62))
	f.Fuzz(func(t *testing.T, id, mandate, debtor, account, memo string, minor int64) {
		m := directDebit(iso20022.Pain008V08)
		m.Debits = []iso20022.Debit{{EndToEndID: id, Amount: yuan(minor), Mandate: mandate, Debtor: debtor, Account: account, Remittance: memo}}
		out, err := iso20022.WriteDirectDebit(m)
		if err != nil {
			return
		}
		want := map[string]string{"EndToEndId": id, "MndtId": mandate, "Ustrd": memo}
		d := xml.NewDecoder(strings.NewReader(string(out)))
		last := ""
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("not well-formed: %v", err)
			}
			switch v := token.(type) {
			case xml.StartElement:
				last = v.Name.Local
			case xml.CharData:
				if text, ok := want[last]; ok && string(v) != text {
					t.Fatalf("%s came out as %q, was %q", last, v, text)
				}
			case xml.EndElement:
				last = ""
			}
		}
	})
}
