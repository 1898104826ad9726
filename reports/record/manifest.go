package record

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ManifestFile lists the SHA-256 of each file of a run that is written once, samples
// and configurations, as sha256sum prints it: `sha256sum -c manifest.sha256` in
// the run's folder checks them by hand.
const ManifestFile = "manifest.sha256"

// Seal appends files of the folder dir to its manifest. Their paths are relative
// to it, with slashes.
func Seal(dir string, files ...string) error {
	var lines strings.Builder
	for _, f := range files {
		sum, err := hashOf(filepath.Join(dir, filepath.FromSlash(f)))
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%s  %s\n", sum, f)
	}
	m, err := os.OpenFile(filepath.Join(dir, ManifestFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = m.WriteString(lines.String()) // one write: a line is there or not
	if cerr := m.Close(); err == nil {
		err = cerr
	}
	return err
}

// Changed returns, of the files that the manifest of the folder dir lists, those
// that are not what they were, each with what is wrong. A folder without a manifest,
// as runs before there was one have it, gives none. Of a file that is listed twice the last line
// counts: it was written again after an interruption.
func Changed(dir string) (map[string]string, error) {
	path := filepath.Join(dir, ManifestFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sums := map[string]string{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok || len(sum) != 2*sha256.Size || !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, fmt.Errorf("%s:%d: %q is no hash and file of this folder\n\thint: each line is what sha256sum prints", path, n, lines.Text())
		}
		sums[name] = sum
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	changed := map[string]string{}
	for name, sum := range sums {
		got, err := hashOf(filepath.Join(dir, filepath.FromSlash(name)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			changed[name] = name + " is gone"
		case err != nil:
			return nil, err
		case got != sum:
			changed[name] = fmt.Sprintf("%s was changed: its SHA-256 is %.12s…, %s has %.12s…", name, got, ManifestFile, sum)
		}
	}
	return changed, nil
}

func hashOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
