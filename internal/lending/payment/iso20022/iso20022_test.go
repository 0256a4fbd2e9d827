package iso20022_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/payment/iso20022"
)

func file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(text)
}

type read struct {
	header     iso20022.Header
	statements []iso20022.Statement
	entries    []iso20022.Entry
	bad        []*iso20022.Error
}

func camt(text string, l iso20022.Limits) (r read, err error) {
	r.header, r.statements, err = iso20022.ReadCamt(strings.NewReader(text), l, iso20022.Sink{
		Entry: func(e iso20022.Entry) error { r.entries = append(r.entries, e); return nil },
		Bad:   func(b *iso20022.Error) error { r.bad = append(r.bad, b); return nil },
	})
	return r, err
}

func yuan(fen int64) money.Amount { return money.Of(fen, money.CNY) }

func TestAStatementIsReadToTheFen(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"camt053_v08.xml", "camt054_v08.xml"} {
		r, err := camt(file(t, name), iso20022.Limits{})
		require.NoError(t, err)
		require.Empty(t, r.bad)
		require.Equal(t, "STMT-20260302-1", r.header.ID)
		require.Len(t, r.statements, 1)
		s := r.statements[0]
		require.Equal(t, []any{"6217-20260302", "6217000012340001", money.CNY, 4, int64(1304990)}, []any{s.ID, s.Account, s.Currency, s.Entries, s.NetMinor})
		if closing, ok := s.Balance("CLBD"); ok {
			require.Equal(t, int64(1404990), closing.Minor)
		}
		require.Len(t, r.entries, 4)
		first := r.entries[0]
		require.Equal(t, []any{true, yuan(505000), "B2026030200001", "2026-03-02", "2026-03-01"},
			[]any{first.Credit, first.Amount, first.ServicerRef, first.BookedOn.String(), first.ValueOn.String()})
		tx := first.Transactions[0]
		require.Equal(t, []any{"E2E-0001", "苍南县望海水产有限公司", "95588001"}, []any{tx.EndToEndID, tx.Counterparty, tx.CounterAcct})
		require.Equal(t, []string{"还贷款 DR-2026-7", "RF18539007547034"}, tx.Remittance)

		batch := r.entries[1]
		require.Len(t, batch.Transactions, 2)
		require.Equal(t, []money.Amount{yuan(300050), yuan(499950)}, []money.Amount{batch.Transactions[0].Amount, batch.Transactions[1].Amount})
		require.Empty(t, batch.Transactions[0].EndToEndID, "NOTPROVIDED is no reference")
		require.Equal(t, "2026-03-02", batch.BookedOn.String())

		reversal := r.entries[2]
		require.True(t, reversal.Reversal)
		require.False(t, reversal.Credit)
		require.Equal(t, []any{"某公司 & 分号", "DE89370400440532013000", "AC04", yuan(10010)},
			[]any{reversal.Transactions[0].Counterparty, reversal.Transactions[0].CounterAcct, reversal.Transactions[0].ReturnReason, reversal.Transactions[0].Amount})
		require.Equal(t, "结息", r.entries[3].Info)
	}
}

func TestTheOlderVersionSaysTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"camt053_v02.xml", "camt054_v02.xml"} {
		r, err := camt(file(t, name), iso20022.Limits{})
		require.NoError(t, err)
		require.Empty(t, r.bad)
		require.Len(t, r.entries, 2)
		require.Equal(t, "甲公司", r.entries[0].Transactions[0].Counterparty)
		require.Equal(t, yuan(4200), r.entries[0].Transactions[0].Amount)
		require.True(t, r.entries[0].Booked())
		require.False(t, r.entries[1].Booked(), "pending is no money yet")
		require.Equal(t, int64(4200), r.statements[0].NetMinor)
	}
}

