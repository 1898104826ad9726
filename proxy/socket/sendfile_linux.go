//go:build linux && !portable

package socket

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sendFileMost is what one call is asked for: between two a stop is seen.
const sendFileMost = 1 << 20

// SendFile writes n bytes of a file, from off on, without their coming through
// this process (sendfile(2)). It may wait for the disk: a loop calls it only for
// what is Resident.
func (s *Socket) SendFile(f *os.File, off, n int64) (sent int64, err error) {
	for sent < n {
		if s.aborted.Load() {
			return sent, net.ErrClosed
		}
		if !s.wr.take() {
			if err := s.wait(&s.wr); err != nil {
				return sent, err
			}
			continue
		}
		m, errno := sendFile(s.fd, int(f.Fd()), off+sent, int(min(n-sent, sendFileMost)), s.owner != nil)
		if errno != syscall.EAGAIN {
			s.wr.open()
		}
		switch errno {
		case 0:
			if m == 0 {
				return sent, io.ErrUnexpectedEOF
			}
			sent += int64(m)
		case syscall.EAGAIN, syscall.EINTR:
		default:
			return sent, os.NewSyscallError("sendfile", errno)
		}
	}
	return sent, nil
}

// sendFile tells the scheduler of the call unless that is over in a moment.
func sendFile(to, from int, at int64, n int, soon bool) (int, syscall.Errno) {
	call := syscall.Syscall6
	if soon {
		call = syscall.RawSyscall6
	}
	m, _, errno := call(syscall.SYS_SENDFILE, uintptr(to), uintptr(from), uintptr(unsafe.Pointer(&at)), uintptr(n), 0, 0)
	return int(m), errno
}

// Resident says whether n bytes of a file, from off on, are in the kernel's memory,
// so that SendFile does not wait for a disk. It asks for the pages of that range
// (cachestat(2)), and costs little beside sending them. False also says that the
// kernel does not tell, as those before Linux 6.5.
func Resident(f *os.File, off, n int64) bool {
	page := int64(os.Getpagesize())
	span := struct{ off, n uint64 }{uint64(off), uint64(n)}
	var stat struct{ cached, dirty, writeback, evicted, recently uint64 }
	_, _, errno := syscall.RawSyscall6(unix.SYS_CACHESTAT, f.Fd(), uintptr(unsafe.Pointer(&span)), uintptr(unsafe.Pointer(&stat)), 0, 0, 0)
	return errno == 0 && int64(stat.cached) == (off+n-1)/page-off/page+1
}
