package wiretest

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// toy is a proxy that knows its orders by a client's first line:
//
//	PIPE    open a connection to the origin and pass all bytes both ways
//	TWICE   the same, and open another one first
//	REFUSE  answer 400 and close
//	BREAK   close with RST
//	ECHO    send the bytes that follow back
type toy struct {
	net.Listener
	origin  string
	serving sync.WaitGroup
}

func startToy(t *testing.T, origin string) *toy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &toy{Listener: l, origin: origin}
	p.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.serving.Go(func() { p.serve(c.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.serving.Wait()
	})
	return p
}

func (p *toy) serve(c *net.TCPConn) {
	defer c.Close()
	r := bufio.NewReader(c)
	first, err := r.ReadString('\n')
	if err != nil {
		return
	}
	switch strings.TrimSpace(first) {
	case "REFUSE":
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nDate: today\r\nconnection: close\r\n\r\n")
	case "BREAK":
		c.SetLinger(0)
	case "ECHO":
		io.Copy(c, r)
	case "TWICE":
		if idle, err := net.Dial("tcp", p.origin); err == nil {
			defer idle.Close()
		}
		p.pipe(c, r)
	case "PIPE":
		p.pipe(c, r)
	}
}

func (p *toy) pipe(c *net.TCPConn, r io.Reader) {
	conn, err := net.Dial("tcp", p.origin)
	if err != nil {
		return
	}
	o := conn.(*net.TCPConn)
	defer o.Close()
	var up sync.WaitGroup
	up.Go(func() {
		io.Copy(o, r)
		o.CloseWrite()
	})
	io.Copy(c, o)
	c.CloseWrite()
	up.Wait()
}

// playText plays a dialogue against the toy.
func playText(t *testing.T, text string, change func(*Dialogue) *Dialogue) error {
	t.Helper()
	d, err := Parse("test.txt", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		d = change(d)
	}
	origin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer origin.Close()
	proxy := startToy(t, origin.Addr().String())
	return d.Play(t.Context(), proxy.Addr().String(), origin)
}

