package bench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a program that the bench started, and all that it forked: a
// process group.
type process struct {
	cmd   *exec.Cmd
	began time.Time
	log   string        // path of what it wrote to standard error
	done  chan struct{} // closed when it has ended
	err   error         // how; after done
}

// start runs argv on the given cores. What the kernel would leave behind if the
// bench were killed is told to end (Pdeathsig).
func start(cores []int, dir, lib string, stdout *os.File, argv ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, "stderr"), os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), log: log.Name(), done: make(chan struct{})}
	p.cmd.Stderr = log
	if stdout != nil { // a nil *os.File would leave the program without a descriptor 1
		p.cmd.Stdout = stdout
	}
	p.cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", len(cores)))
	if lib != "" {
		p.cmd.Env = append(p.cmd.Env, "LD_LIBRARY_PATH="+lib)
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	p.began = time.Now()
	if err := onCores(cores, p.cmd.Start); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// onCores calls f on a thread that is bound to cores: what f forks inherits
// that.
func onCores(cores []int, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	for _, c := range cores {
		set.Set(c)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("cores %v: %w", cores, err)
	}
	return errors.Join(f(), unix.SchedSetaffinity(0, &before))
}

// stop kills the whole group and waits for its leader.
func (p *process) stop() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// end has the leader end by itself, and kills what is left after a while.
func (p *process) end() error {
	defer p.stop()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-late.C:
		return fmt.Errorf("%s does not end: %s", p.cmd.Path, p.said())
	}
}

// said is the end of what the process wrote to standard error.
func (p *process) said() string {
	b, _ := os.ReadFile(p.log)
	return strings.TrimSpace(string(b[max(0, len(b)-500):]))
}

// members are the processes of p's group.
func (p *process) members() ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		if pid, group, ok := groupOf(string(b)); ok && group == p.cmd.Process.Pid {
			pids = append(pids, pid)
		}
	}
	if len(pids) == 0 {
		return nil, fmt.Errorf("no process is left of %s", p.cmd.Path)
	}
	return pids, nil
}

// groupOf reads process and group from a line of /proc/PID/stat. The name
// between them may hold anything, parentheses too.
func groupOf(stat string) (pid, group int, ok bool) {
	open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return 0, 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(stat[:open]))
	rest := strings.Fields(stat[end+1:]) // state, parent, group
	if err != nil || len(rest) < 3 {
		return 0, 0, false
	}
	group, err = strconv.Atoi(rest[2])
	return pid, group, err == nil
}

// cpu is the CPU time that the group has used: user and system, of every
// process, its ended threads included. The clock of another process has the
// number ^pid<<3|CPUCLOCK_SCHED (clock_getcpuclockid(3)).
func (p *process) cpu() (time.Duration, error) {
	pids, err := p.members()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, pid := range pids {
		var ts unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
			return 0, fmt.Errorf("CPU clock of process %d: %w", pid, err)
		}
		sum += time.Duration(ts.Nano())
	}
	return sum, nil
}

// resident is the memory that the group holds. Pages that processes share are
// counted in each.
func (p *process) resident() (int64, error) {
	pids, err := p.members()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			return 0, err
		}
		fields := strings.Fields(string(b))
		if len(fields) < 2 {
			return 0, fmt.Errorf("/proc/%d/statm: %q", pid, b)
		}
		pages, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += pages * int64(os.Getpagesize())
	}
	return sum, nil
}

// takenBy is what a file takes up, in bytes.
func takenBy(f os.FileInfo) int64 { return f.Sys().(*syscall.Stat_t).Blocks * 512 }

// ownCores are the cores that this process may run on.
func ownCores() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, err
	}
	var cores []int
	for c := 0; len(cores) < set.Count(); c++ {
		if set.IsSet(c) {
			cores = append(cores, c)
		}
	}
	return cores, nil
}

// raiseFiles raises the bound on open files, for what we start too, and returns
// it.
func raiseFiles() (int, error) {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return 0, err
	}
	const wanted = 40000
	if lim.Max < wanted { // root may
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: wanted, Max: wanted})
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
			return 0, err
		}
	}
	lim.Cur = lim.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return 0, err
	}
	return int(min(lim.Max, wanted)), nil
}

// isOpen reports whether the peer has neither closed the socket nor sent
// anything. It does not read through the runtime, to which a deadline that has
// passed is an error too.
func isOpen(c syscall.Conn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var peeked error
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, peeked = unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	})
	return err == nil && errors.Is(peeked, unix.EAGAIN)
}
