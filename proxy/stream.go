package proxy

import (
	"errors"
	"io"
	"math"
	"sync/atomic"
	"time"

	"proxylab/proxy/http1"
)

const (
	// spliceMin is the rest of a body from which on the kernel moves it between
	// the sockets. Below, one read and one write through the buffer cost less.
	spliceMin = 48 << 10

	// spliceSlice is the most that a pipe holds: kernel memory that a slow reader
	// keeps.
	spliceSlice = 256 << 10
)

// stream carries one body from src to dst, in either direction, with bounded
// memory: what the buffers hold, and what the kernel's pipe holds.
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

	moved   int64         // bytes of the body written to dst
	waited  time.Duration // for src, where rate is set
	began   bool          // something was written to dst
	chunks  http1.Chunked
	trailer bool        // a trailer section was begun at dst
	pipe    *http1.Pipe // taken with the first splice
	copies  bool        // there is no pipe to be had
}

// A side of a stream is the one that an error comes from.
type side uint8

const (
	source side = iota + 1
	sink
)

var (
	errCut    = errors.New("the body was cut short") // before its framing said so
	errCrawls = errors.New("it is read too slowly")
	errLeft   = errors.New("the client has left")
)

// run carries the body to its end. What Out of dst held, a head, goes first and
// together with as much of the body as there is.
func (s *stream) run() (from side, err error) {
	defer s.freePipe()
	switch s.body.Kind {
	case http1.Sized:
		from, err = s.sized()
	case http1.InChunks:
		from, err = s.inChunks()
	case http1.UntilClose:
		from, err = s.untilClose()
	}
	if err != nil {
		return from, err
	}
	return s.end()
}

// end writes the end of the body and whatever is left in Out.
func (s *stream) end() (side, error) {
	if s.chunked {
		if !s.trailer {
			s.dst.Begin()
			s.dst.Out.B = append(s.dst.Out.B, "0\r\n"...)
		}
		s.dst.Out.B = append(s.dst.Out.B, "\r\n"...)
	}
	s.announceLast()
	return s.flush()
}

func (s *stream) announceLast() {
	if s.last != nil {
		s.last.Store(true)
	}
}

// sized carries body.Length bytes.
func (s *stream) sized() (side, error) {
	left := s.body.Length
	for {
		b := s.src.Buffered()
		b = b[:min(int64(len(b)), left)]
		if left -= int64(len(b)); left == 0 {
			s.announceLast()
		}
		if from, err := s.pass(b); err != nil || left == 0 {
			return from, err
		}
		if from, err := s.flush(); err != nil {
			return from, err
		}
		if left >= spliceMin && s.hasPipe() {
			n, from, err := s.splice(left)
			if err != nil {
				return from, err
			}
			if left -= int64(n); left == 0 {
				return 0, nil
			}
			continue
		}
		if from, err := s.fill(); err != nil {
			return from, err
		}
	}
}

// splice moves up to left bytes inside the kernel.
func (s *stream) splice(left int64) (n int, from side, err error) {
	n, from, err = s.receive(int(min(left, spliceSlice)))
	if err != nil {
		return 0, from, err
	}
	if int64(n) == left {
		s.announceLast()
	}
	return n, sink, s.push(nil)
}