func TestDialoguesThatHold(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogue found: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(*Dialogue) *Dialogue{"whole": nil, "split": (*Dialogue).Split} {
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				if err := playText(t, string(data), change); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// Each dialogue fails, at the line and with the words of want.
func TestDialoguesThatMustFail(t *testing.T) {
	tests := []struct{ claim, text, want string }{
		{"another byte", "client:\n> ECHO\n> abc\n< abd\n",
			"test.txt:4: client: another line came\n\twant < abd\n\tgot  abc"},
		{"another line is shown with what follows", "client:\n> ECHO\n> abc\n> def\\t\n< x\n",
			"test.txt:5: client: another line came\n\twant < x\n\tgot  abc\n\tthen def\\t"},
		{"fewer bytes and then the end", "client:\n> REFUSE\n< HTTP/1.1 400 Bad Request\n< ...\n<\n< body\n",
			"test.txt:6: client: another line came\n\twant < body\n\tgot  the end of the connection"},
		{"fewer bytes and then silence", "client:\n> ECHO\n> abc\\\n< abcd\n",
			"test.txt:4: client: another line came\n\twant < abcd\n\tgot  abc\\"},
		{"nothing at all", "client:\n> ECHO\n< abc\n",
			"test.txt:3: client: another line came\n\twant < abc\n\tgot  nothing within 200ms"},
		{"a line feed alone", "client:\n> ECHO\n> abc\\n\\\n< a*\n",
			"test.txt:4: client: another line came\n\twant < a*\n\tgot  abc\\n\\"},
		{"a wildcard does not cross a line", "client:\n> ECHO\n> ab\n> cd\n< a*d\n",
			"test.txt:5: client: another line came\n\twant < a*d\n\tgot  ab"},
		{"a byte that cannot be seen", "client:\n> ECHO\n> a\\x00b\n< ab\n",
			"test.txt:4: client: another line came\n\twant < ab\n\tgot  a\\x00b"},
		{"bytes more than the dialogue has", "client:\n> ECHO\n> abc\n< ab\\\n",
			"test.txt: client: 3 bytes more than the dialogue has\n\tgot  c"},

		{"a field missing", "client:\n> REFUSE\n< HTTP/1.1 400 *\n< + Via: *\n< ...\n<\n",
			"test.txt:4: client: the fields differ\n\twant < + Via: *\t(line 4)\n\tgot  no such line\n\tof all\n\t     < Date: today\n\t     < connection: close"},
		{"a field with another value", "client:\n> REFUSE\n< HTTP/1.1 400 *\n< + Connection: keep-alive\n< ...\n<\n",
			"want < + Connection: keep-alive\t(line 4)\n\tgot  no such line"},
		{"a field once where two are wanted", "client:\n> REFUSE\n< HTTP/1.1 400 *\n< + Date: *\n< + Date: *\n< ...\n<\n",
			"want < + Date: *\t(line 5)\n\tgot  no such line"},
		{"a forbidden field", "client:\n> REFUSE\n< HTTP/1.1 400 *\n< - Connection: *\n< ...\n<\n",
			"want < - Connection: *\t(line 4)\n\tgot  < connection: close"},
		{"a field too many", "client:\n> REFUSE\n< HTTP/1.1 400 *\n< + Date: *\n<\n",
			"want no other line\n\tgot  < connection: close"},
		{"fields without an end", "client:\n> ECHO\n> a: b\n< ...\n",
			"test.txt:4: client: the fields do not end with an empty line\n\tgot  a: b"},

		{"open where closed is expected", "client:\n> ECHO\nexpect-close\n",
			"test.txt:3: client: the connection is still open after 200ms"},
		{"closed where open is expected", "client:\n> REFUSE\n< HTTP/1.1 400 *\n< ...\n<\nexpect-open\n",
			"test.txt:6: client: the connection is not open\n\tgot  the end of the connection"},
		{"reset where open is expected", "client:\n> BREAK\nexpect-open\n",
			"test.txt:3: client: the connection is not open\n\tgot  a broken connection: "},
		{"open where it is drained", "client:\n> ECHO\n> abc\ndrain\n",
			"test.txt:4: client: the connection is still open after 200ms"},
		{"bytes before the end", "client:\n> REFUSE\n< HTTP/1.1 400 *\nexpect-close\n",
			"test.txt:4: client: bytes came where the end was expected\n\tgot  Date: today"},
		{"bytes in place of silence", "client:\n> ECHO\n> abc\nexpect-open\n",
			"test.txt:4: client: bytes came where silence was expected\n\tgot  abc"},

		{"the proxy asks no origin", "client:\n> REFUSE\norigin:\n> GET\n",
			"test.txt:3: origin: the proxy opened no connection within 200ms\n\tmeanwhile client\n\tgot  HTTP/1.1 400 Bad Request"},
		{"the proxy asks an origin nobody named", "client:\n> PIPE\n> GET\nexpect-open\n",
			"test.txt: the proxy opened 1 connections more to the origin than the dialogue has"},
		{"the proxy opens a second connection", "client:\n> TWICE\n> GET\norigin:\norigin second:\n> GET\n< no\nclient:\n< yes\n",
			"test.txt:9: client: another line came\n\twant < yes\n\tgot  no"},
		{"another request than expected", "client:\n> PIPE\n> GET /a\norigin:\n> GET /b\n",
			"test.txt:5: origin: another line came\n\twant > GET /b\n\tgot  GET /a"},
	}
	for _, tt := range tests {
		t.Run(tt.claim, func(t *testing.T) {
			err := playText(t, tt.text, func(d *Dialogue) *Dialogue {
				d.Patience = 200 * time.Millisecond
				return d
			})
			if err == nil {
				t.Fatal("the dialogue held")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

func TestAProxyThatIsNotThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	d, err := Parse("test.txt", []byte("client:\n> x\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Play(t.Context(), l.Addr().String(), nil); err == nil || !strings.HasPrefix(err.Error(), "test.txt:1: client: ") {
		t.Errorf("got %v", err)
	}
}

func TestAnOriginWithoutListener(t *testing.T) {
	d, err := Parse("test.txt", []byte("origin:\n> x\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Play(t.Context(), "127.0.0.1:1", nil); err == nil || !strings.Contains(err.Error(), "no listener") {
		t.Errorf("got %v", err)
	}
}

// A canceled context ends a wait at once, and leaves nothing behind (goleak).
func TestCancelEndsPlay(t *testing.T) {
	for _, text := range []string{"client:\n> ECHO\n< never\n", "client:\n> REFUSE\norigin:\n"} {
		origin, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer origin.Close()
		proxy := startToy(t, origin.Addr().String())
		d, err := Parse("test.txt", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		d.Patience = time.Hour
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.Play(ctx, proxy.Addr().String(), origin) }()
		cancel()
		if err := <-done; err == nil {
			t.Error("no error")
		}
	}
}

// A listener serves one dialogue after the other.
func TestTheOriginStaysOpen(t *testing.T) {
	origin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer origin.Close()
	proxy := startToy(t, origin.Addr().String())
	d, err := Parse("test.txt", []byte("client:\n> PIPE\n> a\norigin:\n> a\n"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := d.Play(t.Context(), proxy.Addr().String(), origin); err != nil {
			t.Fatal(err)
		}
	}
}

// A reader may see several of the bytes at once; so the writes are counted.
func TestSplitWritesByteByByte(t *testing.T) {
	d, err := Parse("test.txt", []byte("client:\n> abc\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"whole": 1, "split": 5} {
		counted := &countingConn{}
		c := &conn{Conn: counted, ctx: t.Context(), patience: time.Second}
		p := &play{d: d, ctx: t.Context(), conns: map[who]*conn{{}: c}}
		steps := d.steps
		if name == "split" {
			steps = d.Split().steps
		}
		for _, s := range steps {
			if err := p.step(s); err != nil {
				t.Fatal(err)
			}
		}
		if counted.writes != want || counted.text != "abc\r\n" {
			t.Errorf("%s: %d writes of %q, want %d", name, counted.writes, counted.text, want)
		}
	}
}

type countingConn struct {
	net.Conn
	writes int
	text   string
}

func (c *countingConn) Write(b []byte) (int, error) {
	c.writes++
	c.text += string(b)
	return len(b), nil
}

func (c *countingConn) SetWriteDeadline(time.Time) error { return nil }
