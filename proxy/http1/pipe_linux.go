package http1

import (
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeSize is asked for each pipe. What splice moves lies in it as fragments of
// the socket's buffers, one in each slot of 4 KiB, full or not.
const pipeSize = 1 << 20

// Pipe is a pipe of the kernel, through which splice(2) moves bytes from one
// socket to another: they never come into the program. Where a write meets its
// deadline the rest stays in the pipe, and Empty can be called again.
//
// It belongs to one goroutine at a time.
type Pipe struct {
	r, w        int
	held        int                   // bytes in it
	most        int                   // that Fill moves
	n           int                   // what the last call moved
	err         error                 // and what it met
	fill, empty func(fd uintptr) bool // fillNow and emptyNow, bound once
}

var pipes sync.Pool

// TakePipe returns an empty pipe. It fails for want of file descriptors.
func TakePipe() (*Pipe, error) {
	if p, ok := pipes.Get().(*Pipe); ok {
		return p, nil
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, pipeSize) // else it stays as small as it was
	p := &Pipe{r: fds[0], w: fds[1]}
	p.fill, p.empty = p.fillNow, p.emptyNow
	runtime.SetFinalizer(p, (*Pipe).close) // the pool drops what nobody uses
	return p, nil
}

// Free gives the pipe back. One that holds bytes is closed instead.
func (p *Pipe) Free() {
	if p.held == 0 {
		pipes.Put(p)
		return
	}
	runtime.SetFinalizer(p, nil)
	p.close()
}

func (p *Pipe) close() {
	unix.Close(p.r)
	unix.Close(p.w)
}

// Held is how many bytes are in the pipe.
func (p *Pipe) Held() int { return p.held }

// Fill waits for bytes of src and moves up to most of them into the pipe, which
// must be empty. No byte and no error say that src has ended.
func (p *Pipe) Fill(src *Conn, most int) (n int, err error) {
	p.most, p.n, p.err = most, 0, nil
	if err := src.raw.Read(p.fill); err != nil {
		return 0, err
	}
	p.held = p.n
	src.Received += int64(p.n)
	return p.n, p.err
}

// Empty writes what the pipe holds to dst. n is how many bytes went out.
func (p *Pipe) Empty(dst *Conn) (n int, err error) {
	p.n, p.err = 0, nil
	err = dst.raw.Write(p.empty)
	dst.Sent += int64(p.n)
	if err == nil {
		err = p.err
	}
	return p.n, err
}

// fillNow and emptyNow are called by the runtime, first at once and then each
// time the socket has become ready. They say whether the move is over.
func (p *Pipe) fillNow(fd uintptr) bool {
	for {
		n, err := syscall.Splice(int(fd), nil, p.w, nil, p.most, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		switch err {
		case nil:
			p.n = int(n)
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return false
		default:
			p.err = os.NewSyscallError("splice", err)
		}
		return true
	}
}

func (p *Pipe) emptyNow(fd uintptr) bool {
	for p.held > 0 {
		n, err := syscall.Splice(p.r, nil, int(fd), nil, p.held, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		switch err {
		case nil:
			p.held -= int(n)
			p.n += int(n)
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			p.err = os.NewSyscallError("splice", err)
			return true
		}
	}
	return true
}
