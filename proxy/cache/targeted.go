package cache

import "proxylab/proxy/message"

// targeted reads the first field of the target list that is there, valid and
// not empty (RFC 9213 §2.2). Then Cache-Control and Expires count for nothing.
// Lines of one name are one field.
func (c *control) targeted(fields message.Fields, list []string) bool {
	for _, name := range list {
		value, ok := joined(fields, name)
		if !ok || !dictionary(value, nil) {
			continue
		}
		members := 0
		var said directives
		dictionary(value, func(key []byte, v item) {
			members++
			if w := wordOf(key); w != 0 {
				said.replace(w, v)
			}
		})
		if members == 0 {
			continue
		}
		c.reset()
		for i := range said.n {
			c.sayItem(said.w[i], said.v[i])
		}
		return true
	}
	return false
}

// directives are the members that are known, the last of each (RFC 9651 §4.2.2).
type directives struct {
	w [16]word
	v [16]item
	n int
}

func (d *directives) replace(w word, v item) {
	for i := range d.n {
		if d.w[i] == w {
			d.v[i] = v
			return
		}
	}
	if d.n < len(d.w) { // there are fewer words than that
		d.w[d.n], d.v[d.n] = w, v
		d.n++
	}
}

// sayItem maps a member to a directive (RFC 9213 §2.1): no argument is the
// boolean true, delta-seconds are an integer, a list of names is a string or a
// token. A value of another type is not used; but where the directive is about
// restriction, leaving it out would be the less careful reading, so only a plain
// "false" makes it void, and seconds that make no sense are 0.
func (c *control) sayItem(w word, v item) {
	if v.kind == booleanItem && !v.truth {
		return
	}
	switch w {
	case wordPublic, wordImmutable:
		if v.kind == booleanItem {
			c.say(w, nil, bare)
		}
	case wordNoCache, wordPrivate:
		f := bare
		if v.kind == stringItem || v.kind == tokenItem {
			f = valued
		}
		c.say(w, v.text, f)
	case wordNoStore, wordMustRevalidate, wordProxyRevalidate, wordMustUnderstand:
		c.say(w, nil, bare)
	case wordMaxAge, wordSMaxAge, wordStaleWhileRevalidate, wordStaleIfError:
		c.has |= w
		if v.kind == integerItem {
			*c.slot(w) = min(max(v.number, 0), infinite)
		} else {
			*c.slot(w) = 0
		}
	}
}

// joined is the value of all lines of a name, which is in lower case, as one
// list (RFC 9110 §5.3).
func joined(fields message.Fields, name string) (value []byte, ok bool) {
	for i := range fields {
		if !message.EqualFold(fields[i].Name, name) || fields[i].Hop {
			continue
		}
		if !ok {
			value, ok = fields[i].Value, true
			continue
		}
		value = append(append(value[:len(value):len(value)], ", "...), fields[i].Value...)
	}
	return value, ok
}
