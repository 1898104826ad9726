package docker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/moby/moby/client"
)

// debootstrap makes a minimal Debian in a temporary folder and gives it to the
// engine. The mirror is debootstrap's own choice.
func (e *Engine) debootstrap(ctx context.Context) error {
	if _, err := exec.LookPath("debootstrap"); err != nil {
		e.say("installing debootstrap")
		if err := aptInstall(ctx, "debootstrap"); err != nil {
			return fmt.Errorf("base image %s: %w", baseRef, err)
		}
	}
	dir, err := tempDir("debian")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	root := filepath.Join(dir, "root")
	e.say("making the base image %s with debootstrap (about a minute, once)", baseRef)
	// Death by kill -9 of this process must take debootstrap along, and its
	// mounts must be seen by nobody else: else removing the folder would
	// reach into /proc and /sys.
	cmd := exec.CommandContext(ctx, "debootstrap", "--variant=minbase", baseSuite, root)
	isolate(cmd)
	runtime.LockOSThread() // the parent that counts is the thread: PR_SET_PDEATHSIG
	err = command(cmd)
	runtime.UnlockOSThread()
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("base image %s: %w\n\thint: can this machine reach a Debian mirror?", baseRef, err)
	}
	if err := dropCaches(root); err != nil {
		return fmt.Errorf("base image %s: %w", baseRef, err)
	}
	e.say("giving the base image to the engine")
	return e.importTree(ctx, root)
}

// dropCaches removes what apt downloaded and can download again.
func dropCaches(root string) error {
	for _, pattern := range []string{"var/cache/apt/archives/*.deb", "var/cache/apt/*.bin", "var/lib/apt/lists/*", "var/log/bootstrap.log"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, p := range paths {
			if err := os.RemoveAll(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// importTree streams a folder to the engine as the base image.
func (e *Engine) importTree(ctx context.Context, root string) error {
	cmd := exec.CommandContext(ctx, "tar", "--create", "--numeric-owner", "--one-file-system",
		"--exclude=./dev/*", "--exclude=./proc/*", "--exclude=./sys/*", "--directory", root, ".")
	var text bytes.Buffer
	cmd.Stderr = &text
	stream, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("base image %s: %w", baseRef, err)
	}
	err = e.importStream(ctx, stream)
	// The engine may stop reading early; tar would wait for it for ever.
	stream.Close()
	if err2 := cmd.Wait(); err == nil && err2 != nil {
		err = fmt.Errorf("tar: %w\n%s", err2, indent(lastLines(text.String(), 10)))
		_, _ = e.cli.ImageRemove(ctx, baseRef, client.ImageRemoveOptions{}) // it may lack files
	}
	if err != nil {
		return fmt.Errorf("base image %s: %w", baseRef, err)
	}
	return nil
}

func (e *Engine) importStream(ctx context.Context, r io.Reader) error {
	resp, err := e.cli.ImageImport(ctx, client.ImageImportSource{Source: r, SourceName: "-"}, baseRef, client.ImageImportOptions{
		Message: "debootstrap --variant=minbase " + baseSuite,
		Changes: []string{`CMD ["bash"]`, "LABEL " + labelBase + "=debootstrap"},
	})
	if err != nil {
		return err
	}
	defer resp.Close()
	_, err = io.Copy(io.Discard, resp)
	return err
}
