package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// TestStory_ImportShowsItsReport uploads a file with good and bad rows and reads what became of each.
func TestStory_ImportShowsItsReport(t *testing.T) {
	need(t)
	file := filepath.Join(t.TempDir(), "演示_销项.csv")
	rows := "企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态\n" +
		"E2E1,90000001,2026/5/8,B0001,100.00,13.00,113.00,有效发票\n" +
		"E2E1,90000002,2026/5/9,B0001,100.00,13.00,113.00,作废发票\n" +
		"E2E1,90000003,2026/5/39,B0001,100.00,13.00,113.00,有效发票\n"
	require.NoError(t, os.WriteFile(file, []byte(rows), 0o600))

	b := signIn(t, relationshipLogin, "zh-CN")
	b.visit("/imports/new")
	b.run("choose the file", chromedp.SetUploadFiles(chromedp.CSS(`input[type="file"]`), []string{file}))
	b.see("已上传")
	b.click("step-next")
	b.see("90000001")
	b.click("step-next")
	b.run("the report", until(`() => /^\/imports\/[^/]+$/.test(location.pathname) && location.pathname !== '/imports/new'`))
	b.see("各类行数")
	b.run("the bad row can be downloaded", chromedp.WaitVisible(chromedp.CSS(`[data-testid="errors"]`)))
	b.shoot("import-report")
}

// TestStory_DoubleClickedDrawdownPaysOnce draws on a live facility with two clicks in one moment.
func TestStory_DoubleClickedDrawdownPaysOnce(t *testing.T) {
	need(t)
	b := signIn(t, operationsLogin, "zh-CN")
	facility := b.text(`await fetch('/api/v1/facilities?status=active&limit=200').then((r) => r.json()).then((p) => p.items.filter((f) => f.product_id === 'invoice-credit' && f.available_minor >= 2000000)[0]?.id ?? '')`)
	require.NotEmpty(t, facility, "the demonstration has no facility with money left")
	loans := func() string {
		return b.text(`await fetch('/api/v1/loans?limit=1&facility_id=` + facility + `').then((r) => r.json()).then((p) => p.total)`)
	}
	before := loans()

	b.visit("/facilities/" + facility)
	b.shoot("facility")
	b.click("draw")
	b.fill("amount_minor", "10000")
	b.fill("payee_account", "6222020000000001")
	b.see("还款计划")
	b.shoot("drawdown")
	b.run("click twice at once", until(`() => { const ok = document.querySelector('.ant-modal-footer .ant-btn-primary'); ok.click(); ok.click(); return true }`))
	b.run("the loan opens", until(`() => location.pathname.startsWith('/loans/')`), settled())
	b.see("还款计划")
	b.shoot("loan")
	after := loans()
	require.NotEqual(t, before, after)
	require.Equal(t, "1", b.text(after+" - "+before), "one drawdown")
	require.True(t, strings.HasPrefix(b.text("location.pathname"), "/loans/"))
}

// TestStory_CalculatorTellsWhatAPlanCosts reads the plan of the terms the page opens with.
func TestStory_CalculatorTellsWhatAPlanCosts(t *testing.T) {
	need(t)
	b := signIn(t, relationshipLogin, "zh-CN")
	b.visit("/calculator")
	b.see("填写条件后点")
	b.click("calculate")
	b.see("实际年化（单利）")
	require.Regexp(t, `6\.(0\d|10)%`, b.text(`document.querySelector('[data-testid="plan-cost"]').innerText`), "6% by actual days over 360 costs a little more than 6%")
	require.Equal(t, "12", b.text(`document.querySelectorAll('.ant-table-tbody tr.ant-table-row').length`))
	b.shoot("calculator")
}

// TestStory_AChangeOfALoanIsTriedAndProposed looks at what a prepayment would do, then asks a second person for a fee.
func TestStory_AChangeOfALoanIsTriedAndProposed(t *testing.T) {
	need(t)
	b := signIn(t, operationsLogin, "zh-CN")
	loan := b.text(`await fetch('/api/v1/loans?status=active&limit=200').then((r) => r.json()).then((p) => p.items.filter((l) => l.product_id === 'invoice-credit' && l.outstanding_minor > 1000000)[0]?.id ?? '')`)
	require.NotEmpty(t, loan, "the demonstration has no active loan")
	b.visit("/loans/" + loan + "?tab=what-if")
	b.see("填写一个假设后点")
	b.click("what-if")
	b.see("少付利息")
	require.Regexp(t, `少付利息`, b.text(`document.querySelector('[data-testid="what-if-answer"]').innerText`))
	b.shoot("what-if")
	pending := func() string {
		return b.text(`await fetch('/api/v1/proposals?state=pending&limit=200').then((r) => r.json()).then((p) => String(p.items?.length ?? 0))`)
	}
	before := pending()
	b.click("change-loan")
	b.see("提交后由另一人复核")
	b.choose("#kind", "收取费用")
	b.fill("amount_minor", "12.50")
	b.fill("reason", "公证费 2026-11")
	b.shoot("change-loan")
	b.click("modal-ok")
	b.see("已提交复核")
	require.NotEqual(t, before, pending(), "one more proposal waits")
}

// Each kind of contract asks for what it needs when money is drawn, and a loan repaid by sales says when nobody reported them.
func TestStory_EachKindOfContractAsksForWhatItNeeds(t *testing.T) {
	need(t)
	b := signIn(t, operationsLogin, "zh-CN")
	for product, label := range map[string]string{"invoice-lease": "留购价款", "invoice-discount": "应收账款到期日", "invoice-staged": "后续放款计划", "invoice-sales-share": "预计每期销售额"} {
		facility := b.text(`await fetch('/api/v1/facilities?limit=200').then((r) => r.json()).then((p) => p.items.filter((f) => f.product_id === '` + product + `')[0]?.id ?? '')`)
		require.NotEmpty(t, facility, product)
		b.visit("/facilities/" + facility)
		b.click("draw")
		b.see(label)
		b.see("年化成本")
		b.shoot("draw-" + product)
	}
	loan := b.text(`await fetch('/api/v1/loans?limit=200').then((r) => r.json()).then((p) => p.items.filter((l) => l.product_id === 'invoice-sales-share')[0]?.id ?? '')`)
	require.NotEmpty(t, loan)
	b.visit("/loans/" + loan)
	b.see("销售额未报送，已按最低额到期")
	b.shoot("sales-missing")
	b.click("report-sales")
	b.see("同一来源同一天只报一次")
	b.fill("amount_minor", "88000")
	b.fill("source", "门店收银")
	b.shoot("report-sales")
	b.click("modal-ok")
	b.see("已报送")
	b.shoot("sales-reported")
	lease := b.text(`await fetch('/api/v1/loans?limit=200').then((r) => r.json()).then((p) => p.items.filter((l) => l.product_id === 'invoice-lease')[0]?.id ?? '')`)
	b.visit("/loans/" + lease)
	b.see("在手保证金")
	b.shoot("lease")
}
