package message

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

// Forwarded are the field names that AppendXForwarded writes anew.
var Forwarded = SetOf(XForwardedFor, XForwardedHost, XForwardedProto)

// AppendXForwarded writes X-Forwarded-For, -Host and -Proto as mod_proxy_http
// and common use have them: the client's address goes behind those that earlier
// proxies wrote; host and protocol are those of this hop. A field that
// Connection nominated is not carried over.
func (f Fields) AppendXForwarded(dst, client, host []byte) []byte {
	dst = append(dst, "X-Forwarded-For: "...)
	for i := range f {
		if f[i].Known == XForwardedFor && !f[i].Hop && len(f[i].Value) > 0 {
			dst = append(dst, f[i].Value...)
			dst = append(dst, ", "...)
		}
	}
	dst = append(dst, client...)
	dst = append(dst, "\r\n"...)
	if len(host) > 0 {
		dst = append(dst, "X-Forwarded-Host: "...)
		dst = append(dst, host...)
		dst = append(dst, "\r\n"...)
	}
	return append(dst, "X-Forwarded-Proto: http\r\n"...)
}
