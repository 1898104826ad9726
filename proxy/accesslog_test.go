package proxy

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/site"
)

func TestAccessLogLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.log")
	member := origin(t, answering(sized("hello")))
	p := serve(t, func(s *site.Site) {
		s.Log.File = file
		s.Routes = append([]site.Route{{Path: "/none", To: "!"}}, s.Routes...)
	}, member)
	c := dial(t, p.addr)
	ask(t, c, "GET /a?b HTTP/1.1\r\nHost: h\r\nReferer: http://r/\r\nUser-Agent: an \"agent\"\t\xff\\\r\n\r\n")
	ask(t, c, "HEAD /none HTTP/1.1\r\nHost: h\r\n\r\n")
	ask(t, c, "G@T / HTTP/1.1\r\n\r\n")
	p.stop(t)

	when := `\[\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`
	want := []string{
		`^127\.0\.0\.1 - - ` + when + ` "GET /a\?b HTTP/1\.1" 200 5 "http://r/" "an \\"agent\\"\\t\\xff\\\\" ` + regexp.QuoteMeta(member) + ` \d+$`,
		`^127\.0\.0\.1 - - ` + when + ` "HEAD /none HTTP/1\.1" 404 - "-" "-" - \d+$`,
		`^127\.0\.0\.1 - - ` + when + ` "G@T / HTTP/1\.1" 400 \d+ "-" "-" - \d+$`,
	}
	got := strings.Split(strings.TrimSuffix(p.access.String(), "\n"), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !regexp.MustCompile(want[i]).MatchString(got[i]) {
			t.Errorf("line %d is\n%s\nwant\n%s", i, got[i], want[i])
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != p.access.String() {
		t.Errorf("the file has %q, error %v; want what standard output has", b, err)
	}
}

func TestAccessLogIsWrittenWithinASecond(t *testing.T) {
	p := serve(t, nil, origin(t, answering(sized("ok"))))
	ask(t, dial(t, p.addr), get)
	for deadline := time.Now().Add(time.Second); p.access.String() == ""; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no line after a second")
		}
	}
}

func TestAccessLogFileThatCannotBeOpened(t *testing.T) {
	declared, err := site.FromFlags("127.0.0.1:0", []string{"http://127.0.0.1:1"}, filepath.Join(t.TempDir(), "missing", "access.log"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(declared, Options{Logger: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, os.ErrNotExist) || HintOf(err) == "" {
		t.Errorf("error %v, hint %q; want the missing folder and a hint", err, HintOf(err))
	}
}

// stuck is a reader of the log that takes nothing until it is freed.
type stuck struct{ free chan struct{} }

func (s stuck) Write(p []byte) (int, error) { <-s.free; return len(p), nil }

// A terminal that was stopped, or a pipe that nobody reads, must not stop the
// proxy, nor take its memory, nor keep it from its end.
func TestAccessLogThatNobodyReads(t *testing.T) {
	out, told := stuck{make(chan struct{})}, new(lines)
	l, err := openAccessLog(out, site.Log{Stdout: true, Format: site.DefaultLogFormat}, slog.New(slog.NewTextHandler(told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	x := newExchange()
	x.c = &conn{client: []byte("127.0.0.1")}
	x.req.Line = []byte("GET / HTTP/1.1")
	x.format = l.format.Load()
	for range 3 * accessMost / 64 {
		l.add(x)
	}
	if len(l.buf) > accessMost+1024 {
		t.Errorf("%d bytes wait", len(l.buf))
	}
	if err := l.close(10 * time.Millisecond); !errors.Is(err, errLogStuck) {
		t.Errorf("close: %v, want errLogStuck", err)
	}
	close(out.free)
	<-l.done
	if !strings.Contains(told.String(), "lost") {
		t.Errorf("the operator was told %q, want the number of lost lines", told.String())
	}
}

func TestAccessLogOnAFullDiskIsTold(t *testing.T) {
	told := new(lines)
	l, err := openAccessLog(nil, site.Log{File: "/dev/full", Format: "%h"}, slog.New(slog.NewTextHandler(told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l.writeOut([]byte("a line\n"))
	}
	if err := l.close(time.Second); err != nil {
		t.Error(err)
	}
	if n := strings.Count(told.String(), "no space left on device"); n != 1 {
		t.Errorf("told %d times, want once: %s", n, told.String())
	}
}
