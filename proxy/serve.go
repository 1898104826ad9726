package proxy

import (
	"io"

	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
	"proxylab/proxy/socket"
)

// fileTurn is the largest piece of a file that is sent at once. The kernel takes what
// has room, and no byte of it is copied: it takes as long as turn does.
const fileTurn = 1 << 20

// beginBody makes x.stream ready to take a body from the cache to the client. The
// head is in Out.
func (x *exchange) beginBody(chunked bool) {
	s := &x.stream
	s.dst, s.chunked = x.c.Conn, chunked && x.req.Minor > 0
	s.pace.within, s.pace.rate = x.p.site.Limits.Timeout, int64(x.p.site.Limits.MinReadRate)
	h := x.cached
	if len(h.answer.Spans) == 0 {
		h.last = h.answer.Length - 1
		if h.answer.Length < 0 {
			h.last = -1
		}
		return
	}
	h.at = 0
	h.last = -2 // nothing before the first span
}

// serve sends a body that is stored, or is coming, piece by piece: what is in memory
// by write, what is in a file by sendfile: in the loop as long as the kernel has it in
// memory. It waits for nobody but the client, the disk, and for more to come.
func (x *exchange) serve() phase {
	h, s := x.cached, &x.stream
	for s.turned = s.moved; !h.sentAll; {
		if h.last == -2 || h.last >= 0 && h.at > h.last {
			x.nextSpan()
			continue
		}
		piece, err := h.piece()
		switch {
		case err == store.ErrWait:
			if next, stay := x.waitForMore(); !stay {
				return next
			}
			continue
		case err == io.EOF && h.last < 0:
			h.sentAll = true
			s.end()
			continue
		case err != nil:
			return x.brokeOff()
		case piece.File != nil && x.inLoop() && !x.resident(&piece):
			return phaseApart // to wait for the disk
		}
		before := s.moved
		from, err := x.send1(piece)
		h.sent(s.moved - before)
		switch {
		case err == io.ErrUnexpectedEOF && piece.File != nil:
			return x.endsEarly()
		case err != nil:
			return x.notSent(from, err)
		case s.moved-s.turned >= turn && x.inLoop():
			x.c.later()
			return phaseAgain
		}
	}
	if from, err := s.flush(); err != nil {
		return x.notSent(from, err)
	}
	x.bytes = s.moved + h.between
	x.useBody()
	x.linger = x.close && !x.req.Close
	return phaseFinish
}

// endsEarly is for a file that somebody has cut since it was opened: it answers nobody
// any more. The goroutine that may remove it finds the same as the loop did.
func (x *exchange) endsEarly() phase {
	if x.inLoop() {
		return phaseApart
	}
	x.cached.c.store.Remove(x.cached.key)
	return x.notSent(source, io.ErrUnexpectedEOF)
}

// notSent is for a client that takes no more: for now, or at all.
func (x *exchange) notSent(from side, err error) phase {
	x.bytes = x.stream.moved + x.cached.between
	if err == socket.ErrAgain {
		x.stream.stalled = from
		return phaseAgain
	}
	return x.clientGone()
}

// nextSpan goes on to the next range, with what stands before it where there are
// several; or ends the body.
func (x *exchange) nextSpan() {
	h, s := x.cached, &x.stream
	n := len(h.answer.Spans)
	before := len(x.c.Out.B)
	switch {
	case h.part < n:
		span := h.answer.Spans[h.part]
		h.at, h.last = span.First, span.Last
		if n > 1 {
			s.dst.Begin()
			x.c.Out.B = h.answer.AppendPart(x.c.Out.B, h.part)
		}
		h.part++
	case n > 1:
		s.dst.Begin()
		x.c.Out.B = h.answer.AppendEnd(x.c.Out.B)
		h.sentAll = true
	default:
		h.sentAll = true
	}
	h.between += int64(len(x.c.Out.B) - before)
}