// inChunks decodes chunks and writes them anew, or as they are where dst is
// not chunked.
func (s *stream) inChunks() (side, error) {
	for {
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
			if from, err := s.pass(data); err != nil {
				return from, err
			}
		case http1.Trailer:
			s.passTrailer(data)
		case http1.End:
			return 0, nil
		case http1.More:
			if from, err := s.flush(); err != nil {
				return from, err
			}
			if from, err := s.fill(); err != nil {
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

// untilClose carries bytes until src ends. An end by reset is an error and not
// the end of a body.
func (s *stream) untilClose() (side, error) {
	for {
		b := s.src.Buffered()
		if from, err := s.pass(b); err != nil {
			return from, err
		}
		if from, err := s.flush(); err != nil {
			return from, err
		}
		var from side
		var err error
		if !s.chunked && s.moved >= spliceMin && s.hasPipe() {
			_, from, err = s.splice(math.MaxInt64)
		} else {
			from, err = s.fill()
		}
		switch {
		case err == errCut && !s.isStopped():
			return 0, nil
		case err != nil:
			return from, err
		}
	}
}

// pass takes b off the front of src, or not at all where it was taken already,
// and writes it to dst, through Out where it fits.
func (s *stream) pass(b []byte) (side, error) {
	if s.body.Kind != http1.InChunks {
		s.src.Use(len(b))
	}
	if len(b) == 0 {
		return 0, nil
	}
	s.moved += int64(len(b))
	need := len(b)
	if s.chunked {
		need += http1.ChunkOverhead
	}
	if s.dst.Room() < need {
		if from, err := s.flush(); err != nil {
			return from, err
		}
	}
	s.dst.Begin()
	switch {
	case s.chunked:
		s.dst.Out.B = http1.AppendChunk(s.dst.Out.B, b)
	case s.dst.Room() < need:
		if err := s.push(b); err != nil {
			return sink, err
		}
	default:
		s.dst.Out.B = append(s.dst.Out.B, b...)
	}
	return 0, nil
}

func (s *stream) fill() (side, error) {
	_, from, err := s.receive(0)
	return from, err
}

// receive waits for bytes of src: up to most of them into the pipe, or, where
// most is 0, into the buffer. A long wait is cut into shorter ones, between which
// it is seen whether the client is still there.
func (s *stream) receive(most int) (n int, from side, err error) {
	began := s.now()
	for waited := time.Duration(0); ; {
		look := s.patience - waited
		if s.client != nil {
			look = glance(look, waited)
		}
		s.src.ReadWithin(look)
		if s.isStopped() {
			return 0, source, errCut
		}
		if most > 0 {
			if n, err = s.pipe.Fill(s.src, most); err == nil && n == 0 {
				err = io.EOF
			}
		} else {
			err = s.src.Fill()
		}
		if waited += look; !http1.IsTimeout(err) || s.isStopped() || waited >= s.patience {
			break
		}
		if left(s.client, s.abort) {
			return 0, sink, errLeft
		}
	}
	switch {
	case err == io.EOF:
		return 0, source, errCut
	case err == nil && s.slow(began):
		return 0, source, errBodyTrickles
	}
	return n, source, err
}

// slow says whether src brings less than rate. As in mod_reqtimeout it may take
// patience, and a second more for each rate bytes; but only waiting for src
// counts, so that no client is blamed for a member that reads slowly.
//
//	allowed  |patience|moved/rate ...
//	waited   |==== ==  === =======
func (s *stream) slow(began time.Time) bool {
	if s.rate == 0 {
		return false
	}
	s.waited += time.Since(began)
	return s.waited-s.patience > time.Duration(float64(s.moved)/float64(s.rate)*float64(time.Second))
}

// now is the time, where anybody asks.
func (s *stream) now() time.Time {
	if s.rate == 0 {
		return time.Time{}
	}
	return time.Now()
}

func (s *stream) flush() (side, error) {
	if len(s.dst.Out.B) == 0 {
		return 0, nil
	}
	return sink, s.push(nil)
}

// push writes b, or else what the pipe holds, or what Out does. A write that
// meets its deadline goes on as long as dst keeps its pace.
func (s *stream) push(b []byte) error {
	for {
		if s.dst.WriteWithin(s.pace.within) && s.began && s.pace.lost(s.dst) {
			return errCrawls
		}
		if s.isStopped() {
			return errCut
		}
		s.began = true
		var n int
		var err error
		switch {
		case b != nil:
			n, err = s.dst.Write(b)
			b = b[n:]
		case s.pipe != nil && s.pipe.Held() > 0:
			n, err = s.pipe.Empty(s.dst)
			s.moved += int64(n)
		default:
			_, err = s.dst.Flush()
		}
		switch {
		case err == nil:
			return nil
		case !http1.IsTimeout(err) || s.isStopped():
			return err
		case s.pace.lost(s.dst):
			return errCrawls
		}
	}
}

// hasPipe takes a pipe, unless there is one already. Without one, for want of
// file descriptors, bodies are copied.
func (s *stream) hasPipe() bool {
	if s.pipe == nil && !s.copies {
		var err error
		s.pipe, err = http1.TakePipe()
		s.copies = err != nil
	}
	return s.pipe != nil
}

func (s *stream) freePipe() {
	if s.pipe != nil {
		s.pipe.Free()
		s.pipe = nil
	}
}

// isStopped must be asked after a deadline was set: who stops a stream first
// sets stopped and then a deadline that has passed.
func (s *stream) isStopped() bool { return s.stopped != nil && s.stopped.Load() }
