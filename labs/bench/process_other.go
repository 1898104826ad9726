//go:build !linux

package bench

import (
	"errors"
	"os"
	"syscall"
	"time"
)

var errLinux = errors.New("the bench binds processes to cores and reads their CPU clocks as Linux does\n\thint: run it on Linux")

type process struct {
	began time.Time
	done  chan struct{}
	err   error
}

func start([]int, string, string, *os.File, ...string) (*process, error) { return nil, errLinux }
func (p *process) stop()                                                 {}
func (p *process) end() error                                            { return errLinux }
func (p *process) said() string                                          { return "" }
func (p *process) cpu() (time.Duration, error)                           { return 0, errLinux }
func (p *process) resident() (int64, error)                              { return 0, errLinux }
func takenBy(os.FileInfo) int64                                          { return 0 }

// OwnNetwork is for Linux.
func OwnNetwork() error        { return errLinux }
func ownCores() ([]int, error) { return nil, errLinux }
func raiseFiles() (int, error) { return 0, errLinux }
func isOpen(syscall.Conn) bool { return false }
