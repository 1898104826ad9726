package proxy

import (
	"io"
	"time"

	"proxylab/proxy/http1"
	"proxylab/proxy/socket"
)

// How a stream waits for its two sides: src, which must not be silent and must
// keep a rate, and dst, which must keep its pace.

func (s *stream) fill() (side, error) { return s.receive(s.src.Fill) }

// receive waits for bytes of src: call gets them. A long wait is cut into shorter
// ones, between which it is seen whether the client is still there.
func (s *stream) receive(call func() error) (side, error) {
	began := s.now()
	for {
		if s.stalled != source {
			s.look = s.patience - s.silent
			if s.client != nil {
				s.look = glance(s.look, s.silent)
			}
			if s.holds() {
				s.look = min(s.look, s.hold)
			}
			s.src.ReadWithin(s.look)
		}
		if s.isStopped() {
			return source, errCut
		}
		err := call()
		switch {
		case err == nil && s.slow(began):
			return source, errBodyTrickles
		case err == nil:
			s.stalled, s.silent = 0, 0
			return 0, nil
		case err == io.EOF:
			return source, errCut
		case err == socket.ErrAgain:
			return source, err
		}
		if s.silent += s.look; !http1.IsTimeout(err) || s.isStopped() || s.silent >= s.patience {
			return source, err
		}
		if left(s.client, s.abort) {
			return sink, errLeft
		}
		s.stalled = 0
		if s.holds() {
			s.due = true
			return 0, nil
		}
	}
}

// holds says whether something waits in Out, though not for ever.
func (s *stream) holds() bool { return s.hold > 0 && !s.due && len(s.dst.Out.B) > 0 }

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
	return s.push(s.dst.Flush)
}

// flushLast is flush at the end. Where dst is closed behind it, the kernel waits for
// that: the end of the connection goes out with the last bytes, in one segment.
func (s *stream) flushLast() (side, error) {
	if !s.closes || len(s.dst.Out.B) == 0 {
		return s.flush()
	}
	return s.push(s.dst.FlushMore)
}

// push has call write to dst. A write that meets its deadline goes on as long as
// dst keeps its pace.
func (s *stream) push(call func() (int, error)) (side, error) {
	for {
		if s.stalled != sink {
			s.dst.WriteWithin(s.pace.within)
			if s.began && s.pace.due(s.dst) && s.pace.lost(s.dst) {
				return sink, errCrawls
			}
		}
		if s.isStopped() {
			return sink, errCut
		}
		s.began = true
		n, err := call()
		if n > 0 {
			s.stalled = 0
		}
		if err == socket.ErrAgain && s.pace.since.IsZero() {
			s.pace.lost(s.dst) // which begins its first span
		}
		switch {
		case err == nil:
			return sink, nil
		case !http1.IsTimeout(err) || s.isStopped():
			return sink, err
		case s.pace.lost(s.dst):
			return sink, errCrawls
		}
		s.stalled = 0
	}
}

// isStopped must be asked after a deadline was set: who stops a stream first
// sets stopped and then a deadline that has passed.
func (s *stream) isStopped() bool { return s.stopped != nil && s.stopped.Load() }
