// Package message is RFC 9110: what is true of an HTTP message whatever the
// version on the wire. It knows fields, lists, which fields end at the next hop,
// Via, the X-Forwarded fields and dates. Bytes become messages in package
// http1.
//
// # Who owns which bytes
//
// A [Field] points into the buffer of the connection that the message was read
// from. It lives until that connection reads again, or until the buffer is given
// back; who wants to keep one copies it. Nothing in this package copies a value
// or changes one, and functions named Append… write into the caller's slice.
// No function here allocates as long as that slice has room.
//
// # Known names
//
// A field's name is looked up once, when it is read ([NameOf]), and later rules
// are a switch on one byte:
//
//	for i := range fields {
//		switch fields[i].Known {
//		case message.Connection: …
//		}
//	}
//
// Only names that some rule of an intermediary speaks of are known. All others
// are [Unknown], and pass.
//
// # What is forwarded
//
// [Fields.MarkHops] marks the fields that must not be forwarded (RFC 9110
// §7.6.1) and gathers what Connection said. Order and spelling of the others
// stay as they came.
package message
