package proxy

import (
	"errors"
	"sync/atomic"
	"time"

	"proxylab/proxy/http1"
	"proxylab/proxy/socket"
)

const (
	// writeThrough is what is not worth copying behind what waits in Out.
	writeThrough = 2 << 10

	// turn is how much a stream moves before others get theirs, in a loop.
	turn = 512 << 10
)

// stream carries one body from src to dst, in either direction, with bounded
// memory: what the buffers hold, and what the kernel's pipe holds. On sockets
// that a loop attends, run returns socket.ErrAgain and is called again; so all
// that it knows between two calls stands here.
type stream struct {
	src, dst *http1.Conn
	body     http1.Body    // framing at src
	chunked  bool          // framing at dst is chunked; else bytes as they are
	trailers bool          // dst gets trailer fields; else they end here
	patience time.Duration // longest silence of src
	pace     pace          // that dst must keep
	client   *http1.Conn   // dst, where one that has left is to be noticed while src is silent; else nil
	abort    bool          // who ends its side has left
	most     int64         // bytes that a body in chunks may have; 0 for any number
	rate     int64         // bytes a second that it must bring (slow); 0 for any
	stopped  *atomic.Bool  // set to make run return; nil where nobody does
	last     *atomic.Bool  // is set before the last write; nil where nobody looks
	hold     time.Duration // how long what came may wait in Out for more (flushpackets); 0 for not at all, negative for any time
	closes   bool          // dst is closed right behind it

	moved   int64         // bytes of the body written to dst, or in Out
	waited  time.Duration // for src, where rate is set
	began   bool          // something was written to dst
	part    streamPart
	left    int64 // bytes of the body that did not come yet
	chunks  http1.Chunked
	data    []byte // of a chunk, not taken yet
	trailer bool   // a trailer section was begun at dst
	pipe    *socket.Pipe
	copies  bool          // there is no pipe to be had
	slower  bool          // dst kept what the pipe held waiting
	due     bool          // what was held back goes out
	stalled side          // whom run waited for when it returned
	look    time.Duration // how long src is waited for, until somebody looks around
	silent  time.Duration // for how long it was before that
	turned  int64         // what was moved when the turn began
}

// streamPart is what run goes on with.
type streamPart uint8

const (
	partBegin streamPart = iota
	partBody
	partEnd
	partFlush
)

// A side of a stream is the one that an error comes from.
type side uint8

const (
	source side = iota + 1
	sink
	nobody // the stream has had its turn
)

var (
	errCut    = errors.New("the body was cut short") // before its framing said so
	errCrawls = errors.New("it is read too slowly")
	errLeft   = errors.New("the client has left")
)

// run carries the body to its end. What Out of dst held, a head, goes first and
// together with as much of the body as there is. With socket.ErrAgain, from is
// the side that is waited for, or nobody.
func (s *stream) run() (from side, err error) {
	s.turned = s.moved
	if s.part == partBegin {
		s.left = s.body.Length
		s.part = partBody
	}
	if s.part == partBody {
		switch s.body.Kind {
		case http1.Sized:
			from, err = s.sized()
		case http1.InChunks:
			from, err = s.inChunks()
		case http1.UntilClose:
			from, err = s.untilClose()
		}
		if err != nil {
			return s.over(from, err)
		}
		s.part = partEnd
	}
	if s.part == partEnd {
		s.end()
		s.part = partFlush
	}
	from, err = s.flushLast()
	return s.over(from, err)
}

// over is how run returns.
func (s *stream) over(from side, err error) (side, error) {
	if err == socket.ErrAgain {
		s.stalled = from
		return from, err
	}
	s.freePipe()
	return from, err
}

// end appends the end of the body.
func (s *stream) end() {
	if s.chunked {
		if !s.trailer {
			s.dst.Begin()
			s.dst.Out.B = append(s.dst.Out.B, "0\r\n"...)
		}
		s.dst.Out.B = append(s.dst.Out.B, "\r\n"...)
	}
	s.announceLast()
}

func (s *stream) announceLast() {
	if s.last != nil {
		s.last.Store(true)
	}
}

