package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// choose opens the select around the input that a selector finds, types what is searched for, and takes the
// first option of its own list that holds the text.
func (b *browser) choose(input, text string) {
	b.t.Helper()
	b.run("open "+input, chromedp.WaitReady(chromedp.CSS(input)), settled(), until(`(input) => {
		const box = document.querySelector(input).closest('.ant-select')
		const target = box.querySelector('.ant-select-selector') ?? box
		target.dispatchEvent(new MouseEvent('mousedown', { bubbles: true }))
		return true
	}`, input))
	b.run("search "+text, chromedp.SendKeys(chromedp.CSS(input), text))
	b.run("take "+text, until(`(input, text) => {
		const list = document.getElementById(document.querySelector(input).getAttribute('aria-controls'))
		const item = [...(list?.closest('.ant-select-dropdown')?.querySelectorAll('.ant-select-item-option') ?? [])].find((one) => one.innerText.includes(text))
		item?.click()
		return Boolean(item)
	}`, input, text), settled())
}

// TestStory_AFirmIsCreatedAndEdited makes a firm by hand, meets a refused field, and loses a race against another editor.
func TestStory_AFirmIsCreatedAndEdited(t *testing.T) {
	need(t)
	b := signIn(t, relationshipLogin, "zh-CN")
	b.visit("/firms")
	b.click("firm-new")
	b.fill("name", "温州手工建档有限公司")
	b.fill("code", "HAND-1")
	b.fill("uscc", "914403001922038217")
	b.fill("employees", "25")
	b.fill("revenue_minor", "12000000")
	b.choose("#industry", "C33")
	b.shoot("firm-new")
	b.click("modal-ok")
	b.run("the refusal stands at its field", until(`() => document.querySelector('#uscc')?.closest('.ant-form-item')?.innerText.includes('校验不通过')`))
	b.shoot("firm-new-refused")
	b.fill("uscc", "914403001922038216")
	b.click("modal-ok")
	b.run("the firm opens", until(`() => location.pathname.startsWith('/firms/')`), settled())
	b.see("温州手工建档有限公司")
	b.see("914403001922038216")

	b.click("firm-edit")
	b.fill("address", "温州市鹿城区1号")
	b.fill("phone", "13800138000")
	b.click("modal-ok")
	b.see("138****8000")
	b.see("温州市鹿城区1号")

	// Somebody else changes the firm while the form is open.
	b.click("firm-edit")
	b.fill("address", "温州市瓯海区2号")
	require.Equal(t, "200", b.text(`await fetch('/api/v1' + location.pathname).then((r) => r.json()).then((f) => fetch('/api/v1/firms/' + f.id, { method: 'PUT', headers: { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID(), 'If-Match': '"' + f.version + '"' }, body: JSON.stringify({ code: f.code, name: f.name + '（更名）', address: f.address }) })).then((r) => r.status)`))
	b.click("modal-ok")
	b.see("STALE_VERSION")
	b.shoot("firm-stale")
	b.click("load-newest")
	b.run("the newest name is in the form", until(`() => document.getElementById('name')?.value.includes('（更名）')`))
	b.fill("address", "温州市瓯海区2号")
	b.click("modal-ok")
	b.run("the form closes", until(`() => !document.querySelector('.ant-modal-wrap #address')`))
	b.see("温州市瓯海区2号")
	b.see("（更名）")
	b.narrow()
	b.click("firm-edit")
	b.run("the form on a phone", chromedp.WaitVisible(chromedp.CSS("#name")))
	b.noSideways("the firm form")
	b.shoot("firm-edit-phone")
}

// TestStory_ColumnsAreMappedByHand brings a file whose headings nobody knows.
func TestStory_ColumnsAreMappedByHand(t *testing.T) {
	need(t)
	file := filepath.Join(t.TempDir(), "自有表头.csv")
	require.NoError(t, os.WriteFile(file, []byte("客户,票,日期,购方,未税金额,税额,价税合计,状态\nMAP1,80000001,2026/5/8,B0001,100.00,13.00,113.00,有效发票\n"), 0o600))
	b := signIn(t, operationsLogin, "zh-CN")
	b.visit("/imports/new")
	b.run("choose the file", chromedp.SetUploadFiles(chromedp.CSS(`input[type="file"]`), []string{file}))
	b.see("已上传")
	b.click("step-next")
	b.run("what is missing is said", chromedp.WaitVisible(chromedp.CSS(`[data-testid="mapping-missing"]`)))
	b.run("and nothing can be started", until(`() => document.querySelector('[data-testid="step-next"]').disabled`))
	b.shoot("mapping-missing")
	for field, heading := range map[string]string{"firm": "客户", "number": "票", "net": "未税金额"} {
		b.choose(`[data-testid="column-`+field+`"] input`, heading)
		b.run("read again", until(`(field, heading) => document.querySelector('[data-testid="column-' + field + '"]').innerText.includes(heading)`, field, heading), settled())
	}
	b.see("80000001")
	b.shoot("mapping-done")
	b.narrow()
	b.noSideways("the mapping")
	b.shoot("mapping-phone")
	b.wide()
	b.click("step-next")
	b.run("the report", until(`() => /^\/imports\/[^/]+$/.test(location.pathname) && location.pathname !== '/imports/new'`))
	b.see("各类行数")
	b.see("已入库")
}

// TestStory_AStoppedImportIsDiscarded cancels an import on its way and gives it up.
func TestStory_AStoppedImportIsDiscarded(t *testing.T) {
	need(t)
	var rows strings.Builder
	rows.WriteString("企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态\n")
	for i := range 400_000 {
		fmt.Fprintf(&rows, "STOP1,%08d,2026/5/8,B%04d,100.00,13.00,113.00,有效发票\n", i, i%5000)
	}
	file := filepath.Join(t.TempDir(), "很多行.csv")
	require.NoError(t, os.WriteFile(file, []byte(rows.String()), 0o600))
	b := signIn(t, operationsLogin, "zh-CN")
	b.visit("/imports/new")
	b.run("choose the file", chromedp.SetUploadFiles(chromedp.CSS(`input[type="file"]`), []string{file}))
	b.see("已上传")
	b.click("step-next")
	b.see("列对应关系")
	b.run("start", settled())
	b.click("step-next")
	b.run("on its way", until(`() => /^\/imports\/[^/]+$/.test(location.pathname) && location.pathname !== '/imports/new'`))
	require.Equal(t, "true", b.text(`await (async () => { const id = location.pathname.split('/')[2]; const batch = await fetch('/api/v1/imports/' + id).then((r) => r.json()); return (await fetch('/api/v1/jobs/' + batch.job_id + '/cancel', { method: 'POST', headers: { 'Idempotency-Key': crypto.randomUUID() } })).ok })()`))
	b.run("it says that it stopped", chromedp.WaitVisible(chromedp.CSS(`[data-testid="discard"]`)))
	b.shoot("import-stopped")
	b.click("discard")
	b.click("discard-ok")
	b.see("这次导入被放弃")
	b.shoot("import-discarded")
	require.Equal(t, "0", b.text(`await fetch('/api/v1/firms?q=STOP1').then((r) => r.json()).then((p) => p.total)`), "nothing of it is there")
}
