package admin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"proxylab/proxy/cache"
)

// shelf is a stock of all kinds, that was asked for things.
func shelf(t *testing.T) *stock {
	s := newStock(t, t.TempDir())
	for i := range 6 {
		s.put(fmt.Sprintf("/images/%d.png", i), "", 2000*i, "Cache-Control: max-age=600", "Surrogate-Key: images")
	}
	s.put("/", "Accept-Encoding: gzip", 700, "Cache-Control: max-age=60, stale-while-revalidate=30", "Vary: Accept-Encoding", "Cache-Tag: home, news of today")
	s.put("/", "", 1500, "Cache-Control: max-age=60", "Vary: Accept-Encoding", "Cache-Tag: home, news of today")
	s.put("/checked?each=time", "", 10, "Cache-Control: no-cache")
	s.put("/late", "", 10, "Cache-Control: max-age=30", "Age: 40")
	s.put("/large/"+strings.Repeat("a-long-name/", 15), "", 300_000, "Cache-Control: max-age=86400, stale-if-error=60")
	s.Flush()
	for f, n := range map[cache.Fate]int{cache.FateHit: 1234567, cache.FateStale: 12, cache.FateValidated: 345, cache.FateMiss: 78901, cache.FatePass: 23, cache.FateError: 4} {
		for range n {
			s.tally.Count(0, f)
		}
	}
	return s
}

const home = "http://example.com/"

// listed is the row of a URL in the list of what is stored.
func listed(url string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#entries tbody tr")].find(r => r.querySelector("[data-f=url]").textContent === %q)`, url)
}

func TestThePageWithoutACache(t *testing.T) {
	m := manage(t, Config{}, lively(t)...)
	b := browse(t, m.base)
	b.await(`document.getElementById("cache-text").offsetParent && document.getElementById("cache-text").textContent === "This site has no cache."`)
	if eval[bool](b, `Boolean(document.getElementById("entries").offsetParent || document.getElementById("search").offsetParent)`) {
		t.Error("it shows more")
	}
	b.quiet()
}

func TestThePageShowsTheCache(t *testing.T) {
	s := shelf(t)
	m := manageCache(t, Config{}, s, lively(t)...)
	b := browse(t, m.base)
	b.await(`document.querySelectorAll("#entries tbody tr").length === 10`)
	first := func() string {
		return eval[string](b, `[...document.querySelectorAll("#fates tbody tr")[0].children].map(e => e.textContent).join("|")`)
	}
	if got := first(); got != "Since the start|93.9 %|1.3M|1.2M|12|0|345|0|78,901|23|0|4" {
		t.Error(got)
	}
	for url, want := range map[string]string{
		home: "2 variants · #home · #news of today|Fresh|200|memory, disk", home + "checked?each=time": "|No-cache|200|memory, disk",
		home + "late": "|Stale|200|memory, disk", home + "large/" + strings.Repeat("a-long-name/", 15): "|Fresh|200|disk",
	} {
		if got := eval[string](b, `["variants", "state", "status", "where"].map(f => `+listed(url)+`.querySelector("[data-f=" + f + "]").textContent).join("|")`); got != want {
			t.Errorf("%s: %s", url, got)
		}
	}
	// It is live: figures, ages, and what comes.
	for range 100 {
		s.tally.Count(1, cache.FateCollapsed)
	}
	b.await(`document.querySelectorAll("#fates tbody tr")[0].children[5].textContent === "100"`)
	age := listed(home) + `.querySelector("[data-f=age]").textContent`
	was := eval[string](b, age)
	b.await(age + ` !== "` + was + `"`)
	s.put("/new", "", 10, "Cache-Control: max-age=1")
	b.await(listed(home + "new"))
	b.await(listed(home+"new") + `.querySelector("[data-f=state]").textContent === "Stale"`)
	b.quiet()
}

func TestThePageOfTheCacheOnScreens(t *testing.T) {
	m := manageCache(t, Config{}, shelf(t), lively(t)...)
	b := browse(t, m.base)
	b.await(listed(home))
	look := func(name string, width int64) {
		for _, scheme := range []string{"light", "dark"} {
			b.size(width, 800, scheme)
			if wide := eval[int64](b, "document.documentElement.scrollWidth"); wide > width {
				t.Errorf("%s, %d px: the page is %d px wide", name, width, wide)
			}
			if cut := eval[string](b, `[...document.querySelectorAll("tbody th, tbody td, dd, dialog p")].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.trim()).join()`); cut != "" {
				t.Errorf("%s, %d px: too narrow: %s", name, width, cut)
			}
			if low := eval[string](b, tooPale); low != "" {
				t.Errorf("%s, %d px, %s: contrast below 4.5: %s", name, width, scheme, low)
			}
			b.picture(fmt.Sprintf("%s-%d-%s", name, width, scheme))
		}
	}
	widths := []int64{360, 768, 1400}
	for _, width := range widths {
		look("cache", width)
	}
	if small := eval[string](b, `(() => { return [...document.querySelectorAll("#cache button, #cache input")].filter(e => e.offsetParent && e.getBoundingClientRect().height < 30).map(e => e.outerHTML).join() })()`); small != "" {
		t.Errorf("too small: %s", small)
	}
	b.size(360, 800, "light")
	if small := eval[string](b, `[...document.querySelectorAll("#cache button, #cache input")].filter(e => e.offsetParent && e.getBoundingClientRect().height < 40).map(e => e.outerHTML).join()`); small != "" {
		t.Errorf("too small to touch: %s", small)
	}
	if unnamed := eval[string](b, `[...document.querySelectorAll("button, select, input")].filter(e => !e.textContent.trim() && !e.labels?.length && !e.ariaLabel).map(e => e.outerHTML).join()`); unnamed != "" {
		t.Errorf("without a name: %s", unnamed)
	}
	eval[bool](b, listed(home)+`.querySelector("[data-do=look]").click() === undefined`)
	b.await(`document.getElementById("look").open`)
	for _, width := range widths {
		look("look", width)
	}
	b.quiet()
}

