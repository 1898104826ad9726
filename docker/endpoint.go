package docker

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

// endpoint is a place where an engine may listen.
type endpoint struct {
	host  string // unix:///var/run/docker.sock
	from  string // who named it, for messages
	named bool   // by the user: nothing after it is tried, and nothing is installed
}

// machine is what the search for an engine looks at.
type machine struct {
	env  func(string) string
	read func(string) ([]byte, error)
	home string
	uid  int
}

func thisMachine() machine {
	home, _ := os.UserHomeDir() // "" leaves out what lies there
	return machine{env: os.Getenv, read: os.ReadFile, home: home, uid: os.Getuid()}
}

// endpoints lists where to try, in testcontainers' order: its properties file,
// DOCKER_HOST, the default socket, those of rootless Docker and Docker Desktop;
// besides, the context of the docker command, and podman's sockets at the end.
func (m machine) endpoints() []endpoint {
	if h := m.property("tc.host"); h != "" {
		return []endpoint{{h, "tc.host in ~/.testcontainers.properties", true}}
	}
	if h := m.env("DOCKER_HOST"); h != "" {
		return []endpoint{{h, "DOCKER_HOST", true}}
	}
	if name, h := m.context(); h != "" {
		return []endpoint{{h, "docker context " + name, true}}
	}
	list := []endpoint{{"unix:///var/run/docker.sock", "the default socket", false}}
	if h := m.property("docker.host"); h != "" {
		list = append(list, endpoint{h, "docker.host in ~/.testcontainers.properties", false})
	}
	add := func(dir, sock, from string) {
		if dir != "" {
			list = append(list, endpoint{"unix://" + filepath.Join(dir, sock), from, false})
		}
	}
	xdg := m.env("XDG_RUNTIME_DIR")
	add(xdg, "docker.sock", "rootless Docker")
	add(m.home, ".docker/run/docker.sock", "Docker Desktop")
	add(m.home, ".docker/desktop/docker.sock", "Docker Desktop")
	add("/run/user/"+strconv.Itoa(m.uid), "docker.sock", "rootless Docker")
	add(xdg, "podman/podman.sock", "rootless podman")
	add("/run/podman", "podman.sock", "podman")
	return list
}

// property reads a key of ~/.testcontainers.properties.
func (m machine) property(key string) string {
	if m.home == "" {
		return ""
	}
	data, err := m.read(filepath.Join(m.home, ".testcontainers.properties"))
	if err != nil {
		return ""
	}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), "="); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// context is the docker command's current context, unless that is the default.
// A context lies in a folder named by the hash of its name.
func (m machine) context() (name, host string) {
	dir := m.env("DOCKER_CONFIG")
	if dir == "" {
		if m.home == "" {
			return "", ""
		}
		dir = filepath.Join(m.home, ".docker")
	}
	if name = m.env("DOCKER_CONTEXT"); name == "" {
		var config struct{ CurrentContext string }
		if data, err := m.read(filepath.Join(dir, "config.json")); err != nil || json.Unmarshal(data, &config) != nil {
			return "", ""
		}
		name = config.CurrentContext
	}
	if name == "" || name == "default" {
		return "", ""
	}
	var meta struct {
		Endpoints struct{ Docker struct{ Host string } }
	}
	path := filepath.Join(dir, "contexts", "meta", fmt.Sprintf("%x", sha256.Sum256([]byte(name))), "meta.json")
	if data, err := m.read(path); err != nil || json.Unmarshal(data, &meta) != nil {
		return "", ""
	}
	return name, meta.Endpoints.Docker.Host
}

// errNoEngine is why no endpoint would do.
type errNoEngine struct {
	tried  []string // one line each
	named  bool     // the user named the endpoint
	denied bool     // a socket is there, but this user may not use it
}

func (e *errNoEngine) Error() string {
	return "no container engine answers:\n\t" + strings.Join(e.tried, "\n\t")
}

// connect tries the endpoints and returns a client of the first that answers.
func connect(ctx context.Context) (*client.Client, error) {
	fail := &errNoEngine{}
	for _, p := range thisMachine().endpoints() {
		cli, err := dial(ctx, p.host)
		if err == nil {
			return cli, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) && !p.named && len(fail.tried) > 0 {
			continue // of the usual places, the first one stands for all
		}
		fail.named = fail.named || p.named
		fail.denied = fail.denied || errors.Is(err, fs.ErrPermission)
		fail.tried = append(fail.tried, fmt.Sprintf("%s (%s): %s", p.host, p.from, firstLine(err)))
	}
	return nil, fail
}

// dial asks one endpoint whether an engine is there. The version of the API is
// negotiated by the same request.
func dial(ctx context.Context, host string) (*client.Client, error) {
	if path, ok := strings.CutPrefix(host, "unix://"); ok {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
	}
	cli, err := client.New(client.FromEnv, client.WithHost(host))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := cli.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		cli.Close()
		return nil, err
	}
	return cli, nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
