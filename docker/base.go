package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

// The base image, and Debian's own.
const (
	baseRef     = "proxylab/debian:trixie"
	officialRef = "debian:trixie-slim"
	baseSuite   = "trixie"
)

// way is how the base image is had.
type way string

// The ways, in the order in which they are tried.
const (
	wayPresent     way = "the engine has " + baseRef
	wayTag         way = "from " + officialRef + ", which the engine has"
	wayPull        way = "from " + officialRef + ", pulled"
	wayDebootstrap way = "made by debootstrap"
	wayNone        way = ""
)

// baseFacts is what the choice of a way depends on.
type baseFacts struct {
	base, official bool // the engine has them
	unpullable     bool // pulling was tried, and failed
	distro         string
	root           bool
	sameArch       bool // the engine's processor is of this machine's kind
}

// way decides. Debootstrap needs Debian's own keys and root, and makes a
// system for the processor it runs on.
func (f baseFacts) way() way {
	switch {
	case f.base:
		return wayPresent
	case f.official:
		return wayTag
	case !f.unpullable:
		return wayPull
	case f.distro == "debian" && f.root && f.sameArch:
		return wayDebootstrap
	}
	return wayNone
}

// Base makes sure that the engine has the Debian base image. It is taken from
// the official image where that can be had; else, on Debian as root, made by
// debootstrap, and then labelled proxylab.base=debootstrap.
func (e *Engine) Base(ctx context.Context) (Image, error) {
	f := baseFacts{distro: osRelease("ID"), root: os.Geteuid() == 0, sameArch: runtime.GOOS == "linux" && runtime.GOARCH == e.arch}
	img, ok, err := e.image(ctx, baseRef)
	if err != nil || ok {
		return img, err
	}
	if _, f.official, err = e.image(ctx, officialRef); err != nil {
		return Image{}, err
	}
	if f.way() == wayPull {
		e.say("looking for %s in the registry", officialRef)
		if err := e.pull(ctx, officialRef); err != nil {
			if ctx.Err() != nil {
				return Image{}, ctx.Err()
			}
			f.unpullable = true
		} else {
			f.official = true
		}
	}
	switch w := f.way(); w {
	case wayTag:
		e.say("base image %s %s", baseRef, w)
		_, err = e.cli.ImageTag(ctx, client.ImageTagOptions{Source: officialRef, Target: baseRef})
	case wayDebootstrap:
		err = e.debootstrap(ctx)
	default:
		err = errors.New("the base image " + baseRef + " cannot be had: " + officialRef + " is not in the engine and cannot be pulled, " +
			"and this is not Debian with root, where debootstrap could make it\n" +
			"\thint: docker pull " + officialRef + ", when a registry can be reached\n" +
			"\thint: docker load, with an archive of " + officialRef + " made by docker save elsewhere\n" +
			"\thint: run as root on Debian")
	}
	if err != nil {
		return Image{}, err
	}
	img, ok, err = e.image(ctx, baseRef)
	if err == nil && !ok {
		err = fmt.Errorf("base image %s: the engine was given it but does not have it", baseRef)
	}
	img.Built = true
	return img, err
}

// Limits of a pull: until the registry's first word, and between two.
const (
	pullFirst = 12 * time.Second
	pullIdle  = 60 * time.Second
)

// pull fetches an image. Where no registry can be reached that must show soon:
// the engine itself would try for minutes.
func (e *Engine) pull(ctx context.Context, ref string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := time.AfterFunc(pullFirst, cancel)
	defer watch.Stop()
	r, err := e.cli.ImagePull(ctx, ref, client.ImagePullOptions{})
	if err != nil {
		return err
	}
	defer r.Close()
	first := true
	for m, err := range r.JSONMessages(ctx) {
		if err != nil {
			return err
		}
		if m.Error != nil {
			return m.Error
		}
		if first {
			e.say("pulling %s", ref)
			first = false
		}
		watch.Reset(pullIdle)
	}
	return ctx.Err()
}

// osRelease reads a key of os-release(5), "" where there is no such file.
func osRelease(key string) string {
	data, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && k == key {
			return strings.Trim(v, `"'`)
		}
	}
	return ""
}

// command runs a program whose output matters only when it fails.
func command(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, indent(lastLines(string(out), 15)))
	}
	return nil
}
