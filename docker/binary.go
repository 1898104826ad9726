package docker

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Binary builds a static program with the go command: pkg as seen from dir. The
// same source gives the same bytes (-trimpath, no version control stamp), so
// that an image made of it is built again only when the source changed. Compile
// errors are returned whole.
func Binary(ctx context.Context, dir, pkg, goos, goarch string) ([]byte, error) {
	tmp, err := tempDir("binary")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, "app")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if text.Len() == 0 {
			return nil, fmt.Errorf("go build %s: %w\n\thint: is the go command in PATH?", pkg, err)
		}
		return nil, fmt.Errorf("go build %s: %w\n%s\n\thint: mend the source; go build %s shows the same", pkg, err, bytes.TrimRight(text.Bytes(), "\n"), pkg)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("go build %s: %w", pkg, err)
	}
	if bytes.HasPrefix(data, []byte("!<arch>\n")) { // go build makes an archive of a library
		return nil, fmt.Errorf("go build %s: it is not a main package", pkg)
	}
	return data, nil
}
