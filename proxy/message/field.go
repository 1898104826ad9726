package message

// Field is one field line. Name is as it was spelt; Value is without the
// whitespace around it.
type Field struct {
	Name  []byte
	Value []byte
	Known Name
	Hop   bool // ends here: see MarkHops
}

// Fields are the field lines of a head or of a trailer section, in the order
// they came.
type Fields []Field

// Get returns the value of the first field of that name.
func (f Fields) Get(n Name) (value []byte, ok bool) {
	for i := range f {
		if f[i].Known == n {
			return f[i].Value, true
		}
	}
	return nil, false
}

// Count says how many field lines have that name.
func (f Fields) Count(n Name) int {
	c := 0
	for i := range f {
		if f[i].Known == n {
			c++
		}
	}
	return c
}

// AppendField writes a field line with its CRLF.
func AppendField(dst, name, value []byte) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// AppendForwarded writes the fields that go on to the next hop, other than
// those whose name is in except.
func (f Fields) AppendForwarded(dst []byte, except NameSet) []byte {
	for i := range f {
		if f[i].Hop || except.Has(f[i].Known) {
			continue
		}
		dst = AppendField(dst, f[i].Name, f[i].Value)
	}
	return dst
}
