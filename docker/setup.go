package docker

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/client"
)

// situation is all that decides what is done where no engine answers.
type situation struct {
	named     bool // the user named the engine: DOCKER_HOST, a context
	denied    bool // an engine's socket is there, but this user may not use it
	setup     bool // we may set one up
	goos      string
	distro    string // ID in os-release
	root      bool
	installed bool // dockerd is in PATH
}

// remedy is what is done about it.
type remedy string

const (
	refuse  remedy = "refuse"
	start   remedy = "start"   // it is installed
	install remedy = "install" // and start it
)

// decide chooses the remedy; hints are the ways out where it is refusal.
func (s situation) decide() (r remedy, hints []string) {
	debian := s.goos == "linux" && (s.distro == "debian" || s.distro == "ubuntu")
	switch {
	case s.named:
		return refuse, []string{"start that engine, or name another one: DOCKER_HOST=unix:///var/run/docker.sock"}
	case s.denied:
		return refuse, []string{"run as root, or join the group that may use the socket: sudo usermod -aG docker $USER, then log in again"}
	case s.goos == "darwin":
		return refuse, []string{"start Docker Desktop, or install it: https://docs.docker.com/desktop/", "or name an engine elsewhere: DOCKER_HOST=tcp://host:2375"}
	case s.setup && debian && s.root && s.installed:
		return start, nil
	case s.setup && debian && s.root:
		return install, nil
	}
	if s.installed {
		hints = append(hints, "start it: sudo systemctl start docker")
	} else {
		hints = append(hints, "install Docker or podman: on Debian and Ubuntu, sudo apt-get install docker.io")
	}
	if debian && !s.root && s.setup {
		hints = append(hints, "or run as root, and it is set up for you")
	}
	if !s.setup {
		hints = append(hints, "or permit it to be set up for you, as root: leave LAB_SETUP=no out")
	}
	return refuse, append(hints, "or name an engine elsewhere: DOCKER_HOST=tcp://host:2375")
}

// setUp does what can be done where no engine answers.
func setUp(ctx context.Context, o Options, cause error) (*client.Client, error) {
	none, ok := cause.(*errNoEngine)
	if !ok {
		return nil, cause
	}
	_, err := exec.LookPath("dockerd")
	s := situation{
		named: none.named, denied: none.denied, setup: o.Setup,
		goos: runtime.GOOS, distro: osRelease("ID"), root: os.Geteuid() == 0, installed: err == nil,
	}
	r, hints := s.decide()
	if r == refuse {
		return nil, fmt.Errorf("%w\n\thint: %s", cause, strings.Join(hints, "\n\thint: "))
	}
	var cli *client.Client
	i := installer{
		Options: o, systemd: exists("/run/systemd/system"), log: "/var/log/proxylab-dockerd.log", within: time.Minute,
		answers: func(ctx context.Context) (err error) { cli, err = connect(ctx); return err },
	}
	if err := i.remedy(ctx, r, cause); err != nil {
		return nil, err
	}
	return cli, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// installer carries a remedy out with the programs in PATH.
type installer struct {
	Options
	systemd bool
	log     string        // of a dockerd that we start ourselves
	within  time.Duration // how long it may take until it answers
	answers func(context.Context) error
}

// remedy asks on a terminal, says so elsewhere, and does it.
func (i installer) remedy(ctx context.Context, r remedy, cause error) error {
	what := "start Docker (dockerd is installed)"
	if r == install {
		what = "install Docker from the distribution's packages (apt-get install docker.io) and start it"
	}
	if i.Ask != nil {
		if !i.Ask("No container engine answers. " + strings.ToUpper(what[:1]) + what[1:] + "?") {
			return fmt.Errorf("%w\n\thint: you said no to this: %s", cause, what)
		}
	} else {
		i.Say("no container engine answers: going to %s; LAB_SETUP=no forbids that", what)
	}
	if r == install {
		i.Say("installing docker.io")
		if err := aptInstall(ctx, "docker.io"); err != nil {
			return err
		}
	}
	return i.start(ctx)
}

// aptInstall installs packages without questions.
func aptInstall(ctx context.Context, packages ...string) error {
	for _, args := range [][]string{{"update"}, append([]string{"install", "-y"}, packages...)} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if err := command(cmd); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%w\n\thint: can this machine reach its package mirror? is another apt-get running?", err)
		}
	}
	return nil
}

// start starts the engine: through systemd where that runs; else as a process in
// a session of its own, which stays when we end.
func (i installer) start(ctx context.Context) error {
	if i.answers(ctx) == nil {
		return nil // its package started it
	}
	i.Say("starting Docker")
	if i.systemd {
		if err := command(exec.CommandContext(ctx, "systemctl", "start", "docker")); err != nil {
			return fmt.Errorf("%w\n\thint: journalctl -u docker", err)
		}
		return i.await(ctx, nil)
	}
	log, err := os.OpenFile(i.log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("the log of dockerd: %w", err)
	}
	defer log.Close()
	cmd := exec.Command("dockerd") // not bound to ctx: it outlives us
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = filepath.Dir(i.log)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("dockerd: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return i.await(ctx, ended)
}

// await waits until the engine answers, or has ended, or the time is over.
func (i installer) await(ctx context.Context, ended <-chan error) error {
	limit, cancel := context.WithTimeout(ctx, i.within)
	defer cancel()
	var why error
	for {
		if why = i.answers(limit); why == nil {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("dockerd ended: %v\nlast lines of %s:\n%s", err, i.log, indent(i.logEnd()))
		case <-limit.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("the engine was started but does not answer within %s: %w\n\thint: see %s, or journalctl -u docker", i.within, why, i.log)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (i installer) logEnd() string {
	data, err := os.ReadFile(i.log)
	if err != nil {
		return ""
	}
	return lastLines(string(data), 15)
}