// sized carries body.Length bytes.
func (s *stream) sized() (side, error) {
	for {
		b := s.src.Buffered()
		b = b[:min(int64(len(b)), s.left)]
		if s.left == int64(len(b)) && s.held() == 0 {
			s.announceLast()
		}
		n, from, err := s.pass(b)
		s.src.Use(n)
		s.left -= int64(n)
		switch {
		case err != nil:
			return from, err
		case s.left == 0 && s.held() == 0:
			return 0, nil
		case n < len(b):
			continue
		}
		if from, err := s.more(); err != nil {
			return from, err
		}
	}
}

// untilClose carries bytes until src ends. An end by reset is an error and not
// the end of a body.
func (s *stream) untilClose() (side, error) {
	s.left = 1 << 62
	for {
		b := s.src.Buffered()
		n, from, err := s.pass(b)
		s.src.Use(n)
		switch {
		case err != nil:
			return from, err
		case n < len(b):
			continue
		}
		switch from, err := s.more(); {
		case err == errCut && !s.isStopped():
			return 0, nil
		case err != nil:
			return from, err
		}
	}
}

// more sends what there is and then gets more of a body: into the buffer, or
// past it where the kernel moves it.
func (s *stream) more() (side, error) {
	if s.moved-s.turned >= turn && !s.src.Left() {
		return nobody, socket.ErrAgain
	}
	large := s.hold == 0 && s.left >= spliceMin && !s.chunked && (s.body.Kind == http1.Sized || s.moved >= spliceMin)
	if s.held() > 0 || large && s.hasPipe() {
		return s.splice()
	}
	if s.hold == 0 || s.due {
		if from, err := s.flush(); err != nil {
			return from, err
		}
		s.due = false
	}
	return s.fill()
}

// inChunks decodes chunks and writes them anew, or as they are where dst is
// not chunked.
func (s *stream) inChunks() (side, error) {
	for {
		for len(s.data) > 0 {
			n, from, err := s.pass(s.data)
			s.data = s.data[n:]
			if err != nil {
				return from, err
			}
		}
		part, data, n, err := s.chunks.Next(s.src.Buffered())
		s.src.Use(n)
		if err != nil {
			return source, err
		}
		switch part {
		case http1.Data:
			if s.most > 0 && s.moved+int64(len(data)) > s.most {
				return source, errBodyLarge
			}
			s.data = data
		case http1.Trailer:
			s.passTrailer(data)
		case http1.End:
			return 0, nil
		case http1.More:
			if from, err := s.more(); err != nil {
				return from, err
			}
		}
	}
}

// passTrailer forwards a trailer field line where there is a place for it.
func (s *stream) passTrailer(line []byte) {
	if !s.chunked || !s.trailers || !http1.TrailerForwarded(line) {
		return
	}
	s.dst.Begin()
	if !s.trailer {
		s.trailer = true
		s.dst.Out.B = append(s.dst.Out.B, "0\r\n"...)
	}
	s.dst.Out.B = append(s.dst.Out.B, line...)
	s.dst.Out.B = append(s.dst.Out.B, "\r\n"...)
}

// pass takes bytes of a body towards dst: behind what is in Out, or past it where
// nothing is. n is how many were taken, which may be fewer than there are.
func (s *stream) pass(b []byte) (n int, from side, err error) {
	if len(b) == 0 {
		return 0, 0, nil
	}
	overhead := 0
	if s.chunked {
		overhead = http1.ChunkOverhead
	}
	if s.dst.Room() < len(b)+overhead {
		if from, err := s.flush(); err != nil {
			return 0, from, err
		}
	}
	s.dst.Begin()
	switch {
	case s.chunked:
		n = min(len(b), s.dst.Room()-overhead)
		s.dst.Out.B = http1.AppendChunk(s.dst.Out.B, b[:n])
	case len(s.dst.Out.B) == 0 && len(b) >= writeThrough && s.hold == 0:
		_, err = s.push(func() (int, error) {
			m, err := s.dst.Write(b[n:])
			n += m
			return m, err
		})
	default:
		n = min(len(b), s.dst.Room())
		s.dst.Out.B = append(s.dst.Out.B, b[:n]...)
	}
	s.moved += int64(n)
	return n, sink, err
}
