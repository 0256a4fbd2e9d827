package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// signIn opens a browser and signs a person of the demonstration in, in the given language.
func signIn(t *testing.T, login, lang string) *browser {
	t.Helper()
	b := open(t, base, lang)
	b.run("open the console", chromedp.Navigate(base+"/"), chromedp.WaitVisible(chromedp.CSS("#login")), settled())
	b.fill("login", login)
	b.fill("password", password)
	b.click("sign-in")
	b.run("arrive", chromedp.WaitVisible(chromedp.CSS(`[data-testid="user-menu"]`)), chromedp.WaitVisible(chromedp.CSS("h4")), settled())
	return b
}

func TestSignIn_RefusesAndAdmits(t *testing.T) {
	need(t)
	t.Parallel()
	b := open(t, base, "zh-CN")
	b.run("a page asks to sign in first", chromedp.Navigate(base+"/firms?q=test"), chromedp.WaitVisible(chromedp.CSS("#login")), settled())
	b.shoot("login-zh")
	b.fill("login", relationshipLogin)
	b.fill("password", "not-the-password")
	b.click("sign-in")
	b.run("the refusal is said", chromedp.WaitVisible(chromedp.CSS(`[role="alert"]`)))
	b.see("BAD_CREDENTIALS")
	b.fill("password", password)
	b.click("sign-in")
	b.run("and be where one wanted to go", until(`() => location.pathname + location.search === '/firms?q=test'`))
	require.Equal(t, "zh-CN", b.text("document.documentElement.lang"))
	b.see("演示环境")
}

func TestShell_LanguageThemePhoneSearch(t *testing.T) {
	need(t)
	t.Parallel()
	b := signIn(t, riskLogin, "zh-CN")
	b.see("演示环境")
	b.shoot("home-zh-light")

	b.click("language")
	b.see("Demonstration")
	require.Equal(t, "en", b.text("document.documentElement.lang"))
	require.NotContains(t, b.text("document.querySelector('aside').innerText"), "企业", "the menu is wholly English")
	b.shoot("home-en-light")

	b.click("theme")
	b.pick("Dark")
	b.run("dark", until(`() => document.documentElement.dataset.theme === 'dark'`))
	b.run("remembered", chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS("h4")), settled(), until(`() => document.documentElement.dataset.theme === 'dark' && document.documentElement.lang === 'en'`))
	b.shoot("home-en-dark")

	b.narrow()
	b.noSideways("home on a phone")
	b.shoot("home-en-dark-phone")
	b.click("menu")
	b.run("the menu opens over the page", chromedp.WaitVisible(chromedp.CSS(".ant-drawer .ant-menu")))
	b.wide()

	b.visit("/")
	b.run("search", chromedp.KeyEvent("k", chromedp.KeyModifiers(kb.ModifierCtrl)), chromedp.WaitVisible(chromedp.CSS(".ant-modal input")), chromedp.SendKeys(chromedp.CSS(".ant-modal input"), "有限"))
	b.run("hits", chromedp.WaitVisible(chromedp.CSS(`[role="option"]`)))
	b.shoot("search")
	b.run("open the first", chromedp.SendKeys(chromedp.CSS(".ant-modal input"), kb.Enter), until(`() => location.pathname.startsWith('/firms/')`))

	b.click("user-menu")
	b.pick("Sign out")
	b.run("the login page", chromedp.WaitVisible(chromedp.CSS("#login")))
}

func TestPages_EveryRoleEveryPageHoldsOnDeskAndPhone(t *testing.T) {
	need(t)
	people := map[string][]string{
		relationshipLogin: {"/", "/tasks", "/notifications", "/firms", "/imports", "/imports/new", "/products", "/products/invoice-credit", "/applications", "/applications?view=list", "/decisions", "/facilities", "/contracts", "/loans", "/calculator", "/signals", "/portfolio", "/security"},
		approverLogin:     {"/", "/approvals", "/authorities", "/applications", "/portfolio/optimiser", "/models"},
		operationsLogin:   {"/", "/imports", "/loans", "/repayment-calendar", "/receipts", "/lpr", "/accounts", "/accounts/1303", "/journal", "/trial-balance", "/statements", "/vouchers", "/periods", "/recipes", "/exchange", "/eod", "/jobs", "/webhooks", "/dead-letters"},
		riskLogin:         {"/", "/features", "/features/sales_net_12m", "/authorities", "/models", "/products/invoice-credit?tab=rules", "/products/invoice-credit?tab=watch", "/portfolio", "/portfolio/optimiser", "/signals"},
		complianceLogin:   {"/", "/audit", "/proposals", "/users", "/decisions"},
		adminLogin:        {"/", "/users", "/roles", "/branches", "/authorities", "/api-keys", "/proposals", "/webhooks", "/audit"},
	}
	// Every role in one language, so that both are walked and the run stays short.
	langs := map[string]string{relationshipLogin: "zh-CN", approverLogin: "en", operationsLogin: "zh-CN", riskLogin: "en", complianceLogin: "en", adminLogin: "zh-CN"}
	for login, paths := range people {
		t.Run(login, func(t *testing.T) {
			lang := langs[login]
			b := signIn(t, login, lang)
			for _, path := range paths {
				b.visit(path)
				b.sound(path)
				b.shoot(name("wide", lang, login, path))
				b.narrow()
				b.noSideways(path)
				b.sound(path)
				b.shoot(name("phone", lang, login, path))
				b.wide()
			}
		})
	}
}
