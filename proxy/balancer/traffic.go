package balancer

// pickByTraffic leaves lbstatus alone: of equal loads the first is elected.
func (r *roster) pickByTraffic(q *Request) int {
	if !r.picky(q) {
		return r.traffic.least(r.seats[:r.candidates])
	}
	best := noted{seat: -1}
	for i := range r.seats[:r.candidates] {
		s := &r.seats[i]
		if r.passes(s, q) {
			continue
		}
		if n := (noted{s.traffic(), i}); best.seat < 0 || n.less(best) {
			best = n
		}
	}
	return best.seat
}

// traffic is the seat's load: each division is cut, as httpd does.
func (s *seat) traffic() int64 {
	factor := int64(s.lbfactor)
	return s.to.Load()/factor + s.from.Load()/factor
}

// traffic is a heap of the candidates' loads: none is less than the one at half
// its place. Loads grow and never shrink, so what was noted of one is never too
// much. Hence only the one on top is looked at again: where its load is what was
// noted, no other is less.
type traffic []noted

type noted struct {
	load int64
	seat int
}

// less has the first of equal loads in front.
func (n noted) less(other noted) bool {
	return n.load < other.load || n.load == other.load && n.seat < other.seat
}

// least returns the seat with the least load; -1 where there are none. A heap of
// another number of seats is made anew.
func (t *traffic) least(seats []seat) int {
	h := *t
	if len(h) != len(seats) {
		h = h[:0]
		for i := range seats {
			h = append(h, noted{0, i}) // no load is less, and equal ones are in order
		}
		*t = h
	}
	if len(h) == 0 {
		return -1
	}
	for {
		top := h[0]
		if load := seats[top.seat].traffic(); load != top.load {
			top.load = load
			h.sink(top)
			continue
		}
		return top.seat
	}
}

// sink puts n, which was on top with less, where it belongs.
func (h traffic) sink(n noted) {
	i := 0
	for {
		below := 2*i + 1
		if below >= len(h) {
			break
		}
		if right := below + 1; right < len(h) && h[right].less(h[below]) {
			below = right
		}
		if !h[below].less(n) {
			break
		}
		h[i] = h[below]
		i = below
	}
	h[i] = n
}