// One bad entry is named with its line; the others are still read.
func TestEveryBadEntryIsNamed(t *testing.T) {
	t.Parallel()
	good := file(t, "camt053_v08.xml")
	for _, c := range []struct{ from, to, path, zh string }{
		{`<Amt Ccy="CNY">5050.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>` + "\n        <Sts>", `<Amt Ccy="CNY">50.505</Amt><CdtDbtInd>CRDT</CdtDbtInd>` + "\n        <Sts>", "Stmt[1]/Ntry[1]/Amt", "小数位"},
		{`<Amt Ccy="CNY">8000.00`, `<Amt Ccy="CNY">-8000.00`, "Stmt[1]/Ntry[2]/Amt", "无符号"},
		{`<Amt Ccy="CNY">8000.00`, `<Amt Ccy="XXX">8000.00`, "Stmt[1]/Ntry[2]/Amt", "币种"},
		{`<Amt Ccy="CNY">8000.00`, `<Amt Ccy="CNY">8000.01`, "Stmt[1]/Ntry[2]/NtryDtls", "不等于分录金额"},
		{`<Amt Ccy="CNY">3000.5</Amt>`, ``, "Stmt[1]/Ntry[2]/TxDtls[1]/Amt", "须有金额"},
		{`<CdtDbtInd>DBIT</CdtDbtInd><RvslInd>`, `<CdtDbtInd>OUT</CdtDbtInd><RvslInd>`, "Stmt[1]/Ntry[3]/CdtDbtInd", "CRDT"},
		{`<RvslInd>true`, `<RvslInd>yes`, "Stmt[1]/Ntry[3]/RvslInd", "true"},
		{`<Dt>2026-03-02Z</Dt>`, `<Dt>2026-02-30</Dt>`, "Stmt[1]/Ntry[3]/BookgDt", "不存在"},
		{`<AcctSvcrRef>B2026030200004`, `<AcctSvcrRef>` + strings.Repeat("9", 36), "Stmt[1]/Ntry[4]/AcctSvcrRef", "过长"},
		{`<NtryRef>4</NtryRef>`, `<NtryRef>4</NtryRef><NtryRef>5</NtryRef>`, "Stmt[1]/Ntry[4]/NtryRef", "一次"},
		{`14049.90`, `14049.91`, "Stmt[1]/Bal", "余额不平"},
		{`<NbOfNtries>4`, `<NbOfNtries>5`, "Stmt[1]/TxsSummry/TtlNtries/NbOfNtries", "笔数"},
	} {
		require.Contains(t, good, c.from)
		r, err := camt(strings.Replace(good, c.from, c.to, 1), iso20022.Limits{})
		require.NoError(t, err, c.path)
		require.Len(t, r.bad, 1, "%s %v", c.path, r.bad)
		require.Equal(t, c.path, r.bad[0].Path)
		require.Contains(t, r.bad[0].Zh, c.zh)
		require.Positive(t, r.bad[0].Line)
		require.NotEmpty(t, r.bad[0].En)
		require.GreaterOrEqual(t, len(r.entries), 3, "the rest is read")
	}
}

