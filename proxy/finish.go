package proxy

// finish writes the exchange down.
func (x *exchange) finish() phase {
	if x.status == 0 {
		x.status = 499 // the client went before an answer; nginx's number for it
	}
	if x.cached != nil {
		x.cached.c.tally.Count(x.c.at, x.fate())
	}
	x.s.access.add(x)
	return phaseOver
}
