package admin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"proxylab/proxy/balancer"
)

// browser is Debian's chromium with one page. What the page complains of is gathered.
type browser struct {
	context.Context
	t          *testing.T
	artifacts  string
	complaints chan string
}

func browse(t *testing.T, url string) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is missing: apt-get install chromium")
		}
		t.Skip("chromium is missing: apt-get install chromium")
	}
	b := &browser{t: t, artifacts: os.Getenv("TEST_ARTIFACTS"), complaints: make(chan string, 100)}
	if b.artifacts == "" {
		b.artifacts = t.ArtifactDir()
	}
	listen := chromedp.WithListener(func(event any) {
		text := ""
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			text = e.ExceptionDetails.Text
			if x := e.ExceptionDetails.Exception; x != nil {
				text += ": " + x.Description
			}
		case *cdplog.EventEntryAdded:
			text = e.Entry.Text
		}
		if text == "" {
			return
		}
		select {
		case b.complaints <- text:
		default:
		}
	})
	ctx, cancel := chromedp.NewContext(context.Background(), listen, chromedp.WithAllocatorOptions(chromedp.ExecPath(program),
		chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1400, 900), chromedp.WSURLReadTimeout(time.Minute)))
	b.Context = ctx
	t.Cleanup(func() {
		late, done := context.WithTimeout(ctx, 20*time.Second)
		defer done()
		if err := chromedp.Cancel(late); err != nil {
			t.Error("chromium does not end: ", err)
		}
		cancel()
	})
	// The browser lives as long as the context of the first call.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(url))
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Context, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// eval gives the value of an expression.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.Context, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// click presses what a selector finds, as a mouse does.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// await waits until an expression is true.
func (b *browser) await(expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !eval[bool](b, "Boolean("+expression+")"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("never true: %s; the page has:\n%s", expression, eval[string](b, "document.body.innerText"))
		}
	}
}

// size makes the window so wide, in the scheme.
func (b *browser) size(width, height int64, scheme string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	if _, err := chromedp.Call(b.Context, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		b.t.Fatal(err)
	}
}

