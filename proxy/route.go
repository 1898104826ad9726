package proxy

import (
	"proxylab/proxy/http1"
	"proxylab/proxy/message"
)

// route finds the balancer for the path.
func (x *exchange) route() phase {
	x.rule, x.rest = x.p.routes.Match(x.req.Target.Path)
	if x.rule == nil || x.rule.Exclude {
		return x.fail(errNoRoute)
	}
	x.group = x.p.groups[x.rule.Balancer]
	x.introduce()
	if x.p.cache != nil {
		return phaseLookup
	}
	return x.onward()
}

// onward leads to a member.
func (x *exchange) onward() phase {
	if x.req.Body.Kind != http1.NoBody {
		return phaseCollect
	}
	return phaseElect
}

// said decides what becomes of what the client said of those before it.
func (x *exchange) said() message.Said {
	trusted := x.p.site.Fields.Trusted
	if len(trusted) == 0 {
		return message.Kept
	}
	for _, n := range trusted {
		if n.Contains(x.c.addr) {
			return message.Believed
		}
	}
	return message.Dropped
}

// rewritten are the request's fields that appendRequest writes by itself.
var rewritten = message.SetOf(message.Host, message.Expect, message.MaxForwards) | message.ForwardedFields

// appendRequest writes the head that goes to the member. Fields keep their order
// and spelling; ours come behind, but for Host, which is first (RFC 9110 §7.2).
func (x *exchange) appendRequest(dst []byte) []byte {
	r := &x.req
	dst = append(dst, r.Method...)
	dst = append(dst, ' ')
	dst = append(dst, x.rule.Prefix...)
	dst = append(dst, x.rest...)
	dst = append(dst, x.query()...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	if r.Host != nil {
		dst = append(dst, r.Host...)
	} else {
		dst = append(dst, x.pool.Addr...) // HTTP/1.0 without Host
	}
	dst = append(dst, "\r\n"...)
	except := rewritten
	if r.Body.Kind != http1.InChunks {
		except |= message.SetOf(message.Trailer)
	}
	if x.cached != nil {
		except |= x.cached.d.Replaced()
	}
	dst = r.Fields.AppendForwarded(dst, except)
	if x.cached != nil {
		dst = x.cached.d.AppendConditions(dst, &x.cached.q, x.cached.variants.Entries)
	}
	if n := r.Fields.Count(message.MaxForwards); n > 0 {
		dst = x.appendMaxForwards(dst)
	}
	if r.Body.Kind == http1.InChunks {
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	dst = x.appendConnection(dst)
	if x.pool.MaxIdle == 0 && x.upgrade == "" {
		dst = append(dst, "Connection: close\r\n"...) // the member need not wait for another request
	}
	if r.Continues || x.withheld {
		dst = append(dst, "Expect: 100-continue\r\n"...)
	}
	dst = r.Fields.AppendForwardedBy(dst, message.Hop{
		Client: x.c.client, Host: r.Host, Said: x.said(), Forwarded: x.p.site.Fields.Forwarded,
	})
	dst = message.AppendVia(dst, r.Minor)
	return append(dst, "\r\n"...)
}

// query is that of the target, without what the Site has the cache ignore.
func (x *exchange) query() []byte {
	if x.cached != nil {
		return x.cached.query
	}
	return x.req.Target.Query
}

// appendConnection writes what is said of this hop alone.
func (x *exchange) appendConnection(dst []byte) []byte {
	switch {
	case x.req.Trailers && x.upgrade != "":
		dst = append(dst, "Connection: TE, upgrade\r\nTE: trailers\r\n"...)
	case x.req.Trailers:
		return append(dst, "Connection: TE\r\nTE: trailers\r\n"...)
	case x.upgrade != "":
		dst = append(dst, "Connection: upgrade\r\n"...)
	default:
		return dst
	}
	dst = append(dst, "Upgrade: "...)
	dst = append(dst, x.upgrade...)
	return append(dst, "\r\n"...)
}
