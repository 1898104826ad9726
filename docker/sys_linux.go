package docker

import (
	"os/exec"
	"syscall"
)

// isolate gives a command process numbers and mounts of its own: it is process 1
// there, so that its death is the death of all it started, and its mounts end
// with it. It dies when the thread that starts it does.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS,
		Pdeathsig:    syscall.SIGKILL,
	}
}
