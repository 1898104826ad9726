package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/site"
)

var (
	statusLine  = regexp.MustCompile(`(?m)^HTTP/1\.1 (\d{3}) `)
	forwardedAs = regexp.MustCompile(`^\S+ "(\S+) (?:http://[^/" ]*)?(/a\d+)(\S*) HTTP/1\.\d" (\S+)$`)
)

// Each attack goes through the proxy to a server that others wrote, and behind
// each a harmless request of another client. Then the two logs are compared: the
// server saw the requests that the proxy forwarded, and no other.
func TestAttacksOnRealOrigins(t *testing.T) {
	for name, start := range realOrigins {
		t.Run(name, func(t *testing.T) {
			o := start(t, "127.0.0.1:1")
			p := serve(t, func(s *site.Site) {
				s.Log.Format = `%{BALANCER_WORKER_NAME}e "%r" %>s`
				s.Balancers[0].Members[0].Upgrade = "websocket"
			}, o.url)
			for i, a := range attacks {
				path := fmt.Sprintf("/a%d", i)
				got := statusesOf(t, p.addr, a.bytesOf(path))
				if a.want != "" && got != a.want {
					t.Errorf("%s: answered %s, want %s", a.name, got, a.want)
				}
				victim(t, p.addr, a.name, path+"/victim")
			}
			p.stop(t)
			o.stop()
			compareLogs(t, strings.Split(strings.TrimSpace(p.access.String()), "\n"), o.log())
			if o.heard != nil {
				for _, heard := range o.heard() {
					checkUnambiguous(t, heard)
				}
			}
		})
	}
}

// statusesOf sends all at once, ends its side, and returns the statuses that come.
func statusesOf(t *testing.T, addr, raw string) string {
	t.Helper()
	c := dial(t, addr)
	c.SetDeadline(time.Now().Add(30 * time.Second))
	defer c.Close()
	go func() {
		io.WriteString(c, raw)
		c.(*net.TCPConn).CloseWrite()
	}()
	b, _ := io.ReadAll(c) // a reset is an end, too
	var all []string
	for _, m := range statusLine.FindAllSubmatch(b, -1) {
		all = append(all, string(m[1]))
	}
	return strings.Join(all, " ")
}

// victim asks for a path and wants the answer to that.
func victim(t *testing.T, addr, attack, path string) {
	t.Helper()
	c := dial(t, addr)
	c.SetDeadline(time.Now().Add(30 * time.Second))
	defer c.Close()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("behind %s: %v", attack, err)
	}
	res.Body.Close()
	if got, want := res.Header.Get("X-Seen"), "GET "+path+" HTTP/1.1"; got != want {
		t.Errorf("behind %s: the answer to %q is one to %q", attack, want, got)
	}
}

// compareLogs wants each request that the server saw to be one that was
// forwarded, and each that was forwarded with success to have been seen.
func compareLogs(t *testing.T, ours, theirs []string) {
	t.Helper()
	forwarded, succeeded := map[string]int{}, map[string]int{}
	for _, line := range ours {
		if strings.HasPrefix(line, `- "`) {
			continue
		}
		m := forwardedAs.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("forwarded, and nobody's: %s", line)
			continue
		}
		request := m[1] + " " + m[2] + m[3]
		forwarded[request]++
		if m[4] < "400" {
			succeeded[request]++
		}
	}
	if len(succeeded) < len(attacks) {
		t.Fatalf("only %d requests succeeded", len(succeeded))
	}
	seen := map[string]int{}
	for _, line := range theirs {
		m := forwardedAs.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("the server saw what nobody sent: %s", line)
			continue
		}
		seen[m[1]+" "+m[2]+m[3]]++
	}
	for request, n := range seen {
		if n > forwarded[request] {
			t.Errorf("%s (%s): seen %d times, forwarded %d", request, attackOf(request), n, forwarded[request])
		}
	}
	for request, n := range succeeded {
		if n > seen[request] {
			t.Errorf("%s (%s): succeeded %d times, seen %d", request, attackOf(request), n, seen[request])
		}
	}
}

func attackOf(request string) string {
	var i int
	fmt.Sscanf(request[strings.Index(request, "/a"):], "/a%d", &i)
	return attacks[i].name
}

var (
	lineRule  = regexp.MustCompile(`^[A-Z]+ /[!-~]* HTTP/1\.1$`)
	fieldRule = regexp.MustCompile("^([-!#$%&'*+.^_`|~0-9A-Za-z]+):[ \\t]*([^\\x00-\\x08\\x0a-\\x1f\\x7f]*)$")
	chunkRule = regexp.MustCompile(`^[0-9a-f]{1,16}$`)
)

// checkUnambiguous reads what the proxy wrote on one connection by a grammar so
// narrow that no two parsers differ about it. The last message may be cut.
func checkUnambiguous(t *testing.T, b []byte) {
	t.Helper()
	for len(b) > 0 {
		head, rest, whole := bytes.Cut(b, []byte("\r\n\r\n"))
		if !whole {
			return
		}
		all := strings.Split(string(head), "\r\n")
		fields := map[string][]string{}
		bad := !lineRule.MatchString(all[0])
		for _, line := range all[1:] {
			m := fieldRule.FindStringSubmatch(line)
			if bad = bad || m == nil; bad {
				break
			}
			name := strings.ToLower(m[1])
			fields[name] = append(fields[name], m[2])
		}
		length, coding := fields["content-length"], fields["transfer-encoding"]
		bad = bad || len(fields["host"]) != 1 || len(length)+len(coding) > 1 ||
			slices.ContainsFunc(length, func(v string) bool { return strings.Trim(v, "0123456789") != "" || v == "" }) ||
			slices.ContainsFunc(coding, func(v string) bool { return v != "chunked" })
		if bad {
			t.Errorf("written to the origin server: %q", head)
			return
		}
		var ok bool
		if b, ok = behindBody(rest, length, coding); !ok {
			return
		}
	}
}

// behindBody passes over a body; false says that it is cut.
func behindBody(b []byte, length, coding []string) ([]byte, bool) {
	if len(length) > 0 {
		n, _ := strconv.Atoi(length[0])
		return b[min(n, len(b)):], n <= len(b)
	}
	for len(coding) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\r\n"))
		if !whole || !chunkRule.Match(line) {
			return nil, false
		}
		n, _ := strconv.ParseInt(string(line), 16, 64)
		if n == 0 {
			_, rest, whole = bytes.Cut(append([]byte("\r\n"), rest...), []byte("\r\n\r\n"))
			return rest, whole
		}
		if int(n)+2 > len(rest) {
			return nil, false
		}
		b = rest[n+2:]
	}
	return b, true
}
