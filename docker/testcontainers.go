package docker

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

// newProvider makes testcontainers use the engine that was found. It reads the
// environment once in the life of a process, hence what it shall know is set
// before; what the user set stays.
func newProvider(ctx context.Context, cli *client.Client, s standpoint) (*testcontainers.DockerProvider, error) {
	tclog.SetDefault(tclog.NewNoopLogger()) // its lines are not for our users; errors come back anyway
	setDefault("DOCKER_HOST", cli.DaemonHost())
	setDefault("TESTCONTAINERS_HOST_OVERRIDE", s.reach)
	// Its own default is shared by all processes of one parent; the reaper is
	// removed when this process is done, so the session must be ours alone.
	session.Do(func() {
		if os.Getenv("TESTCONTAINERS_SESSION_ID") == "" {
			if session.id = guardID; session.id == "" {
				session.id = strings.ToLower(rand.Text())
			}
			os.Setenv("TESTCONTAINERS_SESSION_ID", session.id)
		}
	})
	// A prefix for images of Docker Hub, also one in its properties file, would be
	// put before ours, which lie in no registry. This one is joined as a path.
	os.Setenv("TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX", ".")
	if !hasReaper(ctx, cli) {
		setDefault("TESTCONTAINERS_RYUK_DISABLED", "true")
	}
	p, err := testcontainers.NewDockerProvider(testcontainers.WithLogger(tclog.Default()))
	if err != nil {
		return nil, fmt.Errorf("testcontainers: %w", err)
	}
	return p, nil
}

// session is the one that this process chose; id is "" where the user did.
var session struct {
	sync.Once
	id string
}

func setDefault(key, value string) {
	if os.Getenv(key) == "" {
		os.Setenv(key, value)
	}
}

// hasReaper says whether testcontainers' reaper can be had without a registry.
func hasReaper(ctx context.Context, cli *client.Client) bool {
	_, err := cli.ImageInspect(ctx, testcontainers.ReaperDefaultImage)
	return err == nil
}

// dismissReaper removes the reaper of a session: by itself it would stay for ten
// seconds more. Without a session of our own, it is shared with others.
func dismissReaper(ctx context.Context, cli *client.Client, session string) {
	if session == "" {
		return
	}
	f := client.Filters{}.Add("label", "org.testcontainers.ryuk=true", "org.testcontainers.sessionId="+session)
	list, err := cli.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: f})
	if err != nil {
		return // it goes by itself
	}
	for _, c := range list.Items {
		_, _ = cli.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	}
}
