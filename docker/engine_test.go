package docker

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

// TestMain also plays the guarded program, see guard_test.go.
func TestMain(m *testing.M) {
	if role := os.Getenv("PROXYLAB_TEST_ROLE"); role != "" {
		os.Exit(Guard(guarded))
	}
	os.Setenv("TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX", "registry.example/mirror") // must not touch our images
	os.Exit(m.Run())
}

// shared is the engine and the probe's image, opened and built once.
var shared = struct {
	once  sync.Once
	e     *Engine
	probe Image
	err   error
}{}

// engine skips where there is none, except in CI.
func engine(t *testing.T) *Engine {
	t.Helper()
	shared.once.Do(func() { shared.e, shared.probe, shared.err = openShared() })
	if shared.e == nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI needs a container engine: %v", shared.err)
		}
		t.Skipf("no container engine: %v", shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.e
}

func openShared() (*Engine, Image, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	e, err := Open(ctx, Options{})
	if err != nil {
		return nil, Image{}, err
	}
	img, err := buildProbe(ctx, e)
	return e, img, err
}

func buildProbe(ctx context.Context, e *Engine) (Image, error) {
	goos, goarch := e.Platform()
	app, err := Binary(ctx, ".", "./testdata/probe", goos, goarch)
	if err != nil {
		return Image{}, err
	}
	return e.Build(ctx, BuildSpec{Name: "test-probe", Dockerfile: "static.Dockerfile", Files: map[string]File{"app": {app, 0o755}}})
}

// newRun makes a run that is closed with the test, and then must have left nothing.
func newRun(t *testing.T) *Run {
	t.Helper()
	e := engine(t)
	id := fmt.Sprintf("test-%d-%s", os.Getpid(), strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())))
	r, err := e.NewRun(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if left := labelled(t, e, labelRun+"="+id); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	return r
}

// labelled lists the names of containers and networks with a label.
func labelled(t *testing.T, e *Engine, label string) []string {
	t.Helper()
	f := client.Filters{}.Add("label", label)
	cs, err := e.cli.ContainerList(context.Background(), client.ContainerListOptions{All: true, Filters: f})
	if err != nil {
		t.Fatal(err)
	}
	ns, err := e.cli.NetworkList(context.Background(), client.NetworkListOptions{Filters: f})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range cs.Items {
		names = append(names, c.Names...)
	}
	for _, n := range ns.Items {
		names = append(names, n.Name)
	}
	return names
}

var probeReady = &Ready{Port: "9000", Path: "/healthz", Body: "ok\n"}

// startProbe starts the probe with what the test changes.
func startProbe(t *testing.T, r *Run, name string, change func(*ContainerSpec)) *Container {
	t.Helper()
	s := ContainerSpec{Name: name, Image: shared.probe.Ref, Networks: []Network{Front}, Ready: probeReady}
	if change != nil {
		change(&s)
	}
	c, err := r.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ask sends a probe what to do; the answer is text.
func ask(t *testing.T, c *Container, path string, query ...string) string {
	t.Helper()
	q := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	resp, err := http.Get("http://" + c.Addr("9000") + path + "?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
