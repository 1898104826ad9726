package proxy

import (
	"proxylab/proxy/http1"
	"proxylab/proxy/socket"
)

const (
	// spliceMin is the rest of a body from which on the kernel moves it between
	// the sockets. Below, one read and one write through the buffer cost less.
	spliceMin = 48 << 10

	// spliceMost is moved at once: the larger, the fewer calls and packets. It is
	// kernel memory, so there is less of it for who has proved to read slowly.
	spliceMost = 1 << 20
	spliceSlow = 64 << 10
)

// hasPipe takes a pipe, unless there is one already. Without one, for want of
// file descriptors, bodies are copied.
func (s *stream) hasPipe() bool {
	if s.pipe == nil && !s.copies {
		var err error
		s.pipe, err = s.src.Loop().TakePipe()
		s.copies = err != nil
	}
	return s.pipe != nil
}

// held is how many bytes are in the pipe.
func (s *stream) held() int {
	if s.pipe == nil {
		return 0
	}
	return s.pipe.Held()
}

// splice moves bytes inside the kernel. What is in Out goes out before them, and
// together with them where there are some already.
func (s *stream) splice() (side, error) {
	if s.held() == 0 {
		from, err := s.receive(func() error { return s.fillPipe(len(s.dst.Out.B) == 0) })
		if err == socket.ErrAgain && len(s.dst.Out.B) > 0 {
			return s.flush()
		}
		if err != nil {
			return from, err
		}
	}
	return s.push(s.drainPipe)
}

func (s *stream) fillPipe(mayWait bool) error {
	most := int64(spliceMost)
	if s.slower {
		most = spliceSlow
	}
	n, err := s.pipe.Fill(s.src.Socket, int(min(s.left, most)), mayWait)
	s.src.Received += int64(n)
	if s.body.Kind == http1.Sized {
		if s.left -= int64(n); s.left == 0 {
			s.announceLast()
		}
	}
	return err
}

func (s *stream) drainPipe() (int, error) {
	n, err := s.dst.FlushMore()
	if err != nil {
		return n, err
	}
	m, err := s.pipe.Drain(s.dst.Socket)
	s.moved += int64(m)
	s.dst.Sent += int64(m)
	s.slower = s.slower || s.pipe.Held() > 0
	return n + m, err
}

func (s *stream) freePipe() {
	if s.pipe != nil {
		s.src.Loop().GivePipe(s.pipe)
		s.pipe = nil
	}
}
