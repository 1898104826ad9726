package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/site"
)

// watch has the members of all balancers probed, where their Site wants it, and
// has it logged when one goes out of service or comes back.
func (p *parts) watch(l *slog.Logger) {
	for _, g := range p.groups {
		to := l.With("balancer", g.balancer.Name())
		g.balancer.Tell(func(e balancer.Event) { tell(to, e) })
		g.balancer.Watch(g.probe)
	}
}

func tell(l *slog.Logger, e balancer.Event) {
	l = l.With("member", e.Member, "by", e.By)
	switch usable := e.Is.Usable(); {
	case usable && !e.Was.Usable():
		l.Info("member is back in service")
	case usable == e.Was.Usable():
		l.Info("member's status changed", "status", e.Is.String(), "was", e.Was.String())
	case e.Is&balancer.Ejected != 0:
		l.Warn("member is ejected", "status", e.Is.String())
	default:
		l.Warn("member is out of service", "status", e.Is.String())
	}
}

// unwatch ends that.
func (p *parts) unwatch() {
	for _, g := range p.groups {
		g.balancer.Unwatch()
	}
}

// maxCheckBody is how much of an answer hcexpr looks at.
const maxCheckBody = 64 << 10

// probe asks a member for a connection, which is all that a member in error could
// not give; or makes the whole check of the Site.
func (g *group) probe(ctx context.Context, index int, whole bool) error {
	pool := g.pools[index]
	var c net.Conn
	err := pool.Try(func(peer netip.AddrPort, within time.Duration) (err error) {
		d := net.Dialer{Timeout: within, KeepAlive: -1}
		c, err = d.DialContext(ctx, "tcp", peer.String())
		return err
	})
	switch {
	case err != nil && ownFault(err):
		return balancer.ErrNoVerdict
	case err != nil:
		return err
	}
	defer c.Close()
	checks := g.site.ChecksOf(index)
	if method := checks.Method; whole && method != "" && method != "TCP" {
		// What ctx ends, ends the check.
		stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Now()) })
		defer stop()
		c.SetDeadline(time.Now().Add(pool.Timeout))
		return check(c, checks, pool.Addr)
	}
	return nil
}

// check sends the request of mod_proxy_hcheck, and says what is wrong with its
// answer.
func check(c net.Conn, k *site.Checks, host string) error {
	request := fmt.Sprintf("%s %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: proxyd health check\r\nConnection: close\r\n\r\n", k.Method, k.URI, host)
	if _, err := io.WriteString(c, request); err != nil {
		return err
	}
	r := bufio.NewReader(io.LimitReader(c, maxCheckBody))
	line, err := r.ReadString('\n')
	if err != nil {
		return fmt.Errorf("no status line: %w", err)
	}
	// HTTP/1.x 200 …
	if len(line) < len("HTTP/1.1 200") || !strings.HasPrefix(line, "HTTP/1.") || line[8] != ' ' {
		return fmt.Errorf("%q is no status line of HTTP/1", strings.TrimSpace(line))
	}
	status := line[9:12]
	body, not, match := k.Expr.Parts()
	switch {
	case match == nil && (status[0] == '2' || status[0] == '3'):
		return nil
	case match == nil:
		return fmt.Errorf("status %s", status)
	case !body && match.MatchString(status) != not:
		return nil
	case !body:
		return fmt.Errorf("status %s does not pass %s", status, k.Expr)
	}
	rest, err := io.ReadAll(r)
	_, content, ok := strings.Cut("\r\n"+string(rest), "\r\n\r\n")
	switch {
	case err != nil && !ok:
		return err
	case ok && match.MatchString(content) != not:
		return nil
	}
	return fmt.Errorf("the body does not pass %s", k.Expr)
}
