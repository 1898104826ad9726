package labs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync"
	"time"

	"proxylab/docker"
	"proxylab/labs/acceptance"
	"proxylab/labs/origin"
	"proxylab/labs/systems"
)

// AcceptanceOptions say whose proxy is examined, and where.
type AcceptanceOptions struct {
	Mine   *systems.Mine
	Source string   // top of this project
	Only   []string // names of checks; nil for all
	Engine *docker.Engine
	ID     string // of the run and its containers
	Say    func(format string, args ...any)
}

// Accept examines a student's proxy in a container, between clients and three origin
// servers, as it stands in a lab. No container or network is left.
func Accept(ctx context.Context, o AcceptanceOptions) (results []acceptance.Result, err error) {
	o.Say("image origin")
	originImage, err := systems.GoImage(ctx, o.Engine, o.Source, "origin", "./labs/origin/cmd/origin")
	if err != nil {
		return nil, err
	}
	o.Say("image of %s", o.Mine.Path)
	image, err := o.Mine.System().Image(ctx, o.Engine, o.Source)
	if err != nil {
		return nil, fmt.Errorf("image of %s: %w", o.Mine.Path, err)
	}
	run, err := o.Engine.NewRun(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	rig := acceptance.Rig{Proxy: &examined{run: run, mine: o.Mine, image: image}}
	o.Say("three origins")
	plays := &play{Options: Options{Lab: &Lab{Limits: Limits{OriginCPUs: 1}}}}
	for n := 1; n <= 3; n++ {
		c, err := run.Start(ctx, plays.originSpec(n, originImage))
		if err != nil {
			return nil, err
		}
		rig.Origins = append(rig.Origins, &originContainer{c: c, backend: c.IP(docker.Back) + ":" + originPort})
	}
	o.Say("checks")
	return acceptance.Run(ctx, rig, o.Only)
}

// examined is a student's proxy in a container, a new one for each start on nothing.
type examined struct {
	run   *docker.Run
	mine  *systems.Mine
	image docker.Image
	c     *docker.Container
	port  string
}

// filePort is where it listens when the configuration file says so.
const filePort = "8090"

func (x *examined) Start(ctx context.Context, s acceptance.Settings) error {
	if x.c != nil {
		c := x.c
		x.c = nil
		if err := c.Remove(ctx); err != nil {
			return err
		}
	}
	x.port = systems.Port
	if s.InFile {
		if x.mine.Words.Config.Path == "" {
			return errors.New("nobody said how its configuration file is written: system.yaml has no config")
		}
		x.port = filePort
	}
	c, err := x.run.Start(ctx, x.mine.ContainerSpec(x.image, systems.Launch{
		Port: x.port, Backends: s.Backends, TTL: int(s.TTL / time.Second),
		CacheDir: systems.MineCache, LogFile: systems.MineLog, InFile: s.InFile,
	}))
	if err != nil {
		return err
	}
	x.c = c
	return x.wait(ctx)
}

// wait asks for something that every proxy of the lab answers.
func (x *examined) wait(ctx context.Context) error {
	return x.c.Wait(ctx, docker.Ready{Port: x.port, Path: fmt.Sprintf("/size/%d", readySize), Body: string(origin.SizeBytes(readySize))})
}

func (x *examined) Addr() string { return x.c.Addr(x.port) }

// Kill returns when the engine has seen its end.
func (x *examined) Kill(ctx context.Context) error {
	if err := x.c.Fail(ctx, docker.Kill); err != nil {
		return err
	}
	for x.c.Ended(ctx) == nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func (x *examined) Stop(ctx context.Context) error { return x.c.Stop(ctx) }

func (x *examined) Again(ctx context.Context) error {
	if err := x.c.Restart(ctx); err != nil {
		return err
	}
	return x.wait(ctx)
}

func (x *examined) Output(ctx context.Context) (string, error) { return x.c.Output(ctx) }

func (x *examined) Log(ctx context.Context) (string, error) {
	files, err := x.c.Read(ctx, systems.MineLog)
	return string(files[path.Base(systems.MineLog)]), err
}

func (x *examined) Cached(ctx context.Context) (map[string]int64, error) {
	files, err := x.c.Read(ctx, systems.MineCache)
	sizes := map[string]int64{}
	for name, data := range files {
		sizes[name] = int64(len(data))
	}
	return sizes, err
}

// originContainer is an origin server in a container.
type originContainer struct {
	c       *docker.Container
	backend string
	mu      sync.Mutex
	down    bool
}

func (o *originContainer) Backend() string { return o.backend }

func (o *originContainer) Counts(ctx context.Context) (origin.Counts, error) {
	return countsOf(ctx, o.c)
}

func (o *originContainer) Stop(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = true
	return o.c.Fail(ctx, docker.Kill)
}

func (o *originContainer) Start(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.down {
		return nil
	}
	if err := o.c.Mend(ctx, docker.Kill); err != nil {
		return err
	}
	o.down = false
	return o.c.Wait(ctx, originReady)
}
