package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// guardID is the guard that started this process, "" for none. It is set once,
// before main's work begins.
var guardID string

// guardEnv carries "<guard id>:<pid of the guard>" to the working process.
const guardEnv = "PROXYLAB_GUARD"

// stopped is the cause of the context that the working process gets. It is the
// signal's number, 0 where the guard was killed.
type stopped syscall.Signal

func (stopped) Error() string { return "asked to stop" }

// StopCode is the exit code of a program that has heeded a stop signal, as a
// shell has it: 128 and the signal's number. ok is false where ctx, main's
// context, was not cancelled by a signal.
func StopCode(ctx context.Context) (code int, ok bool) {
	s, ok := context.Cause(ctx).(stopped)
	return 128 + int(s), ok && s != 0
}

// Guard runs main in a second process and stays beside it, to remove what that
// one leaves when it ends in whatever way, kill -9 too. It returns the exit code
// for os.Exit: main's, or 128 and the signal's number.
//
//	func main() { os.Exit(docker.Guard(run)) }
//
//	shell ── guard ──pipe──► working process ── engine
//	           └── when it has ended: removes what is labelled proxylab.guard=<id>
//
// Both are in the terminal's foreground, so that main can ask questions, and
// Ctrl-C reaches both. The guard does not pass the signal on: it writes its
// number, a byte, into the pipe. Signal and byte mean the same, main's context is cancelled, so
// it does not matter that there are two of them or that a signal was sent to the
// guard alone. A second signal, to either, kills the working process. The end of
// the pipe means that the guard itself was killed: main's context is cancelled
// and main cleans up.
func Guard(main func(ctx context.Context) int) int {
	if id, ok := guardedBy(os.Getenv(guardEnv), os.Getppid()); ok {
		guardID = id
		os.Unsetenv(guardEnv)
		return work(main)
	}
	code, err := guard()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	return code
}

// guardedBy reads guardEnv. A process further down inherits the variable, too,
// but its parent is not the guard.
func guardedBy(value string, parent int) (id string, ok bool) {
	id, pid, _ := strings.Cut(value, ":")
	return id, id != "" && pid == strconv.Itoa(parent)
}

// work is the working process: main under a context that ends by a stop signal,
// or through the pipe, which is file descriptor 3.
func work(main func(ctx context.Context) int) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	syscall.CloseOnExec(3)
	pipe := os.NewFile(3, "guard")
	go func() {
		number := make([]byte, 1)
		_, _ = pipe.Read(number) // a byte or the end: both mean stop
		cancel(stopped(number[0]))
	}()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, stopSignals()...)
	go func() {
		cancel(stopped((<-signals).(syscall.Signal)))
		again := (<-signals).(syscall.Signal)
		signal.Reset(again)
		_ = syscall.Kill(os.Getpid(), again)
	}()
	return main(ctx)
}

// stopSignals are those that ask to stop, without what the parent had ignored:
// nohup, and the background jobs of a script.
func stopSignals() []os.Signal {
	var list []os.Signal
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			list = append(list, s)
		}
	}
	return list
}

// guard starts this program again as the working process, and cleans up after it.
func guard() (code int, err error) {
	id := strings.ToLower(rand.Text())
	// SIGQUIT kills the working process with a dump of its goroutines, and must
	// not kill us before it. SIGPIPE: our standard output may be closed by then.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, append(stopSignals(), syscall.SIGQUIT, syscall.SIGPIPE)...)
	cmd, pipe, err := again(id)
	if err != nil {
		return 1, err
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // what it says is in ProcessState
		close(done)
	}()
	pass(cmd.Process, pipe, signals, done)
	code, killed := exitCode(cmd.ProcessState)

	ctx, cancel := context.WithTimeout(context.Background(), cleanLimit)
	defer cancel()
	go func() {
		for s := range signals {
			if s != syscall.SIGPIPE {
				cancel() // the user does not want to wait for the cleaning either
			}
		}
	}()
	return code, cleanAfter(ctx, id, killed)
}

// again starts this program with the same arguments, and a pipe.
func again(id string) (*exec.Cmd, *os.File, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	cmd := exec.Command(self)
	cmd.Args = os.Args
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s:%d", guardEnv, id, os.Getpid()))
	cmd.ExtraFiles = []*os.File{r}
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, nil, err
	}
	return cmd, w, nil
}

// pass passes on what the guard is told until the working process has ended.
func pass(p *os.Process, pipe *os.File, signals <-chan os.Signal, done <-chan struct{}) {
	defer pipe.Close()
	asked := false
	for {
		select {
		case <-done:
			return
		case s := <-signals:
			switch {
			case s == syscall.SIGPIPE:
			case s == syscall.SIGQUIT:
				_ = p.Signal(s)
			case !asked:
				asked = true
				_, _ = pipe.Write([]byte{byte(s.(syscall.Signal))}) // fails when it has ended
			default:
				_ = p.Kill()
			}
		}
	}
}

// exitCode is a process's code as a shell has it.
func exitCode(s *os.ProcessState) (code int, killed bool) {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal()), true
	}
	return s.ExitCode(), false
}

// cleanAfter removes what the guarded process left: on the engine, then its
// temporary folders, in which what it had started may write a moment longer.
func cleanAfter(ctx context.Context, id string, killed bool) error {
	n, err := cleanEngine(ctx, id, killed)
	if n.Containers+n.Networks > 0 {
		fmt.Fprintf(os.Stderr, "removed what was left behind: %d containers, %d networks\n", n.Containers, n.Networks)
	}
	if err != nil {
		err = fmt.Errorf("cleaning up: %w\n\thint: make clean", err)
	}
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), tempPrefix+id+"-*")) // fails for bad patterns alone
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// cleanEngine removes by the guard's label. What a killed process had asked of
// the engine may come into being after a first look, so there is a second one.
func cleanEngine(ctx context.Context, id string, killed bool) (n Removed, err error) {
	cli, err := connect(ctx)
	if err != nil {
		return n, nil // without an engine there is nothing on it
	}
	defer cli.Close()
	e := &Engine{cli: cli}
	defer dismissReaper(ctx, cli, id)
	n, err = e.clean(ctx, byLabel(labelGuard+"="+id))
	if !killed || err != nil {
		return n, err
	}
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	more, err := e.clean(ctx, byLabel(labelGuard+"="+id))
	n.Containers += more.Containers
	n.Networks += more.Networks
	return n, err
}
