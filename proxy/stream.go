package proxy

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"proxylab/proxy/http1"
)

const (
	// spliceMin is the rest of a body from which on the kernel moves it between
	// the sockets. Below, one read and one write through the buffer cost less.
	spliceMin = 48 << 10

	// spliceSlice is moved under one pair of deadlines. A peer that takes longer
	// than twice its timeout for so little is given up.
	spliceSlice = 256 << 10
)

// stream carries one body from src to dst, in either direction, with bounded
// memory: what the buffers hold, and what the kernel's pipe holds.
type stream struct {
	src, dst *http1.Conn
	body     http1.Body // framing at src
	chunked  bool       // framing at dst is chunked; else bytes as they are
	patience time.Duration
	most     int64        // bytes that a body in chunks may have; 0 for any number
	rate     int64        // bytes a second that it must bring (slow); 0 for any
	stopped  *atomic.Bool // set to make run return; nil where nobody does
	last     *atomic.Bool // is set before the last write; nil where nobody looks

	moved   int64         // bytes of the body written to dst
	waited  time.Duration // for src, where rate is set
	began   bool          // something was written to dst
	chunks  http1.Chunked
	trailer bool // a trailer section was begun at dst
	limited io.LimitedReader
}

// A side of a stream is the one that an error comes from.
type side uint8

const (
	source side = iota + 1
	sink
)

// errCut says that a body ended before its framing said so.
var errCut = errors.New("the body was cut short")

// run carries the body to its end. What Out of dst held, a head, goes first and
// together with as much of the body as there is.
func (s *stream) run() (from side, err error) {
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
		if left >= spliceMin {
			n, from, err := s.splice(left)
			if err != nil {
				return from, err
			}
			if left -= n; left == 0 {
				return 0, nil
			}
			continue
		}
		if err := s.fill(); err != nil {
			return source, err
		}
	}
}

// splice moves up to n bytes inside the kernel: ReadFrom of a LimitedReader
// over a TCPConn is splice(2) on Linux, and a copy elsewhere.
func (s *stream) splice(n int64) (moved int64, from side, err error) {
	// The write deadline is the later one, so that bytes which come just before
	// the read deadline still find a way out of the pipe.
	s.src.ReadWithin(s.patience)
	s.dst.WriteWithin(2 * s.patience)
	if s.isStopped() {
		return 0, source, errCut
	}
	if n <= spliceSlice {
		s.announceLast()
	}
	s.limited.R, s.limited.N = s.src.TCP(), min(n, spliceSlice)
	began := s.now()
	moved, err = s.dst.TCP().ReadFrom(&s.limited)
	s.moved += moved
	s.src.Received += moved
	s.dst.Sent += moved
	switch {
	case err == nil && moved == 0:
		return 0, source, errCut
	case err == nil:
		return moved, 0, nil
	case http1.IsTimeout(err):
		if s.dst.WriteTimedOut() {
			return moved, sink, err
		}
		if moved > 0 && !s.isStopped() {
			if s.slow(began) { // src let the deadline pass, not dst
				return moved, source, errBodyTrickles
			}
			return moved, 0, nil // not silent: go on
		}
		return moved, source, err
	case s.src.Ended():
		return moved, source, err
	}
	return moved, sink, err
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
			if err := s.fill(); err != nil {
				return source, err
			}
		}
	}
}

// passTrailer forwards a trailer field line where there is a place for it.
func (s *stream) passTrailer(line []byte) {
	if !s.chunked || !http1.TrailerForwarded(line) {
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
		if !s.chunked && s.moved >= spliceMin {
			switch _, from, err := s.splice(spliceSlice); {
			case err == errCut && !s.isStopped():
				return 0, nil
			case err != nil:
				return from, err
			}
			continue
		}
		switch err := s.fill(); {
		case err == errCut && !s.isStopped():
			return 0, nil
		case err != nil:
			return source, err
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
		s.dst.WriteWithin(s.patience)
		if s.isStopped() {
			return sink, errCut
		}
		if _, err := s.dst.Write(b); err != nil {
			return sink, err
		}
	default:
		s.dst.Out.B = append(s.dst.Out.B, b...)
	}
	return 0, nil
}

func (s *stream) fill() error {
	s.src.ReadWithin(s.patience)
	if s.isStopped() {
		return errCut
	}
	began := s.now()
	err := s.src.Fill()
	switch {
	case err == io.EOF:
		return errCut
	case err == nil && s.slow(began):
		return errBodyTrickles
	}
	return err
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
	s.dst.WriteWithin(s.patience)
	if s.isStopped() {
		return sink, errCut
	}
	s.began = true
	if _, err := s.dst.Flush(); err != nil {
		return sink, err
	}
	return 0, nil
}

// isStopped must be asked after a deadline was set: who stops a stream first
// sets stopped and then a deadline that has passed.
func (s *stream) isStopped() bool { return s.stopped != nil && s.stopped.Load() }