// What is no message of ours, or tries to be clever, is refused as a whole.
func TestHostileFilesAreRefused(t *testing.T) {
	t.Parallel()
	good := file(t, "camt053_v08.xml")
	for name, text := range map[string]string{
		"empty":            "",
		"not xml":          "账号,金额\n1,2\n",
		"cut":              good[:len(good)/2],
		"trailing element": good + "<x/>",
		"trailing text":    good + "x",
		"two messages":     good + good,
		"doctype":          strings.Replace(good, "<Document", `<!DOCTYPE a [<!ENTITY x "y">]><Document`, 1),
		"entity":           strings.Replace(good, "STMT-20260302-1", "&xxe;", 1),
		"other message":    strings.Replace(good, "camt.053.001.08", "camt.052.001.08", 1),
		"no namespace":     strings.Replace(good, ` xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"`, "", 1),
		"foreign element":  strings.Replace(good, "<Sts>", `<Sts xmlns="urn:other">`, 1),
		"wrong body":       strings.ReplaceAll(good, "BkToCstmrStmt", "BkToCstmrAcctRpt"),
		"charset":          strings.Replace(good, "UTF-8", "GB18030", 1),
		"invalid utf-8":    strings.Replace(good, "结息", "\xff\xfe", 1),
		"mixed text":       strings.Replace(good, "<Stmt>", "<Stmt>x", 1),
		"no message id":    strings.Replace(good, "<MsgId>STMT-20260302-1</MsgId>", "", 1),
		"no account":       strings.Replace(good, "<Id>6217000012340001</Id>", "", 1),
	} {
		_, err := camt(text, iso20022.Limits{})
		require.Error(t, err, name)
		var own *iso20022.Error
		require.ErrorAs(t, err, &own, name)
		require.NotEmpty(t, own.Zh)
	}
	for name, l := range map[string]iso20022.Limits{"bytes": {Bytes: 1000}, "depth": {Depth: 4}, "nodes": {Nodes: 10}, "entries": {Entries: 3}} {
		_, err := camt(good, l)
		require.ErrorIs(t, err, iso20022.ErrTooLarge, name)
	}
	_, err := camt(strings.Replace(good, "<GrpHdr>", strings.Repeat("<a>", 1000), 1), iso20022.Limits{})
	require.ErrorIs(t, err, iso20022.ErrTooLarge)
	stop := errors.New("stop")
	_, _, err = iso20022.ReadCamt(strings.NewReader(good), iso20022.Limits{}, iso20022.Sink{Entry: func(iso20022.Entry) error { return stop }})
	require.ErrorIs(t, err, stop)
}

func initiation(version string) iso20022.Initiation {
	return iso20022.Initiation{
		Version: version, MessageID: "MSG-1", Created: time.Date(2026, 3, 2, 9, 2, 3, 0, time.FixedZone("", 8*3600)), Initiator: "苍南农商行", Debtor: "苍南农商行",
		Account: "nostro:1", ExecuteOn: calendar.Of(2026, 3, 2), Transfers: []iso20022.Transfer{
			{InstructionID: "I-1", EndToEndID: "E-1", Amount: yuan(123456), Creditor: "甲 <乙> & 丙", Account: "95588001", Remittance: "放款 DR-1"},
			{EndToEndID: "E-2", Amount: yuan(1), Creditor: "丁", Account: "95588002"},
		},
	}
}

// The goldens are written by hand from the message definition.
func TestACreditTransferIsWrittenAsTheSchemaSays(t *testing.T) {
	t.Parallel()
	for version, golden := range map[string]string{iso20022.Pain001V03: "pain001_v03.xml", iso20022.Pain001V09: "pain001_v09.xml"} {
		out, err := iso20022.WriteInitiation(initiation(version))
		require.NoError(t, err)
		require.Equal(t, file(t, golden), string(out))
	}
	for name, spoil := range map[string]func(*iso20022.Initiation){
		"version": func(m *iso20022.Initiation) { m.Version = "pain.001.001.11" },
		"id":      func(m *iso20022.Initiation) { m.MessageID = strings.Repeat("x", 36) },
		"line":    func(m *iso20022.Initiation) { m.Debtor = "a\nb" },
		"account": func(m *iso20022.Initiation) { m.Transfers[1].Account = strings.Repeat("9", 35) },
		"amount":  func(m *iso20022.Initiation) { m.Transfers[1].Amount = yuan(0) },
		"money":   func(m *iso20022.Initiation) { m.Transfers[1].Amount = money.Of(1, "USD") },
		"twice":   func(m *iso20022.Initiation) { m.Transfers[1].EndToEndID = "E-1" },
		"none":    func(m *iso20022.Initiation) { m.Transfers = nil },
		"date":    func(m *iso20022.Initiation) { m.ExecuteOn = calendar.Date{} },
	} {
		m := initiation(iso20022.Pain001V09)
		spoil(&m)
		_, err := iso20022.WriteInitiation(m)
		require.ErrorIs(t, err, iso20022.ErrMessage, name)
	}
}

