package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// finder looks for programs in PATH, in the folders that PATH of a user lacks,
// and in the folder that fetch fills.
type finder struct {
	root string // fetched packages, unpacked; "" for none
}

func finderIn(folder string) finder { return finder{root: filepath.Join(folder, "bench-root")} }

func (f finder) find(program string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, folder := range []string{"/usr/sbin", "/usr/local/sbin", f.root + "/usr/sbin", f.root + "/usr/bin"} {
		if path, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
			return path
		}
	}
	return ""
}

// libraries is where fetched programs find theirs; "" without any.
func (f finder) libraries() string {
	found, _ := filepath.Glob(f.root + "/usr/lib/*-linux-gnu")
	return strings.Join(found, ":")
}

// modules is Apache's folder of modules, beside the program that was found:
// PREFIX/sbin/apache2 has PREFIX/lib/apache2/modules.
func modules(program string) string {
	return filepath.Join(filepath.Dir(filepath.Dir(program)), "lib/apache2/modules")
}

// missing are the packages of programs that systems need and that are not
// found, wrk and nginx for the origin among them.
func (f finder) missing(picked []system) []string {
	needed := append([]system{{program: "wrk", pkg: "wrk"}, {program: "nginx", pkg: "nginx-light"}}, picked...)
	var pkgs []string
	for _, s := range needed {
		if s.program != "" && f.find(s.program) == "" && !slices.Contains(pkgs, s.pkg) {
			pkgs = append(pkgs, s.pkg)
		}
	}
	return pkgs
}

// fetch downloads packages and what they depend on, as far as the machine has
// them not, and unpacks them into f.root. Nothing is installed and no service
// started: the host stays as it is.
func (f finder) fetch(ctx context.Context, pkgs []string) error {
	archives := filepath.Join(f.root, "archives")
	if err := os.MkdirAll(filepath.Join(archives, "partial"), 0o755); err != nil {
		return err
	}
	args := append([]string{"install", "--yes", "--no-install-recommends", "--download-only",
		"-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=", "-o", "Dir::Cache::archives=" + archives}, pkgs...)
	if out, err := exec.CommandContext(ctx, "apt-get", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get: %w: %s\n\thint: as root, apt-get update; or %s", err, lastLine(string(out)), installHint(pkgs))
	}
	debs, err := filepath.Glob(filepath.Join(archives, "*.deb"))
	if err != nil {
		return err
	}
	for _, deb := range debs {
		if out, err := exec.CommandContext(ctx, "dpkg", "-x", deb, f.root).CombinedOutput(); err != nil {
			return fmt.Errorf("dpkg -x %s: %w: %s", deb, err, lastLine(string(out)))
		}
	}
	return nil
}

func installHint(pkgs []string) string {
	return "as root, apt-get install --no-install-recommends " + strings.Join(pkgs, " ")
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