// picture keeps a screenshot of the whole page.
func (b *browser) picture(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.Context, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.artifacts, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// tabTo presses Tab until the element is focused.
func (b *browser) tabTo(element string) {
	b.t.Helper()
	for range 120 {
		if eval[bool](b, "document.activeElement === "+element) {
			return
		}
		b.do(chromedp.KeyEvent(kb.Tab))
	}
	b.t.Fatalf("no way by keyboard to %s", element)
}

// quiet wants that the page complained of nothing.
func (b *browser) quiet() {
	b.t.Helper()
	for {
		select {
		case text := <-b.complaints:
			b.t.Errorf("the page complains: %s", text)
		default:
			return
		}
	}
}

// lively are balancers as one may meet them: members in every state.
func lively(t *testing.T) []*balancer.Balancer {
	busy := origins(t, func(c *balancer.Config) {
		c.Members = nil
		for i, status := range []balancer.Flags{0, 0, balancer.Draining, 0, balancer.HotSpare, balancer.HotStandby} {
			c.Members = append(c.Members, balancer.MemberConfig{Name: fmt.Sprintf("http://10.0.0.%d:8080", 11+i), Route: fmt.Sprintf("m%d", 1+i), LoadFactor: float64(1 + i%2), Status: status, Retry: time.Hour, Max: 50 * (i % 2)})
		}
	})
	for i := range 400 {
		var l balancer.Lease
		if err := busy.Elect(nil, &l); err != nil {
			t.Fatal(err)
		}
		r := balancer.Result{To: 412, From: int64(40_000 * (1 + i%7)), Took: time.Duration(1+i%9) * 3 * time.Millisecond}
		if i > 300 && l.Index() == 3 {
			r.Outcome = balancer.Unreachable
		}
		l.Done(r)
	}
	small := origins(t, func(c *balancer.Config) {
		c.Name, c.Method = "images", "ewma"
		c.Members[0].Name, c.Members[1].Name = "http://images-with-a-rather-long-name.internal.example:8080", "http://[fd00::12]:80"
		c.Check = balancer.Checks{Interval: 200 * time.Millisecond, Passes: 1, Fails: 1}
	})
	small.Watch(func(_ context.Context, index int, _ bool) error {
		if index == 0 {
			return errors.New("dial tcp: lookup images-with-a-rather-long-name.internal.example: no such host")
		}
		return nil
	})
	t.Cleanup(small.Unwatch)
	for {
		s := small.Status()
		if !s.Members[0].Check.At.IsZero() && !s.Members[1].Check.At.IsZero() {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return []*balancer.Balancer{busy, small}
}

const firstRow = `document.querySelectorAll("#balancers tbody tr")[0]`

// A person without a mouse drains a member, sees it, and changes its loadfactor.
func TestThePageByKeyboard(t *testing.T) {
	list := lively(t)
	m := manage(t, Config{}, list...)
	b := browse(t, m.base)
	b.await(firstRow)
	drain := firstRow + `.querySelector("[data-flag=N]")`
	b.tabTo(drain)
	if outline := eval[string](b, "getComputedStyle(document.activeElement).outlineStyle"); outline != "solid" {
		t.Errorf("the focus is not seen: %s", outline)
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await(firstRow + `.querySelector("[data-f=status]").textContent.includes("Draining")`)
	if f := list[0].Status().Members[0].Flags; f != balancer.Draining {
		t.Errorf("flags %s", f)
	}
	b.await(`document.getElementById("said").textContent === "http://10.0.0.11:8080 is draining"`)
	if !eval[bool](b, "document.activeElement === "+drain+` && `+drain+`.getAttribute("aria-pressed") === "true"`) {
		t.Error("the focus is gone, or the button is not pressed")
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await(`!` + firstRow + `.querySelector("[data-f=status]").textContent.includes("Draining")`)

	b.tabTo(firstRow + `.querySelector("[data-do=change]")`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await(`document.getElementById("change").open`)
	b.tabTo(`document.querySelector("[name=loadfactor]")`)
	b.picture("change-light")
	b.do(chromedp.KeyEvent("7"), chromedp.KeyEvent(kb.Enter)) // what a field has is selected on the way to it
	b.await(`!document.getElementById("change").open && ` + firstRow + `.querySelector("[data-f=loadfactor]").textContent === "7"`)
	if f := list[0].Status().Members[0].LoadFactor; f != 7 {
		t.Errorf("loadfactor %v", f)
	}

	b.tabTo(`document.querySelector("select")`)
	b.do(chromedp.KeyEvent("byb"))
	b.await(`document.getElementById("said").textContent === "lbmethod of origins is bybusyness"`)
	if s := list[0].Status().Method; s != "bybusyness" {
		t.Errorf("lbmethod %s", s)
	}
	b.quiet()
}

// Who is asked for a secret sees the page with it, and may make changes.
func TestThePageWithASecret(t *testing.T) {
	list := lively(t)
	m := manage(t, Config{Token: "0123456789abcdef"}, list...)
	b := browse(t, strings.Replace(m.base, "://", "://me:0123456789abcdef@", 1))
	b.await(firstRow)
	b.click(`tbody [data-flag=S]`)
	b.await(firstRow + `.querySelector("[data-f=status]").textContent.includes("Stopped")`)
	if f := list[0].Status().Members[0].Flags; f != balancer.Stopped || !strings.Contains(m.log.String(), "user=me") {
		t.Errorf("flags %s\n%s", f, m.log)
	}
	b.quiet()
}

// A balancer that can elect nobody is said to be one, in time for who did it.
func TestThePageSaysWhenNobodyCanBeElected(t *testing.T) {
	m := manage(t, Config{}, origins(t, func(c *balancer.Config) { c.Members = c.Members[:1] }))
	b := browse(t, m.base)
	b.await(firstRow)
	nobody := `document.querySelector(".nobody")`
	if eval[bool](b, "!"+nobody+".hidden") {
		t.Error("it says so of one that can")
	}
	b.click(`tbody [data-flag=D]`)
	b.await("!" + nobody + ".hidden")
	b.click(`tbody [data-flag=D]`)
	b.await(nobody + ".hidden")
}

// What the manager refuses is told where it was asked for, and changes nothing.
func TestThePageTellsARefusal(t *testing.T) {
	list := lively(t)
	m := manage(t, Config{}, list...)
	b := browse(t, m.base)
	b.await(firstRow)
	b.click(`tbody [data-do=change]`)
	b.do(chromedp.SetValue(chromedp.CSS(`[name=route]`), "m2"))
	b.click(`dialog .main`)
	b.await(`document.getElementById("wrong").textContent.includes('route "m2" is that of "http://10.0.0.12:8080"')`)
	b.picture("refused")
	for _, scheme := range []string{"light", "dark"} {
		b.size(360, 800, scheme)
		if low := eval[string](b, tooPale); low != "" {
			t.Errorf("%s: contrast below 4.5: %s", scheme, low)
		}
		b.picture("refused-360-" + scheme)
	}
	b.do(chromedp.KeyEvent(kb.Escape))
	b.await(`!document.getElementById("change").open`)
	if r := list[0].Status().Members[0].Route; r != "m1" {
		t.Errorf("route %s", r)
	}
}

// The page shows what happens elsewhere, and nothing on it moves for that.
func TestThePageIsLiveAndDoesNotJump(t *testing.T) {
	list := lively(t)
	m := manage(t, Config{}, list...)
	b := browse(t, m.base)
	for _, width := range []int64{1400, 360} {
		b.size(width, 800, "light")
		b.await(firstRow)
		places := `JSON.stringify([...document.querySelectorAll("section, tr, button")].map(e => { const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height] }))`
		elected := eval[string](b, firstRow+`.querySelector("[data-f=elected]").textContent`)
		before := eval[string](b, places)
		for range 40 {
			var l balancer.Lease
			if err := list[0].Elect(nil, &l); err != nil {
				t.Fatal(err)
			}
			l.Done(balancer.Result{To: 900, From: 123456})
		}
		b.await(firstRow + fmt.Sprintf(`.querySelector("[data-f=elected]").textContent !== %q && %s.querySelector("[data-f=rate]").textContent`, elected, firstRow))
		if after := eval[string](b, places); after != before {
			t.Errorf("at %d px: something moved:\n%s\n%s", width, before, after)
		}
	}
	checks := `[...document.querySelectorAll(".c-check:not(th)")].slice(-2).map(e => e.textContent).join()`
	if got := eval[string](b, checks); !regexp.MustCompile(`^failed\d+ s ago: dial tcp: .* no such host,passed\d+ s ago$`).MatchString(got) {
		t.Errorf("checks: %s", got)
	}
	b.quiet()
}

// A narrow screen is enough, in either scheme: nothing has to be moved sideways, and
// what is to be touched is large enough.
func TestThePageOnScreens(t *testing.T) {
	m := manage(t, Config{}, lively(t)...)
	b := browse(t, m.base)
	b.await(firstRow)
	for _, width := range []int64{360, 768, 1345, 1400} {
		for _, scheme := range []string{"light", "dark"} {
			b.size(width, 800, scheme)
			if wide := eval[int64](b, "document.documentElement.scrollWidth"); wide > width {
				t.Errorf("%d px: the page is %d px wide", width, wide)
			}
			if cut := eval[string](b, `[...document.querySelectorAll("tbody th, tbody td")].filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent.trim()).join()`); cut != "" {
				t.Errorf("%d px: cells that are too narrow: %s", width, cut)
			}
			if low := eval[string](b, tooPale); low != "" {
				t.Errorf("%d px, %s: contrast below 4.5: %s", width, scheme, low)
			}
			b.picture(fmt.Sprintf("page-%d-%s", width, scheme))
		}
	}
	b.size(360, 800, "light")
	if small := eval[string](b, `[...document.querySelectorAll("button, select")].filter(e => e.offsetParent && e.getBoundingClientRect().height < 40).map(e => e.outerHTML).join()`); small != "" {
		t.Errorf("too small to touch: %s", small)
	}
	if unnamed := eval[string](b, `[...document.querySelectorAll("button, select, input")].filter(e => !e.textContent.trim() && !e.labels?.length && !e.ariaLabel).map(e => e.outerHTML).join()`); unnamed != "" {
		t.Errorf("without a name: %s", unnamed)
	}
	b.quiet()
}

// tooPale lists texts whose contrast to what is behind them is below 4.5:1 (WCAG 2.2
// §1.4.3); what is disabled is not meant.
const tooPale = `(() => {
  const light = (c) => { const [r, g, b] = c.match(/[\d.]+/g).map(Number).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\)$/.test(c)) return c } return "rgb(255, 255, 255)" };
  return [...document.querySelectorAll("body *")].filter(e => e.offsetParent && !e.disabled && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).filter(e => {
    const a = light(getComputedStyle(e).color), b = light(behind(e));
    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5 }).map(e => e.outerHTML).join("\n")
})()`

func TestThePageSaysWhenTheProxyIsGone(t *testing.T) {
	m := manage(t, Config{}, lively(t)...)
	b := browse(t, m.base)
	b.await(firstRow)
	lost := `document.getElementById("lost")`
	if eval[bool](b, "!"+lost+".hidden") {
		t.Error("it says so while it is there")
	}
	addr := m.Addr().String()
	m.Close()
	b.await("!" + lost + `.hidden && ` + lost + `.textContent.startsWith("proxyd is not reachable any more. The figures are of ")`)
	b.size(360, 800, "dark")
	b.picture("lost-360-dark")
	b.size(1400, 800, "light")
	b.picture("lost-1400-light")
	// It comes back by itself, and changes work: the new proxyd's token is known.
	again := manage(t, Config{Listen: addr}, lively(t)...)
	b.await(lost + ".hidden")
	b.click(`tbody [data-flag=D]`)
	b.await(firstRow + `.querySelector("[data-f=status]").textContent.includes("Disabled")`)
	if !strings.Contains(again.log.String(), `change="status \"\" → \"D\""`) {
		t.Error(again.log)
	}
}
