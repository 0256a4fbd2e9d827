package payment_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/lending/payment/iso20022"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
)

// What the bank says is believed only when it is definite: a duplicate, a report
// about something else or a status on the way is a question, never an answer.
func TestOnlyDefiniteReportsAreBelieved(t *testing.T) {
	t.Parallel()
	o := payment.Order{FromAccount: "nostro:ins_01ARZ3NDEKTSV4RRFFQ69G5FAV", ToAccount: "6222", ToName: "甲\n乙", AmountMinor: 100, Currency: "CNY", Memo: "放款\t1", ValueDate: calendar.Of(2026, 1, 5), CreatedAt: time.Unix(0, 0)}
	id := payment.EndToEndID("ins_1", "k")
	require.LessOrEqual(t, len(id), 35)
	require.Len(t, id, 34)
	report := func(message, end, status, reason string) string {
		return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt><GrpHdr><MsgId>S</MsgId></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>` + message +
			`</OrgnlMsgId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>x</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>` + end + `</OrgnlEndToEndId><TxSts>` + status +
			`</TxSts><StsRsnInf><Rsn><Cd>` + reason + `</Cd></Rsn></StsRsnInf><AcctSvcrRef>B1</AcctSvcrRef></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`
	}
	for name, c := range map[string]struct {
		status int
		body   string
		known  bool
		out    payment.Outcome
	}{
		"settled":         {200, report(id, id, "ACSC", ""), true, payment.Outcome{Executed: true, Found: true, Reference: "B1"}},
		"refused":         {200, report(id, id, "RJCT", "AM04"), true, payment.Outcome{Found: true, Reference: "B1", Reason: "AM04"}},
		"duplicate":       {200, report(id, id, "RJCT", "AM05"), false, payment.Outcome{}},
		"on the way":      {200, report(id, id, "ACSP", ""), false, payment.Outcome{}},
		"pending":         {200, report(id, id, "PDNG", ""), false, payment.Outcome{}},
		"another message": {200, report("M", id, "RJCT", "AM04"), false, payment.Outcome{}},
		"another order":   {200, report(id, "E", "RJCT", "AM04"), false, payment.Outcome{}},
		"an error":        {500, report(id, id, "RJCT", "AM04"), false, payment.Outcome{}},
		"a redirect":      {302, "", false, payment.Outcome{}},
		"not xml":         {200, "ok", false, payment.Outcome{}},
		"cut":             {200, report(id, id, "ACSC", "")[:300], false, payment.Outcome{}},
	} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		client, err := payment.NewISOClient(payment.ClientConfig{URL: h.URL, Secret: "s"})
		require.NoError(t, err)
		for _, ask := range []func() (payment.Outcome, error){
			func() (payment.Outcome, error) { return client.Submit(t.Context(), "ins_1:k", o) },
			func() (payment.Outcome, error) { return client.Query(t.Context(), "ins_1:k") },
		} {
			out, err := ask()
			if c.known {
				require.NoError(t, err, name)
				require.Equal(t, c.out, out, name)
			} else {
				require.True(t, fault.Is(err, payment.ReasonBankUnknown), "%s: %v", name, err)
			}
		}
		h.Close()
	}
	// What cannot be written is refused before it is sent.
	client, err := payment.NewISOClient(payment.ClientConfig{URL: "http://127.0.0.1:1", Secret: "s"})
	require.NoError(t, err)
	o.ToAccount = strings.Repeat("9", 40)
	out, err := client.Submit(t.Context(), "ins_1:k", o)
	require.NoError(t, err)
	require.False(t, out.Executed)
	require.Contains(t, out.Reason, "NOT_SENDABLE")
}

// The bank's statement of the settlement account adds up, and its notification
// holds what came in; our reader and the bank's writer share no code.
func TestStatementsOfTheBank(t *testing.T) {
	t.Parallel()
	s, err := bank.New(bank.Config{Secret: secret, SettlementMinor: 1_000_00, Clock: func() time.Time { return time.Now() },
		Accounts: []bank.Account{{Number: "6222-1", Name: "望海水产 & 伙伴", BalanceMinor: 500_00}}})
	require.NoError(t, err)
	h := httptest.NewServer(s)
	t.Cleanup(func() { _ = s.Close(); h.Close() })
	client, err := payment.NewISOClient(payment.ClientConfig{URL: h.URL, Secret: secret})
	require.NoError(t, err)
	nostro := payment.SettlementAccount("ins_01ARZ3NDEKTSV4RRFFQ69G5FAV", money.CNY)
	day := calendar.Of(2026, 1, 5)
	order := func(from, to string, minor int64, day calendar.Date) payment.Order {
		return payment.Order{FromAccount: from, ToAccount: to, AmountMinor: minor, Currency: "CNY", Memo: "附言 <1>", ValueDate: day, CreatedAt: time.Unix(0, 0)}
	}
	for _, x := range []struct {
		key string
		o   payment.Order
	}{
		{"out", order(nostro, "6222-1", 300_00, day)}, {"in", order("6222-1", nostro, 20_00, day)}, {"later", order("6222-1", nostro, 5_00, day.AddDays(1))},
		{"too much", order("6222-1", nostro, 5000_00, day)},
	} {
		_, err := client.Submit(t.Context(), "ins_1:"+x.key, x.o)
		require.NoError(t, err)
	}
	read := func(text []byte) (entries []iso20022.Entry, statements []iso20022.Statement) {
		_, statements, err := iso20022.ReadCamt(strings.NewReader(string(text)), iso20022.Limits{}, iso20022.Sink{
			Entry: func(e iso20022.Entry) error { entries = append(entries, e); return nil },
			Bad:   func(e *iso20022.Error) error { return e },
		})
		require.NoError(t, err)
		return entries, statements
	}
	_, text, err := client.Statement(t.Context(), nostro, day, day)
	require.NoError(t, err)
	entries, statements := read(text)
	require.Len(t, entries, 2)
	closing, ok := statements[0].Balance("CLBD")
	require.True(t, ok)
	require.Equal(t, int64(720_00), closing.Minor)

	_, text, err = client.Fetch(t.Context(), nostro, day, day)
	require.NoError(t, err)
	entries, _ = read(text)
	require.Len(t, entries, 1)
	tx := entries[0].Transactions[0]
	require.Equal(t, []any{true, int64(20_00), "望海水产 & 伙伴", "6222-1", payment.EndToEndID("ins_1", "in"), []string{"附言 <1>"}},
		[]any{tx.Credit, tx.Amount.Minor, tx.Counterparty, tx.CounterAcct, tx.EndToEndID, tx.Remittance})
	_, again, err := client.Fetch(t.Context(), nostro, day, day)
	require.NoError(t, err)
	require.Equal(t, string(text), string(again), "the same days are the same file")
}

// An order sent over one channel is never sent over the other: its outcome is
// unknown there, and the other does not know its key.
func TestAnOrderStaysWithItsChannel(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		_, err := b.record(t.Context(), b.draft("k", 100))
		require.NoError(t, err)
		b.bank.SetFaults(bank.Faults{Down: true})
		_, err = b.dispatcher(t, nil).Drain(t.Context())
		require.NoError(t, err)
		require.Equal(t, payment.Sent, b.read(t, "k").Status)
		b.bank.SetFaults(bank.Faults{})
		b.clock.Advance(time.Hour)
		b.iso = !b.iso
		n, err := b.dispatcher(t, nil).Drain(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
		require.Empty(t, b.bank.Payments(), "the other channel leaves it alone")
		b.iso = !b.iso
		n, err = b.dispatcher(t, nil).Drain(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Len(t, b.bank.Payments(), 1)
	})
}
