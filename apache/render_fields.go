package apache

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// fields writes what the two sides are told of each other.
func (w *writer) fields() {
	w.comment(1, "The origin server sees the Host of the client, not its own name.")
	w.line(1, "ProxyPreserveHost On")
	w.comment(1, "Via, both ways (RFC 9110 §7.6.3). X-Forwarded-For, -Host and -Server are",
		"added by default (ProxyAddHeaders).")
	w.line(1, "ProxyVia On")
	w.forwarded()
	if !w.site.Fields.Server {
		w.comment(1, "A member's Server is not for clients; httpd then puts its own name there.")
		w.line(1, "Header unset Server")
	}
	if !w.site.Fields.Continue {
		w.comment(1, "Who asks with Expect: 100-continue is answered here; the origin server is",
			"not asked.")
		w.line(1, "Proxy100Continue Off")
	}
	w.comment(1, "Debian enables mod_deflate. Compression is work of its own: not here.")
	w.line(1, "SetEnv no-gzip 1")
	if w.tuned() {
		w.comment(1, "Bytes that one read takes from a socket, 8192 by default: of bodies of many KiB",
			"fewer system calls.")
		w.line(1, "ReadBufferSize %d", bufferBytes)
		w.line(1, "ProxyIOBufferSize %d", bufferBytes)
	}
}

// forwarded writes the fields that mod_proxy does not add by itself, and takes
// away what only a trusted proxy may say. Directives of one section keep their
// order, but one in <If> would come behind them all: so there is none.
func (w *writer) forwarded() {
	f := w.site.Fields
	trusted := ""
	if len(f.Trusted) > 0 {
		var list []string
		for _, p := range f.Trusted {
			list = append(list, within(p))
		}
		w.comment(1, "What clients say of the clients before them is believed of these alone.")
		w.line(1, "SetEnvIfExpr %q proxylab_trusted", strings.Join(list, " || "))
		for _, name := range []string{"X-Forwarded-For", "Forwarded"} {
			w.line(1, "RequestHeader unset %s env=!proxylab_trusted", name)
		}
		trusted = " env=!proxylab_trusted"
	} else {
		w.comment(1, "Anybody could say this; mod_proxy would put its own behind it.")
	}
	w.line(1, "RequestHeader unset X-Forwarded-Host%s", trusted)
	if trusted != "" {
		w.line(1, "RequestHeader unset X-Forwarded-Proto%s", trusted)
		w.line(1, "RequestHeader setifempty X-Forwarded-Proto \"expr=%%{REQUEST_SCHEME}\"")
	} else {
		w.line(1, "RequestHeader set X-Forwarded-Proto \"expr=%%{REQUEST_SCHEME}\"")
	}
	if f.Forwarded {
		w.comment(1, "Forwarded (RFC 7239): an IPv6 address is in brackets and quoted.")
		const rest = `;host=\"%{HTTP_HOST}\";proto=%{REQUEST_SCHEME}"`
		w.line(1, "%s", `RequestHeader append Forwarded "expr=for=%{REMOTE_ADDR}`+rest+` "expr=! %{REMOTE_ADDR} =~ /:/"`)
		w.line(1, "%s", `RequestHeader append Forwarded "expr=for=\"[%{REMOTE_ADDR}]\"`+rest+` "expr=%{REMOTE_ADDR} =~ /:/"`)
	}
}

// within is true of clients in a network. httpd takes no network of all addresses.
func within(p netip.Prefix) string {
	switch {
	case p.Bits() > 0:
		return "-R '" + p.String() + "'"
	case p.Addr().Is4():
		return "! %{REMOTE_ADDR} =~ /:/"
	}
	return "%{REMOTE_ADDR} =~ /:/"
}

func (w *writer) connections() {
	l := w.site.Limits
	switch n := l.KeepAliveRequests; n {
	case 1:
		w.comment(1, "A client connection ends with its answer.")
		w.line(1, "KeepAlive Off")
	case 0:
		w.comment(1, "Client connections stay open for any number of requests (Debian says 100, and 5",
			"seconds).")
		w.line(1, "KeepAlive On")
		w.line(1, "MaxKeepAliveRequests 0")
	default:
		w.comment(1, fmt.Sprintf("Client connections stay open for %d requests (Debian says 100, and 5 seconds): the", n),
			"first one, and so many more.")
		w.line(1, "KeepAlive On")
		w.line(1, "MaxKeepAliveRequests %d", n-1)
	}
	w.line(1, "KeepAliveTimeout %s", orMillis(l.KeepAliveTimeout))
	w.comment(1, "Longest silence of a client, and of an origin server.")
	w.line(1, "Timeout %d", seconds(l.Timeout))
	w.line(1, "ProxyTimeout %d", seconds(l.Timeout))
}

func (w *writer) limits() {
	l := w.site.Limits
	w.comment(1, "The whole head of a request must arrive in this time (mod_reqtimeout). A body",
		"may take longer, a second for each MinRate bytes.")
	head := strconv.FormatInt(seconds(l.HeadTimeout), 10)
	if most := seconds(l.HeadTimeoutMax); l.HeadTimeoutMax > l.HeadTimeout && most > seconds(l.HeadTimeout) {
		head += "-" + strconv.FormatInt(most, 10) + ",MinRate=" + strconv.Itoa(l.MinRate)
	}
	w.line(1, "RequestReadTimeout header=%s body=%d,MinRate=%d", head, seconds(l.Timeout), l.MinRate)
	w.comment(1, "Bounds of a request's head. httpd has them by line and field, not for the sum, and lets",
		fmt.Sprintf("request lines of %d bytes pass.", l.RequestLine))
	w.line(1, "LimitRequestLine %d", max(1, l.RequestLine-1))
	w.line(1, "LimitRequestFieldSize %d", l.Head)
	w.line(1, "LimitRequestFields %d", l.Fields)
	w.comment(1, "Bytes of a request's body that says its length; 413 beyond. LimitRequestBody is not for",
		"requests that go to another server.")
	w.line(1, "<If \"req_novary('Content-Length') -gt %d\">", l.Body)
	w.line(2, "Redirect 413 \"/\"")
	w.line(1, "</If>")
}

func acceptFilter(deferred bool) string {
	if deferred {
		return "data"
	}
	return "none"
}

// Paths that httpd answers itself where the Site has a manager.
const (
	managerPath = "/balancer-manager"
	statusPath  = "/server-status"
)

// manager writes the balancer-manager and the server's status. They belong into
// the virtual host whose balancers they show.
func (w *writer) manager() {
	if w.site.Admin.Listen == "" || !w.matched() {
		return
	}
	w.comment(1, "The balancer-manager, where members are drained and weighed while httpd runs, and",
		"what its threads do. From this machine alone (\"local\"): who reaches the manager",
		"can send the requests of all others elsewhere.")
	for _, at := range []struct{ path, handler string }{{managerPath, "balancer-manager"}, {statusPath, "server-status"}} {
		w.line(1, "<Location %q>", at.path)
		w.line(2, "SetHandler %s", at.handler)
		w.line(2, "Require local")
		w.line(1, "</Location>")
	}
}
