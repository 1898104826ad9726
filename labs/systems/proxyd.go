package systems

import (
	"context"

	"proxylab/docker"
	"proxylab/proxy/site"
)

const proxydSite = "/etc/proxyd/site.yaml"

var proxyd = System{
	Name: "proxyd",
	Image: func(ctx context.Context, e *docker.Engine, source string) (docker.Image, error) {
		return GoImage(ctx, e, source, "proxyd", "./proxy/cmd/proxyd")
	},
	Configure: func(s *site.Site, _ Machine) (Configuration, error) {
		return Configuration{
			Files: []ConfigFile{{proxydSite, s.YAML(), s.WithoutSecrets().YAML()}},
			Cmd:   []string{"--site", proxydSite},
		}, nil
	},
	Version: []string{"/app", "version"},
}

// GoImage is the image of one of this project's own programs: a static binary
// for the engine's architecture and nothing else.
func GoImage(ctx context.Context, e *docker.Engine, source, name, pkg string) (docker.Image, error) {
	goos, goarch := e.Platform()
	binary, err := docker.Binary(ctx, source, pkg, goos, goarch)
	if err != nil {
		return docker.Image{}, err
	}
	return e.Build(ctx, docker.BuildSpec{
		Name:       name,
		Dockerfile: "static.Dockerfile",
		Files:      map[string]docker.File{"app": {Data: binary, Mode: 0o755}},
	})
}
