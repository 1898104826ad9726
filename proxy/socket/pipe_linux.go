//go:build linux && !portable

package socket

import (
	"io"
	"net"
	"os"
	"syscall"
)

// Pipe is a pipe of the kernel, through which bytes go from one socket to
// another without being copied to this process (splice(2)).
type Pipe struct {
	r, w int
	held int // bytes in it
}

const (
	spliceMove     = 1 // SPLICE_F_MOVE
	spliceNonblock = 2 // SPLICE_F_NONBLOCK

	setPipeSize = 1031    // F_SETPIPE_SZ
	pipeSize    = 1 << 20 // the most that an ordinary user may ask for (pipe(7))
)

// idlePipes is how many empty pipes a loop keeps.
const idlePipes = 64

// TakePipe returns an empty pipe.
func (l *Loop) TakePipe() (*Pipe, error) {
	l.mu.Lock()
	if n := len(l.pipes); n > 0 {
		p := l.pipes[n-1]
		l.pipes = l.pipes[:n-1]
		l.mu.Unlock()
		return p, nil
	}
	l.mu.Unlock()
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	// Larger moves are fewer. Where that is too much for this user, it stays as
	// it is.
	syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fds[0]), setPipeSize, pipeSize)
	return &Pipe{r: fds[0], w: fds[1]}, nil
}

// GivePipe takes a pipe back, and closes it where it is not empty.
func (l *Loop) GivePipe(p *Pipe) {
	l.mu.Lock()
	keep := p.held == 0 && len(l.pipes) < idlePipes && !l.ended
	if keep {
		l.pipes = append(l.pipes, p)
	}
	l.mu.Unlock()
	if !keep {
		p.close()
	}
}

func (p *Pipe) close() {
	syscall.Close(p.r)
	syscall.Close(p.w)
}

// Held is how many bytes are in the pipe.
func (p *Pipe) Held() int { return p.held }

// Fill moves up to most bytes that have come to src into the pipe, which is
// empty. io.EOF says that the peer ended its side. Where nothing has come it
// waits only if it may, and returns ErrAgain else.
func (p *Pipe) Fill(src *Socket, most int, mayWait bool) (int, error) {
	for {
		if src.aborted.Load() {
			return 0, net.ErrClosed
		}
		if !src.rd.take() {
			if !mayWait {
				return 0, ErrAgain
			}
			if err := src.wait(&src.rd); err != nil {
				return 0, err
			}
			continue
		}
		n, errno := splice(src.fd, p.w, most)
		if errno != syscall.EAGAIN {
			src.rd.open()
		}
		switch errno {
		case 0:
			if n == 0 {
				src.ended.Store(true)
				return 0, io.EOF
			}
			p.held += n
			return n, nil
		case syscall.EAGAIN, syscall.EINTR:
		default:
			return 0, os.NewSyscallError("splice", errno)
		}
	}
}

// Drain moves what is in the pipe to dst. n tells how much; with ErrAgain the
// rest is for another call.
func (p *Pipe) Drain(dst *Socket) (n int, err error) {
	for p.held > 0 {
		if dst.aborted.Load() {
			return n, net.ErrClosed
		}
		if !dst.wr.take() {
			if err := dst.wait(&dst.wr); err != nil {
				return n, err
			}
			continue
		}
		m, errno := splice(p.r, dst.fd, p.held)
		if errno != syscall.EAGAIN {
			dst.wr.open()
		}
		switch errno {
		case 0:
			p.held -= m
			n += m
		case syscall.EAGAIN, syscall.EINTR:
		default:
			return n, os.NewSyscallError("splice", errno)
		}
	}
	return n, nil
}

func splice(from, to, most int) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(most), spliceMove|spliceNonblock)
	return int(n), errno
}
