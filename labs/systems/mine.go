package systems

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"proxylab/docker"
	"proxylab/proxy/site"
)

// MineName is the system that a student brings along.
const MineName = "mine"

// Where a student's proxy has its cache and its log inside its container. Every image
// gets a /tmp.
const (
	MineCache = "/tmp/proxy-cache"
	MineLog   = "/tmp/proxy.log"
)

// mineMark is a file for the sake of the folder that it lies in.
const mineMark = "/tmp/.proxylab"

// Mine is a student's own proxy: a folder with a Dockerfile, a static binary for Linux,
// or an image that the engine has. How it is started stands in its environment:
//
//	PORT       where it listens, on all addresses
//	BACKENDS   the origin servers, "10.0.0.11:8080,10.0.0.12:8080"
//	CACHE_TTL  seconds for which responses are kept; unset: no cache
//	CACHE_DIR  folder of the cache, to be made where it is not there
//	LOG_FILE   access log, besides standard output
//	CONFIG     a configuration file, where there is one
//
// One that wants flags says so in system.yaml, in the folder or beside the binary; see
// [Words].
type Mine struct {
	Path  string // as it was given
	Words Words
	kind  mineKind
}

type mineKind string

const (
	mineFolder mineKind = "folder"
	mineBinary mineKind = "binary"
	mineImage  mineKind = "image"
)

// FindMine looks what path is.
func FindMine(path string) (*Mine, error) {
	if path == "" {
		return nil, fmt.Errorf("no proxy is given\n\thint: MINE=folder with a Dockerfile, static binary, or image")
	}
	m := &Mine{Path: path, kind: mineImage}
	info, err := os.Stat(path)
	switch {
	case err != nil && (strings.HasPrefix(path, ".") || strings.HasPrefix(path, "/")):
		return nil, fmt.Errorf("%w\n\thint: MINE=folder with a Dockerfile, static binary, or image", err)
	case err != nil:
		return m, nil
	case info.IsDir():
		m.kind = mineFolder
		if _, err := os.Stat(filepath.Join(path, "Dockerfile")); err != nil {
			return nil, fmt.Errorf("%s: no Dockerfile in this folder: %w", path, err)
		}
	default:
		m.kind = mineBinary
		if err := isELF(path); err != nil {
			return nil, err
		}
		path = filepath.Dir(path)
	}
	m.Words, err = ReadWords(filepath.Join(path, "system.yaml"))
	return m, err
}

// isELF finds scripts and programs for other systems, which an empty image cannot run.
func isELF(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := f.Read(magic); err != nil || string(magic) != "\x7fELF" {
		return fmt.Errorf("%s: no program for Linux (ELF)\n\thint: what needs an interpreter needs a folder with a Dockerfile", path)
	}
	return nil
}

// System makes a system of it.
func (m *Mine) System() System {
	return System{Name: MineName, Image: m.image, Configure: m.configure}
}

func (m *Mine) image(ctx context.Context, e *docker.Engine, _ string) (docker.Image, error) {
	switch m.kind {
	case mineImage:
		return e.Find(ctx, m.Path)
	case mineBinary:
		data, err := os.ReadFile(m.Path)
		if err != nil {
			return docker.Image{}, err
		}
		return e.Build(ctx, docker.BuildSpec{Name: MineName, Dockerfile: "static.Dockerfile",
			Files: map[string]docker.File{"app": {Data: data, Mode: 0o755}}})
	}
	files, err := folder(m.Path)
	if err != nil {
		return docker.Image{}, err
	}
	spec := docker.BuildSpec{Name: MineName, Own: files["Dockerfile"].Data, Files: files}
	// A Dockerfile that names no base may stand on the lab's.
	if bytes.Contains(spec.Own, []byte("ARG BASE")) {
		base, err := e.Base(ctx)
		if err != nil {
			return docker.Image{}, err
		}
		spec.Base = &base
	}
	return e.Build(ctx, spec)
}

// mostContext keeps a folder that is no program's out of the engine.
const mostContext = 256 << 20

// folder reads all regular files below a folder, but those of version control.
func folder(dir string) (map[string]docker.File, error) {
	files, sum := map[string]docker.File{}, int64(0)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if sum += info.Size(); sum > mostContext {
			return fmt.Errorf("%s: more than %d MiB of files\n\thint: give the folder of the program alone", dir, mostContext>>20)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = docker.File{Data: data, Mode: info.Mode().Perm()}
		return err
	})
	return files, err
}

// configure says of a site what a student's proxy can be told.
func (m *Mine) configure(s *site.Site, _ Machine) (Configuration, error) {
	l := Launch{Port: Port, LogFile: s.Log.File, CacheDir: MineCache}
	for i := range s.Balancers[0].Members {
		l.Backends = append(l.Backends, address(&s.Balancers[0].Members[i]))
	}
	if l.LogFile != "" {
		l.LogFile = MineLog
	}
	if s.Cache.On {
		l.TTL = 60
		for _, t := range s.Cache.TTL {
			if t.Path == "" && t.Status == 0 {
				l.TTL = max(1, int(t.For.Seconds()))
			}
		}
	}
	given := m.Words.Give(l)
	w := writer{site: s, name: "mine"}
	if len(s.Balancers) > 1 {
		w.say("balancers: %d; mine got the members of the first", len(s.Balancers))
	}
	w.say("mine got the origin servers, the TTL of the cache and a log file; of all else that the site says it knows nothing")
	var text bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(given.Env)) {
		fmt.Fprintf(&text, "%s=%s\n", name, given.Env[name])
	}
	// The file for the reader comes first; the program reads its environment.
	files := []ConfigFile{{Path: "/tmp/environment", Data: text.Bytes(), Record: text.Bytes()}}
	files = append(files, given.files()...)
	return Configuration{Files: files, Cmd: given.Args, Env: given.Env, Differs: w.notes}, nil
}

// ContainerSpec is what starts it alone, as a lab does: on both networks.
func (m *Mine) ContainerSpec(image docker.Image, l Launch) docker.ContainerSpec {
	given := m.Words.Give(l)
	spec := docker.ContainerSpec{
		Name: MineName, Image: image.Ref, Cmd: given.Args, Env: given.Env,
		Files:    map[string]docker.File{mineMark: {}},
		Networks: []docker.Network{docker.Front, docker.Back},
		Publish:  []string{l.Port},
	}
	for _, f := range given.files() {
		spec.Files[f.Path] = docker.File{Data: f.Data, Mode: 0o644}
	}
	return spec
}

// Launch is what a student's proxy is told.
type Launch struct {
	Port     string
	Backends []string // host:port
	TTL      int      // seconds; 0: no cache
	CacheDir string
	LogFile  string // "" for none
	InFile   bool   // port and origin servers in the configuration file alone
	Config   string // where that lies; "" for where Words have it
}

// values are the settings by name, without those that are not set.
func (l Launch) values() map[string]string {
	v := map[string]string{"PORT": l.Port, "BACKENDS": strings.Join(l.Backends, ",")}
	if l.TTL > 0 {
		v["CACHE_TTL"], v["CACHE_DIR"] = strconv.Itoa(l.TTL), l.CacheDir
	}
	if l.LogFile != "" {
		v["LOG_FILE"] = l.LogFile
	}
	return v
}
