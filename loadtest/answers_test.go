package loadtest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
)

func TestAnswersAreChecked(t *testing.T) {
	const body = "the right bytes"
	hash := fmt.Sprintf("%016x", xxhash.Sum64String(body))
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/right":
			io.WriteString(w, body)
		case "/flipped":
			io.WriteString(w, "the right bytez")
		case "/short":
			io.WriteString(w, body[1:])
		case "/status":
			w.WriteHeader(503)
			io.WriteString(w, body)
		case "/moved":
			http.Redirect(w, r, "/right", http.StatusFound)
		case "/cut":
			w.Header().Set("Content-Length", "15")
			io.WriteString(w, body[:9])
		case "/aborted":
			panic(http.ErrAbortHandler)
		case "/slow":
			<-r.Context().Done()
		case "/slow-body":
			io.WriteString(w, body[:4])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	})
	right := Target{Size: 15, XXH64: hash}
	rows := []struct {
		path   string
		want   Target
		sample Sample // what it must be, times aside
	}{
		{"/right", right, Sample{Status: 200, Bytes: 15, Right: true}},
		{"/right", Target{Size: -1}, Sample{Status: 200, Bytes: 15, Right: true}},
		{"/flipped", right, Sample{Status: 200, Bytes: 15}},
		{"/flipped", Target{Size: 15}, Sample{Status: 200, Bytes: 15, Right: true}},
		{"/short", right, Sample{Status: 200, Bytes: 14}},
		{"/status", right, Sample{Status: 503, Bytes: 15}},
		{"/status", Target{Status: 503, Size: 15, XXH64: hash}, Sample{Status: 503, Bytes: 15, Right: true}},
		{"/moved", Target{Size: -1}, Sample{Status: 302, Bytes: 29}},
		{"/cut", right, Sample{Status: 200, Bytes: 9, Err: "connection closed inside the answer"}},
		{"/aborted", right, Sample{Err: "connection closed before the answer"}},
		{"/slow", right, Sample{Err: "no whole answer within 400ms"}},
		{"/slow-body", right, Sample{Status: 200, Bytes: 4, Err: "no whole answer within 400ms"}},
	}
	for _, row := range rows {
		t.Run(row.path[1:], func(t *testing.T) {
			p := planFor(10, 1, s.URL)
			row.want.Path = row.path
			p.Targets = []Target{row.want}
			if strings.HasPrefix(row.path, "/slow") {
				p.Timeout = 400 * time.Millisecond
			}
			samples, _ := fire(t, t.Context(), new(Generator), p)
			got := samples[0]
			if (got.FirstByte > 0) != (got.Status > 0) {
				t.Errorf("first byte %v with status %d", got.FirstByte, got.Status)
			}
			got.Planned, got.Start, got.FirstByte, got.End = 0, 0, 0, 0
			if got != row.sample {
				t.Errorf("got  %+v\nwant %+v", got, row.sample)
			}
		})
	}
}

func TestRefusedConnectionIsAFailedSample(t *testing.T) {
	addr := closedPort(t)
	samples, end := fire(t, t.Context(), new(Generator), planFor(200, 20, "http://"+addr))
	if sum := Summary(samples); sum.Failed != 20 || end.Vegeta.Success != 0 {
		t.Errorf("%+v, vegeta's success %v", sum, end.Vegeta.Success)
	}
	for _, s := range samples {
		if s.Err != "connect to "+addr+": connection refused" || s.Status != 0 || s.End < s.Start {
			t.Fatalf("%+v", s)
		}
	}
}

// speak answers each connection by play, with its number from 0.
func speak(t *testing.T, play func(number int, c net.Conn, r *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for number := 0; ; number++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				play(number, c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return "http://" + l.Addr().String()
}

// head reads up to the empty line.
func head(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String(), err
		}
	}
}

const whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// The first connection answers once and closes on the second request, unread by
// its client. net/http sends that again and reports success; the record must not.
func TestSilentResendIsAFailure(t *testing.T) {
	base := speak(t, func(number int, c net.Conn, r *bufio.Reader) {
		for asked := 0; ; asked++ {
			if _, err := head(r); err != nil || number == 0 && asked == 1 {
				return
			}
			io.WriteString(c, whole)
		}
	})
	samples, _ := fire(t, t.Context(), new(Generator), planFor(20, 3, base))
	if samples[0].Err != "" || !samples[0].Right || samples[2].Err != "" || !samples[2].Right {
		t.Errorf("the hits before and after: %+v, %+v", samples[0], samples[2])
	}
	if s := samples[1]; s.Err != errResent.Error() || s.Right {
		t.Errorf("the hit that was sent twice: %+v", s)
	}
}

func TestOnlyOurOwnFieldsAreSent(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	heads := make(chan string, 1)
	base := speak(t, func(_ int, c net.Conn, r *bufio.Reader) {
		h, err := head(r)
		if err != nil {
			return
		}
		heads <- h
		io.WriteString(c, whole)
	})
	fire(t, t.Context(), new(Generator), planFor(10, 1, base))
	want := "GET /x HTTP/1.1\r\nHost: " + strings.TrimPrefix(base, "http://") + "\r\nUser-Agent: proxylab-loadgen\r\n\r\n"
	if got := <-heads; got != want {
		t.Errorf("on the wire\n%q\nwant\n%q", got, want)
	}
}

func TestFirstByteAndEndAreApart(t *testing.T) {
	const gap = 200 * time.Millisecond
	base := speak(t, func(_ int, c net.Conn, r *bufio.Reader) {
		if _, err := head(r); err != nil {
			return
		}
		time.Sleep(gap) // a server that thinks
		io.WriteString(c, whole[:len(whole)-1])
		time.Sleep(gap) // and then sends slowly
		io.WriteString(c, whole[len(whole)-1:])
	})
	samples, _ := fire(t, t.Context(), new(Generator), planFor(10, 1, base))
	s := samples[0]
	if wait, rest := s.FirstByte-s.Start, s.End-s.FirstByte; !s.Right || wait < gap || rest < gap/2 || wait+rest > 20*gap {
		t.Errorf("first byte after %v, the rest %v later: %+v", wait, rest, s)
	}
}

// What a server says of itself is bounded and stays on one line of the record.
func TestHostileOriginNameIsCut(t *testing.T) {
	base := speak(t, func(_ int, c net.Conn, r *bufio.Reader) {
		if _, err := head(r); err == nil {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Origin: a,\"\t"+strings.Repeat("b", 5000)+"\r\nContent-Length: 0\r\n\r\n")
		}
	})
	samples, _ := fire(t, t.Context(), new(Generator), planFor(10, 1, base))
	if o := samples[0].Origin; len(o) != maxOrigin {
		t.Errorf("origin of %d bytes", len(o))
	}
	back, err := ParseCSV(samples[0].AppendCSV(nil)[:len(samples[0].AppendCSV(nil))-1])
	if err != nil || len(back.Origin) != maxOrigin {
		t.Errorf("%v %+v", err, back)
	}
}