// piece is what follows at h.at: of what is coming, if it is in that, and else of
// what is stored.
func (h *cached) piece() (p store.Piece, err error) {
	end := h.last
	if r := h.reader; r != nil && h.at >= h.coming.First && (h.coming.Last < 0 || h.at <= h.coming.Last) {
		r.Advance(h.at - h.read)
		h.read = h.at
		if p, err = r.Next(); err != nil {
			return p, err
		}
		if h.coming.Last >= 0 && (end < 0 || h.coming.Last < end) {
			end = h.coming.Last
		}
	} else {
		if r != nil && h.at < h.coming.First {
			end = min(end, h.coming.First-1)
		}
		b := h.body.Part(cache.Span{First: h.at, Last: end})
		p = store.Piece{Bytes: b.Bytes, File: b.File, At: b.At, Size: b.Size}
	}
	most := int64(turn)
	if p.File != nil {
		most = fileTurn
	}
	if p.Size = min(p.Size, most); end >= 0 {
		p.Size = min(p.Size, end-h.at+1)
	}
	if p.Size <= 0 {
		return p, store.ErrAborted
	}
	if p.File == nil {
		p.Bytes = p.Bytes[:p.Size]
	}
	return p, nil
}

// resident says whether a piece of a file can be sent without waiting for a disk.
func (x *exchange) resident(p *store.Piece) bool {
	if b := &x.cached.body; p.File == b.File {
		return b.Resident(p.At, p.Size, x.now(), socket.Resident)
	}
	return socket.Resident(p.File, p.At, p.Size)
}

// sent says that n bytes of the last piece went out.
func (h *cached) sent(n int64) { h.at += n }

// send1 sends a piece, behind what is in Out.
func (x *exchange) send1(p store.Piece) (side, error) {
	s := &x.stream
	switch {
	case p.File != nil && s.chunked:
		return x.sendRead(p)
	case len(s.dst.Out.B) > 0 && p.File != nil:
		if from, err := s.push(s.dst.FlushMore); err != nil {
			return from, err
		}
	case len(s.dst.Out.B) > 0 && !s.chunked && p.Size > int64(s.dst.Room()):
		return s.push(func() (int, error) {
			n, err := s.dst.Write(p.Bytes)
			p.Bytes = p.Bytes[n:]
			s.moved += int64(n)
			return n, err
		})
	}
	if p.File != nil {
		return s.push(func() (int, error) {
			n, err := s.dst.SendFile(p.File, p.At, p.Size)
			p.At, p.Size = p.At+n, p.Size-n
			s.moved += n
			s.dst.Sent += n
			return int(n), err
		})
	}
	for len(p.Bytes) > 0 {
		n, from, err := s.pass(p.Bytes)
		if p.Bytes = p.Bytes[n:]; err != nil {
			return from, err
		}
	}
	return 0, nil
}

// sendRead sends a piece of a file as chunks, which the kernel cannot make.
func (x *exchange) sendRead(p store.Piece) (side, error) {
	room := make([]byte, min(p.Size, 8<<10))
	n, err := p.File.ReadAt(room, p.At)
	if n == 0 {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return source, err
	}
	for b := room[:n]; len(b) > 0; {
		n, from, err := x.stream.pass(b)
		if b = b[n:]; err != nil {
			return from, err
		}
	}
	return 0, nil
}

// waitForMore sends what there is, and waits.
func (x *exchange) waitForMore() (next phase, stay bool) {
	if from, err := x.stream.flush(); err != nil {
		return x.notSent(from, err), false
	}
	x.stream.stalled = source
	return x.pause()
}

// brokeOff is for a body of which no more comes. Who has got nothing yet goes on as
// if there had been nobody to follow; who fetches by itself, and only the store had
// no room, has the rest from the member.
func (x *exchange) brokeOff() phase {
	h, s := x.cached, &x.stream
	if h.fetch != nil && h.coming.Last < 0 {
		switch back, over := h.fetch.giveBack(x); {
		case back:
			return phaseStream
		case !over:
			if next, stay := x.pause(); !stay {
				return next
			}
			return phaseServe
		}
	}
	if s.began {
		x.bytes = s.moved + h.between
		x.close, x.reset = true, true
		return phaseFinish
	}
	x.c.Out.B = x.c.Out.B[:0]
	x.status, x.bytes, x.stream = 0, 0, stream{}
	follows := h.follows
	h.letGo()
	h.follows, h.sentAll = false, false
	switch {
	case follows:
		return x.onward()
	case h.d.Outcome == cache.Hit && h.d.Reason != cache.OnError, h.d.Outcome == cache.HitStale:
		// What is stored is not what it should be: as if it had not been found.
		if h.d = cache.Lookup(&h.q, nil, h.c.policy, x.now()); h.d.Outcome == cache.Timeout {
			return x.notStored()
		}
		return x.onward()
	case h.d.Outcome == cache.Hit:
		h.d.Entry = nil // it stood in for an error, and cannot do so again
	}
	return x.fail(errGarbage)
}
