package message

import "bytes"

// Pseudonym is the name this proxy gives itself in Via.
const Pseudonym = "proxyd"

// AppendVia adds our own Via field line behind those of the earlier hops (RFC
// 9110 §7.6.3); lines of one name are one list, so theirs stay as they came.
// minor is that of the HTTP/1 message as it was received.
func AppendVia(dst []byte, minor byte) []byte {
	if minor == 0 {
		return append(dst, "Via: 1.0 "+Pseudonym+"\r\n"...)
	}
	return append(dst, "Via: 1.1 "+Pseudonym+"\r\n"...)
}

// ForwardedFields are the field names that AppendForwardedBy writes anew.
var ForwardedFields = SetOf(Forwarded, XForwardedFor, XForwardedHost, XForwardedProto)

// Said is what becomes of what a client said of the clients before it.
type Said uint8

// What becomes of it.
const (
	Kept     Said = iota // X-Forwarded-For and Forwarded stay, as mod_proxy_http has it; nothing else
	Believed             // and X-Forwarded-Host and -Proto: a proxy of ours said it
	Dropped              // nothing stays
)

// Hop is what is told of a client.
type Hop struct {
	Client    []byte // its address
	Host      []byte // that it asked for
	Said      Said
	Forwarded bool // RFC 7239's field is added
}

// AppendForwardedBy writes X-Forwarded-For, -Host and -Proto as mod_proxy_http
// and common use have them, and Forwarded: the client's address goes behind those
// that earlier proxies wrote. A field that Connection nominated is not carried
// over.
func (f Fields) AppendForwardedBy(dst []byte, h Hop) []byte {
	dst = append(dst, "X-Forwarded-For: "...)
	if h.Said != Dropped {
		for i := range f {
			if f[i].Known == XForwardedFor && !f[i].Hop && len(f[i].Value) > 0 {
				dst = append(dst, f[i].Value...)
				dst = append(dst, ", "...)
			}
		}
	}
	dst = append(dst, h.Client...)
	dst = append(dst, "\r\n"...)
	if host := f.believed(h, XForwardedHost, h.Host); len(host) > 0 {
		dst = AppendField(dst, []byte("X-Forwarded-Host"), host)
	}
	dst = AppendField(dst, []byte("X-Forwarded-Proto"), f.believed(h, XForwardedProto, []byte("http")))
	if h.Said != Dropped {
		for i := range f {
			if f[i].Known == Forwarded && !f[i].Hop {
				dst = AppendField(dst, f[i].Name, f[i].Value)
			}
		}
	}
	if h.Forwarded {
		dst = appendForwardedElement(dst, h)
	}
	return dst
}

// believed is what a trusted proxy said in a field, or else ours.
func (f Fields) believed(h Hop, n Name, ours []byte) []byte {
	if h.Said == Believed {
		for i := range f {
			if f[i].Known == n && !f[i].Hop && len(f[i].Value) > 0 {
				return f[i].Value
			}
		}
	}
	return ours
}

// appendForwardedElement writes RFC 7239 §4 for this hop. An address with colons
// is in brackets and quoted (§6), and so is a host, which may have a port.
func appendForwardedElement(dst []byte, h Hop) []byte {
	if bytes.IndexByte(h.Client, ':') >= 0 {
		dst = append(dst, "Forwarded: for=\"["...)
		dst = append(dst, h.Client...)
		dst = append(dst, "]\""...)
	} else {
		dst = append(dst, "Forwarded: for="...)
		dst = append(dst, h.Client...)
	}
	if len(h.Host) > 0 { // a Host has no quote or backslash (http1)
		dst = append(dst, ";host=\""...)
		dst = append(dst, h.Host...)
		dst = append(dst, '"')
	}
	return append(dst, ";proto=http\r\n"...)
}
