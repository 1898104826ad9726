package loadtest

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes one goroutine at a time with the kernel's precision. Go's own
// timers wait in epoll, which counts in milliseconds: an idle generator would
// send each hit up to 1 ms late, as much as a whole exchange takes. A timerfd is
// a file that becomes readable when it is due, and wakes epoll at once.
type alarm struct {
	fd int // of f; f.Fd() would make it blocking
	f  *os.File
}

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &alarm{fd: fd, f: os.NewFile(uintptr(fd), "timerfd")}, nil
}

// sleep returns after d, or at once after interrupt.
func (a *alarm) sleep(d time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if err := unix.TimerfdSettime(a.fd, 0, &spec, nil); err != nil {
		time.Sleep(d)
		return
	}
	var expirations [8]byte
	a.f.Read(expirations[:]) // an error is the interrupt
}

// interrupt ends the sleep under way and all later ones. It may come from any
// goroutine.
func (a *alarm) interrupt() { a.f.SetReadDeadline(time.Unix(1, 0)) }

func (a *alarm) close() { a.f.Close() }