func TestAStatusReport(t *testing.T) {
	t.Parallel()
	r, err := iso20022.ReadStatus(strings.NewReader(file(t, "pain002_v10.xml")), iso20022.Limits{})
	require.NoError(t, err)
	require.Equal(t, []any{"SR-1", "MSG-1"}, []any{r.ID, r.OriginalMessageID})
	paid, ok := r.Of("E-1", "MSG-1")
	require.True(t, ok)
	require.True(t, paid.Status.Executed())
	require.Equal(t, "B1", paid.Reference)
	refused, ok := r.Of("E-2", "MSG-1")
	require.True(t, ok)
	require.True(t, refused.Status.Refused())
	require.Equal(t, []string{"AM04", "余额不足"}, []string{refused.Reason, refused.Info})
	pending, ok := r.Of("E-3", "MSG-1")
	require.True(t, ok)
	require.False(t, pending.Status.Executed() || pending.Status.Refused())
	_, ok = r.Of("E-9", "MSG-1")
	require.False(t, ok, "partly says nothing about one transaction")
	settling, ok := r.Of("E-9", "MSG-2")
	require.True(t, ok)
	require.Equal(t, iso20022.StatusSettling, settling.Status)

	r, err = iso20022.ReadStatus(strings.NewReader(file(t, "pain002_v03.xml")), iso20022.Limits{})
	require.NoError(t, err)
	all, ok := r.Of("anything", "MSG-9")
	require.True(t, ok)
	require.True(t, all.Status.Refused(), "a refused message refuses everything in it")
	require.Equal(t, "BANKCLOSED", all.Reason)

	for _, c := range [][2]string{{"ACSC", "DONE"}, {"<OrgnlEndToEndId>E-2", "<OrgnlEndToEndId>E-1"}, {"<OrgnlMsgId>MSG-1</OrgnlMsgId>", ""}, {"<MsgId>SR-1</MsgId>", ""}, {"</Document>", "</Document>x"}} {
		_, err := iso20022.ReadStatus(strings.NewReader(strings.Replace(file(t, "pain002_v10.xml"), c[0], c[1], 1)), iso20022.Limits{})
		require.Error(t, err, c[1])
	}
}

// Whatever a stranger sends, the readers answer: no panic, no amount below zero,
// and details that are the entry.
func FuzzReadCamt(f *testing.F) {
	for _, name := range []string{"camt053_v08.xml", "camt053_v02.xml", "camt054_v08.xml", "camt054_v02.xml"} {
		f.Add(file(f, name))
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := camt(text, iso20022.Limits{Bytes: 1 << 20, Nodes: 2000, Entries: 200})
		for _, e := range r.entries {
			sum := int64(0)
			for _, tx := range e.Transactions {
				if tx.Amount.Minor < 0 {
					t.Fatalf("negative %+v", tx)
				}
				if tx.Credit == e.Credit {
					sum += tx.Amount.Minor
				} else {
					sum -= tx.Amount.Minor
				}
			}
			if e.Amount.Minor < 0 || len(e.Transactions) > 0 && sum != e.Amount.Minor {
				t.Fatalf("entry %+v", e)
			}
		}
		if err == nil && r.header.ID == "" {
			t.Fatal("a message without its id")
		}
	})
}

func FuzzReadStatus(f *testing.F) {
	for _, name := range []string{"pain002_v10.xml", "pain002_v03.xml"} {
		f.Add(file(f, name))
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := iso20022.ReadStatus(strings.NewReader(text), iso20022.Limits{Bytes: 1 << 20, Nodes: 2000})
		if err == nil && r.OriginalMessageID == "" {
			t.Fatal("a report about nothing")
		}
		for id := range r.Transactions {
			_, _ = r.Of(id, "")
		}
	})
}