// All is done with the keyboard, and the focus is never lost.
func TestTheCacheByKeyboard(t *testing.T) {
	s := shelf(t)
	m := manageCache(t, Config{}, s, origins(t, nil))
	b := browse(t, m.base)
	b.await(listed(home))
	b.tabTo(`document.querySelector("[name=prefix]")`)
	b.do(chromedp.KeyEvent("http://example.com/images/"), chromedp.KeyEvent(kb.Enter)) // what a field has is selected on the way to it
	b.await(`document.getElementById("listed").textContent.startsWith("6 URLs, as of ")`)

	image := home + "images/3.png"
	b.tabTo(listed(image) + `.querySelector("[data-do=look]")`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await(`document.getElementById("look").open && document.getElementById("look-title").textContent === "` + image + `"`)
	if text := eval[string](b, `document.getElementById("look-variants").innerText`); !strings.Contains(text, "is below its lifetime of 10m0s (max-age)") || !strings.Contains(text, "Surrogate-Key: images") || !strings.Contains(text, "memory and disk") {
		t.Error(text)
	}
	b.do(chromedp.KeyEvent(kb.Escape))
	b.await(`!document.getElementById("look").open && document.activeElement === ` + listed(image) + `.querySelector("[data-do=look]")`)

	b.tabTo(listed(image) + `.querySelector("[data-do=soft]")`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await(listed(image) + `.querySelector("[data-f=state]").textContent === "Invalid"`)
	b.await(`document.getElementById("said").textContent === "Softly purged: ` + image + `"`)
	if s.usable("/images/3.png") || !s.usable("/images/2.png") {
		t.Error("not that one is purged")
	}
	next := eval[string](b, listed(image)+`.nextElementSibling?.querySelector("[data-f=url]").textContent || `+listed(image)+`.previousElementSibling.querySelector("[data-f=url]").textContent`)
	b.tabTo(listed(image) + `.querySelector("[data-do=purge]")`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await("!" + listed(image))
	b.await(`document.activeElement === ` + listed(next) + `.querySelector("[data-do=purge]")`)
	if status, _, _ := m.ask("GET", "/api/cache/entry?url="+image, ""); status != 404 {
		t.Errorf("it is there still: %d", status)
	}

	// All with a tag: asked twice, and nothing else goes.
	b.tabTo(`document.querySelector("[name=prefix]")`)
	b.do(chromedp.KeyEvent("http://"))
	b.tabTo(`document.querySelector("[name=tag]")`)
	b.do(chromedp.KeyEvent("images"))
	b.tabTo(`document.querySelector("[data-all=purge]")`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await(`document.getElementById("sure").open`)
	b.picture("purge-all")
	if title := eval[string](b, `document.getElementById("sure-title").textContent`); title != "Purge everything, and of it only what has the tag images?" {
		t.Error(title)
	}
	b.do(chromedp.KeyEvent(kb.Escape))
	b.await(`!document.getElementById("sure").open`)
	if !s.usable("/images/2.png") {
		t.Error("purged without a yes")
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await(`document.getElementById("sure").open`)
	b.tabTo(`document.querySelector("#sure [data-do=yes]")`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await(`document.getElementById("listed").textContent === "Nothing is stored that matches."`)
	if s.usable("/images/2.png") || !s.usable("/") {
		t.Error("not what has the tag is purged")
	}
	if !strings.Contains(m.log.String(), "tag=images soft=false") {
		t.Error(m.log)
	}
	b.quiet()
}

func TestALongListHasMore(t *testing.T) {
	s := newStock(t, "")
	for i := range 120 {
		s.put(fmt.Sprintf("/%03d", i), "", 10, "Cache-Control: max-age=600")
	}
	m := manageCache(t, Config{}, s, origins(t, nil))
	b := browse(t, m.base)
	rows := `document.querySelectorAll("#entries tbody tr").length`
	b.await(rows + " === 50")
	b.click("#more")
	b.await(rows + " === 100")
	if text := eval[string](b, `document.getElementById("listed").textContent`); !strings.HasPrefix(text, "100 URLs, and there is more, as of ") {
		t.Error(text)
	}
	b.do(chromedp.KeyEvent(kb.Enter)) // it has the focus
	b.await(rows + ` === 120 && document.getElementById("more").hidden`)
	// What is refused is told where it can be seen.
	b.do(chromedp.SetValue(chromedp.CSS("[name=prefix]"), "/001"))
	b.click("#search .main")
	b.await(`document.getElementById("said").textContent.includes('"/001" is no beginning of a URL')`)
	b.picture("search-refused")
}
