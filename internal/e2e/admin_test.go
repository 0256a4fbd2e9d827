package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// TestStory_AnAuthorityIsProposedAndApproved proposes an authority, follows the link, and lets a second person approve it.
func TestStory_AnAuthorityIsProposedAndApproved(t *testing.T) {
	need(t)
	b := signIn(t, riskLogin, "en")
	b.visit("/authorities")
	b.shoot("authorities-empty")
	b.click("grant-authority")
	b.choose("#subject", "Approver")
	b.fill("limit_minor", "5000000")
	b.shoot("authority-form")
	b.click("modal-ok")
	b.run("the page says that it waits", chromedp.WaitVisible(chromedp.CSS(`[data-testid="proposed"] a`)))
	b.shoot("authority-proposed")
	link := b.text(`document.querySelector('[data-testid="proposed"] a').getAttribute('href')`)
	require.Contains(t, link, "/proposals?id=")

	second := signIn(t, complianceLogin, "zh-CN")
	second.visit(link)
	second.see("credit.approve")
	second.run("approve", until(`() => { const ok = [...document.querySelectorAll('.ant-drawer .ant-btn-primary')].find((one) => !one.disabled); ok?.click(); return Boolean(ok) }`))
	second.click("modal-ok")
	second.see("已批准")
	second.visit("/authorities")
	second.see("5,000,000.00")
	second.shoot("authorities-zh")

	// The holder lends a part of it to a colleague whom he could not find among the users.
	holder := signIn(t, approverLogin, "zh-CN")
	holder.visit("/authorities")
	holder.click("delegate")
	holder.choose("#subject", "chen.rm")
	holder.fill("limit_minor", "6000000")
	holder.click("modal-ok")
	holder.run("more than his own is refused at the field", until(`() => Boolean(document.querySelector('#limit_minor')?.closest('.ant-form-item')?.querySelector('.ant-form-item-explain-error'))`))
	holder.shoot("delegation-refused")
	holder.fill("limit_minor", "1000000")
	holder.click("modal-ok")
	holder.see("1,000,000.00")
	holder.see("转授")
	holder.shoot("authorities-delegated")
	holder.narrow()
	holder.noSideways("authorities")
	holder.shoot("authorities-phone")
}

// TestStory_AFeatureIsExplainedAndFollowed opens one figure of a firm: its course over time, then its definition and distribution.
func TestStory_AFeatureIsExplainedAndFollowed(t *testing.T) {
	need(t)
	b := signIn(t, relationshipLogin, "zh-CN")
	firm := b.text(`await fetch('/api/v1/firms?limit=1').then((r) => r.json()).then((p) => p.items[0].id)`)
	b.visit("/firms/" + firm + "?tab=profile&theme=level")
	b.run("open the first figure", until(`() => { const icon = document.querySelector('.ant-table-row-expand-icon'); icon?.click(); return Boolean(icon) }`))
	b.see("历次取值")
	b.run("compute the past", settled(), until(`() => { const go = document.querySelector('[data-testid="course-compute"]'); go?.click(); return true }`))
	b.run("the course is drawn", until(`() => Boolean(document.querySelector('[role="img"][aria-label$="历次取值"] svg'))`), settled())
	require.Equal(t, "true", b.text(`(() => { const table = document.querySelector('.ant-table-content'); return table.scrollWidth <= table.clientWidth + 1 })()`), "the course does not widen the table")
	b.shoot("feature-course")
	b.run("follow the name to its page", until(`() => { const link = document.querySelector('.ant-table-row a[href^="/features/"]'); link?.click(); return Boolean(link) }`), until(`() => location.pathname.startsWith('/features/')`), settled())
	b.see("空值含义")
	b.see("在您可见企业中的分布")
	b.run("the distribution is drawn", until(`() => Boolean(document.querySelector('[role="img"][aria-label$="分布"] svg'))`))
	b.sound("a feature")
	b.shoot("feature-page")
	b.narrow()
	b.noSideways("a feature")
	b.shoot("feature-phone")
}
