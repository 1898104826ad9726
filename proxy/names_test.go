package proxy

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"proxylab/proxy/site"
)

// nameServer answers questions for the addresses of any name as the test decides.
type nameServer struct {
	conn net.PacketConn

	mu    sync.Mutex
	ips   []string
	fails bool
	asked int
}

// resolveAt has everybody in this process ask a name server of the test, which it
// returns, until the test is over.
func resolveAt(t *testing.T) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{conn: conn}
	var serving sync.WaitGroup
	serving.Go(s.serve)
	earlier := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = earlier
		conn.Close()
		serving.Wait()
	})
	return s
}

func (s *nameServer) serve() {
	packet := make([]byte, 1<<10)
	for {
		n, from, err := s.conn.ReadFrom(packet)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(packet[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		s.answer(&m)
		if reply, err := m.Pack(); err == nil {
			s.conn.WriteTo(reply, from)
		}
	}
}

func (s *nameServer) answer(m *dnsmessage.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Header.Response, m.Additionals = true, nil
	q := m.Questions[0]
	if q.Type != dnsmessage.TypeA {
		return
	}
	s.asked++
	if s.fails {
		m.Header.RCode = dnsmessage.RCodeServerFailure
		return
	}
	for _, ip := range s.ips {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
			Body:   &dnsmessage.AResource{A: netip.MustParseAddr(ip).As4()},
		})
	}
}

func (s *nameServer) set(fails bool, ips ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails, s.ips = fails, ips
}

func (s *nameServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// atEach listens on one port of each address, and answers with the address.
func atEach(t *testing.T, ips ...string) (port int, listeners map[string]net.Listener) {
	t.Helper()
	listeners = make(map[string]net.Listener)
	for _, ip := range ips {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		port = l.Addr().(*net.TCPAddr).Port
		listeners[ip] = l
		originOn(t, l, answering(sized(ip)))
	}
	return port, listeners
}

// A member whose host is a name with several addresses: connections take turns, an
// address where nobody listens costs no request, the proxy follows when the name
// moves, and stays where it is while the name server fails.
func TestAMemberWithAName(t *testing.T) {
	names := resolveAt(t)
	names.set(false, "127.0.0.2", "127.0.0.3")
	port, listeners := atEach(t, "127.0.0.2", "127.0.0.3", "127.0.0.4")
	p := serve(t, func(s *site.Site) {
		m := &s.Balancers[0].Members[0]
		m.AddressTTL, m.DisableReuse = 50*time.Millisecond, true
	}, "http://origin.test:"+strconv.Itoa(port))
	c := dial(t, p.addr)
	from := func() string {
		status, body := ask(t, c, get)
		if status != 200 {
			t.Fatalf("status %d %s", status, body)
		}
		return body
	}
	got := make(map[string]int)
	for range 20 {
		got[from()]++
	}
	if got["127.0.0.2"] != 10 || got["127.0.0.3"] != 10 {
		t.Errorf("answers %v, want 10 of each address", got)
	}

	listeners["127.0.0.2"].Close()
	for range 10 {
		if ip := from(); ip != "127.0.0.3" {
			t.Errorf("an answer of %s, where nobody listens any more", ip)
		}
	}
	if inError(p) {
		t.Error("the member is in error although one of its addresses answers")
	}

	names.set(false, "127.0.0.4")
	eventually(t, "the proxy follows the name", func() bool { return from() == "127.0.0.4" })
	names.set(true)
	before := names.count()
	eventually(t, "the name is looked up again", func() bool { from(); return names.count() > before })
	for range 10 {
		if ip := from(); ip != "127.0.0.4" {
			t.Errorf("an answer of %s while the name server fails", ip)
		}
	}
}
