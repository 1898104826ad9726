package systems

import (
	"context"

	"proxylab/apache"
	"proxylab/docker"
	"proxylab/proxy/site"
)

// apacheSystem is Apache httpd in one of its flavours: one image, which the
// course's steps made, with another site.
func apacheSystem(name string, flavour apache.Flavour) System {
	return System{
		Name:    name,
		Flavour: string(flavour),
		Image:   apacheImage,
		Configure: func(s *site.Site, m Machine) (Configuration, error) {
			c, err := apache.Render(s, apache.Options{Flavour: flavour, Machine: m, Stdout: true})
			if err != nil {
				return Configuration{}, err
			}
			return Configuration{Files: []ConfigFile{{apache.SiteFile, c.Site, c.Site}}, Differs: c.Notes}, nil
		},
		Version: []string{"/usr/sbin/apache2", "-v"},
	}
}

func apacheImage(ctx context.Context, e *docker.Engine, _ string) (docker.Image, error) {
	base, err := e.Base(ctx)
	if err != nil {
		return docker.Image{}, err
	}
	return e.Build(ctx, docker.BuildSpec{
		Name:       "apache",
		Dockerfile: "apache.Dockerfile",
		Files: map[string]docker.File{
			"setup.sh":      {Data: apache.Script(), Mode: 0o755},
			"proxylab.conf": {Data: apache.Example(), Mode: 0o644},
		},
		Base: &base,
	})
}
