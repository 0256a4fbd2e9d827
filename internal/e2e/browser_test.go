package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// The two widths that every page must hold: a branch desk and a phone.
const (
	wideWidth, wideHeight   = 1440, 900
	phoneWidth, phoneHeight = 390, 844
)

// stepTimeout bounds one step of a story; a page that needs longer is broken.
const stepTimeout = 30 * time.Second

// browser is one person's window: its own profile, its own session.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	problems []string
	foreign  []string
}

// open starts a new browser for one person. Everything the page complains about fails the test at its end.
func open(t *testing.T, base, lang string) *browser {
	t.Helper()
	b := &browser{t: t, base: base}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromiumPath()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", lang), chromedp.Flag("accept-lang", lang),
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(wideWidth, wideHeight),
	)
	ctx, stop := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(options...), chromedp.WithListener(b.listen))
	b.ctx = ctx
	t.Cleanup(func() {
		closing, cancel := context.WithTimeout(ctx, stepTimeout)
		defer cancel()
		_ = chromedp.Cancel(closing) // waits for the profile to be written before its folder goes
		stop()
		b.mu.Lock()
		defer b.mu.Unlock()
		require.Empty(t, b.foreign, "the console asked another host")
		require.Empty(t, b.problems, "the console complained")
	})
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	require.NoError(t, err)
	// Without movement an element is where it is clicked; the console honours the preference.
	_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
	require.NoError(t, err)
	b.wide()
	return b
}

func chromiumPath() string {
	if path := os.Getenv("CAPILLARY_CHROMIUM"); path != "" {
		return path
	}
	return "/usr/bin/chromium"
}

// listen collects script errors, refused content and requests that leave the server.
func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		b.problems = append(b.problems, text)
	case *log.EventEntryAdded:
		// A refusal that a story provokes (signed out, forbidden) is no fault of the page.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != "network" {
			b.problems = append(b.problems, e.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		u := e.Request.URL
		inline := strings.HasPrefix(u, "data:") || strings.HasPrefix(u, "blob:") || strings.HasPrefix(u, "about:")
		if !inline && !strings.HasPrefix(u, b.base) {
			b.foreign = append(b.foreign, u)
		}
	}
}

// step is one action of a story.
type step = chromedp.Action[chromedp.Void]

// run does one step of a story and names it when it fails.
func (b *browser) run(what string, steps ...step) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.shoot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "_"))
		shown, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.pathname + " :: " + document.body.innerText.slice(0, 600)`))
		require.NoError(b.t, err, "%s; the page showed: %s", what, shown)
	}
}

// until waits for a predicate of the page.
func until(function string, args ...any) step {
	poll := chromedp.PollFunction[bool](function, chromedp.WithPollingArgs(args...), chromedp.WithPollingInterval(100*time.Millisecond))
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := poll(ctx, t)
		return chromedp.Void{}, err
	}
}

// settled waits until nothing is loading.
func settled() step {
	return until(`() => !document.querySelector('.ant-spin-spinning, .ant-skeleton, .ant-btn-loading')`)
}

// visit opens a page of the console and waits for its heading.
func (b *browser) visit(path string) {
	b.t.Helper()
	b.run("open "+path, chromedp.Navigate(b.base+path), chromedp.WaitVisible(chromedp.CSS("h4")), settled())
}

// click presses the element that carries a test id.
func (b *browser) click(id string) {
	b.t.Helper()
	selector := chromedp.CSS(fmt.Sprintf(`[data-testid=%q]`, id))
	if id == "modal-ok" { // a dialog may still be moving into place: the button itself is pressed, not the spot where it was seen
		b.run("click "+id, chromedp.WaitEnabled(selector), until(`(id) => { const ok = [...document.querySelectorAll('[data-testid="' + id + '"]')].pop(); if (!ok || ok.disabled) return false; ok.click(); return true }`, id))
		return
	}
	b.run("click "+id, chromedp.WaitEnabled(selector), chromedp.Click(selector))
}

// fill types into the field of a form by its name, over what stands there.
func (b *browser) fill(id, text string) {
	b.t.Helper()
	field := chromedp.CSS("#" + id)
	b.run("fill "+id, chromedp.WaitVisible(field), until(`(id) => { document.getElementById(id).select(); return true }`, id), chromedp.SendKeys(field, text))
}

// pick chooses an entry of the open drop-down menu by its text. A menu may still be moving into place,
// so the entry itself is pressed, not the spot where it was seen.
func (b *browser) pick(text string) {
	b.t.Helper()
	b.run("pick "+text, until(`(text) => { const item = [...document.querySelectorAll('.ant-dropdown-menu-item')].find((one) => one.innerText.trim() === text); item?.click(); return Boolean(item) }`, text))
}

// see waits for a text anywhere on the page.
func (b *browser) see(text string) {
	b.t.Helper()
	b.run("see "+text, until(`(text) => document.body.innerText.includes(text)`, text))
}

// text reads an expression of the page.
func (b *browser) text(expression string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(async () => String(`+expression+`))()`, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, expression)
	return out
}

// narrow turns the window into a phone, and wide back into a desk.
func (b *browser) narrow() {
	b.t.Helper()
	b.run("phone", chromedp.EmulateViewport(phoneWidth, phoneHeight, chromedp.EmulateMobile, chromedp.EmulateTouch), until(`() => innerWidth < 500`), settled())
}

func (b *browser) wide() {
	b.t.Helper()
	b.run("desk", chromedp.EmulateViewport(wideWidth, wideHeight))
}

// noSideways asserts that the page does not scroll sideways at the present width.
func (b *browser) noSideways(what string) {
	b.t.Helper()
	widths := b.text("`${document.documentElement.scrollWidth} ${innerWidth}`")
	var content, window int
	_, err := fmt.Sscan(widths, &content, &window)
	require.NoError(b.t, err)
	if content > window {
		b.shoot("sideways-" + strings.ReplaceAll(what, "/", "_"))
	}
	require.LessOrEqual(b.t, content, window, "%s scrolls sideways", what)
}

// shoot keeps a picture of the window when CAPILLARY_E2E_SHOTS names a folder.
func (b *browser) shoot(name string) {
	folder := os.Getenv("CAPILLARY_E2E_SHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil && os.MkdirAll(folder, 0o750) == nil {
		_ = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600)
	}
}

// sound asserts that the page shows no failure: no refusal, no broken page, no missing word.
func (b *browser) sound(path string) {
	b.t.Helper()
	require.Equal(b.t, "0", b.text(`document.querySelectorAll('.ant-result, .ant-alert-error, .ant-notification-notice-error').length`), "%s shows a failure: %s", path, b.text("document.body.innerText.slice(0, 500)"))
	require.NotContains(b.t, b.text("document.querySelector('main, .page')?.innerText ?? ''"), "undefined", path)
}

// name makes a file name of a picture.
func name(parts ...string) string {
	clean := strings.NewReplacer("/", "_", "?", "_", "=", "-", "&", "_")
	return clean.Replace(strings.Join(parts, " "))
}
