package proxy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"proxylab/proxy/site"
)

// logged is the access log of one exchange after the other, by a format.
func logged(t *testing.T, format, answer string, requests ...string) []string {
	t.Helper()
	member := origin(t, answering(answer))
	p := serve(t, func(s *site.Site) {
		s.Log.Format = format
		s.Routes = append([]site.Route{{Path: "/none", To: "!"}}, s.Routes...)
	}, member)
	for _, r := range requests {
		ask(t, dial(t, p.addr), r)
	}
	p.stop(t)
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(p.access.String(), member, "MEMBER"), "\n"), "\n")
}

func TestLogFormatWords(t *testing.T) {
	const request = "GET /a%20b?c=d HTTP/1.1\r\nHost: Example.test:81\r\nX-A: 1\r\nX-Quoted: \"\\\t\xff\r\nx-a: 2\r\n\r\n"
	answer := "HTTP/1.1 201 Made\r\nDate: today\r\nX-B: 3\r\nx-b:  4 \r\nContent-Length: 5\r\n\r\nhello"
	const sent = "HTTP/1.1 201 Made\r\nDate: today\r\nX-B: 3\r\nx-b: 4\r\nContent-Length: 5\r\nVia: 1.1 proxyd\r\n\r\nhello"
	tests := []struct{ format, want string }{
		{"%h %a %l %u", `127\.0\.0\.1 127\.0\.0\.1 - -`},
		{"%t", `\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`},
		{"%m|%U|%q|%H|%v", `GET\|/a%20b\|\?c=d\|HTTP/1\.1\|Example\.test`},
		{"%>s %s 100%%", `201 201 100%`},
		{"%b %B", `5 5`},
		{"%O", regexp.QuoteMeta(strconv.Itoa(len(sent)))},
		{"%D %{us}T", `(\d+) (\d+)`},
		{"%T %{s}T %{ms}T", `0 0 \d{1,3}`},
		{"%{X-A}i %{x-quoted}i %{Absent}i", `1, 2 \\"\\\\\\t\\xff -`},
		{"%{x-b}o %{Via}o %{Absent}o %{Date}o", `3, 4 1\.1 proxyd - today`},
		{"%{BALANCER_WORKER_NAME}e", `MEMBER`},
	}
	for _, tt := range tests {
		got := logged(t, tt.format, answer, request)
		if len(got) != 1 || !regexp.MustCompile("^"+tt.want+"$").MatchString(got[0]) {
			t.Errorf("%s: got %q, want %s", tt.format, got, tt.want)
		}
	}
}

// What is refused has words too, and what a client did not say is a dash.
func TestLogFormatOfAnAnswerOfOurOwn(t *testing.T) {
	got := logged(t, "%m %U %H %v %>s %b %{Content-Type}o %{BALANCER_WORKER_NAME}e", sized("ok"),
		"HEAD /none HTTP/1.0\r\n\r\n", "\x16\x03 HTTP\r\n\r\n")
	// Each on a connection of its own, so their lines have no order.
	slices.Sort(got)
	want := []string{
		"- - - - 400 52 text/plain; charset=utf-8 -",
		"HEAD /none HTTP/1.0 - 404 - text/plain; charset=utf-8 -",
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("got %q, want %q", got, want)
			break
		}
	}
}

// The second exchange of a connection has its own bytes and its own fields.
func TestLogFormatOfASecondExchange(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Log.Format = "%O %{Content-Type}o" }, origin(t, answering(
		"HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 0\r\n\r\n")))
	c := dial(t, p.addr)
	ask(t, c, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
	ask(t, c, get)
	ask(t, c, get)
	p.stop(t)
	const sent = "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 0\r\nVia: 1.1 proxyd\r\n\r\n"
	line := strconv.Itoa(len(sent)) + " -\n"
	if got := p.access.String(); !strings.HasSuffix(got, "\n"+line+line) {
		t.Errorf("got %q, want twice %q behind the first line", got, line)
	}
}

func TestLogOffWritesNothing(t *testing.T) {
	p := serve(t, func(s *site.Site) { s.Log.Stdout = false }, origin(t, answering(sized("ok"))))
	ask(t, dial(t, p.addr), get)
	p.stop(t)
	if got := p.access.String(); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestLogToAFileAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.log")
	p := serve(t, func(s *site.Site) { s.Log = site.Log{File: file, Format: "%>s"} }, origin(t, answering(sized("ok"))))
	ask(t, dial(t, p.addr), get)
	p.stop(t)
	if b, err := os.ReadFile(file); string(b) != "200\n" || p.access.String() != "" {
		t.Errorf("file %q (%v), standard output %q", b, err, p.access.String())
	}
}

// logrotate moves the file away and says so; no line is lost between the two.
func TestLogFileIsReopened(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "access.log")
	p := serve(t, func(s *site.Site) { s.Log = site.Log{File: file, Format: "%U"} }, origin(t, answering(sized("ok"))))
	c := dial(t, p.addr)
	ask(t, c, "GET /one HTTP/1.1\r\nHost: h\r\n\r\n")
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	if err := p.ReopenLog(); err != nil {
		t.Fatal(err)
	}
	ask(t, c, "GET /two HTTP/1.1\r\nHost: h\r\n\r\n")
	p.stop(t)
	old, _ := os.ReadFile(file + ".1")
	fresh, _ := os.ReadFile(file)
	if string(old)+string(fresh) != "/one\n/two\n" || !strings.Contains(string(fresh), "/two") {
		t.Errorf("old %q, new %q", old, fresh)
	}
}

// Where the file cannot be opened again, the old one goes on.
func TestLogFileThatCannotBeReopened(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	p := serve(t, func(s *site.Site) { s.Log = site.Log{File: filepath.Join(folder, "a"), Format: "%U"} }, origin(t, answering(sized("ok"))))
	if err := os.Rename(folder, folder+".old"); err != nil {
		t.Fatal(err)
	}
	if err := p.ReopenLog(); HintOf(err) == "" {
		t.Errorf("error %v, want one with a hint", err)
	}
	ask(t, dial(t, p.addr), "GET /one HTTP/1.1\r\nHost: h\r\n\r\n")
	p.stop(t)
	if b, err := os.ReadFile(filepath.Join(folder+".old", "a")); string(b) != "/one\n" {
		t.Errorf("%q, %v", b, err)
	}
}
