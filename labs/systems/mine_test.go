package systems_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"proxylab/labs/systems"
	"proxylab/proxy/site"
)

const ownWords = `flags: ["-p {PORT}", "--backend=http://{BACKEND}", "--ttl={CACHE_TTL}", "--config={CONFIG}"]
config:
  path: /tmp/own.conf
  text: |
    port {PORT}
    backend {BACKEND}
    ttl {CACHE_TTL}
`

// own is a folder with a Dockerfile and a system.yaml.
func own(t *testing.T, words string) string {
	dir := t.TempDir()
	for name, text := range map[string]string{"Dockerfile": "FROM scratch\n", "system.yaml": words} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestMineIsToldByEnvironmentAndFlags(t *testing.T) {
	m, err := systems.FindMine(own(t, ownWords))
	if err != nil {
		t.Fatal(err)
	}
	s, err := site.Parse("site.yaml", []byte(course+"cache: {ttl: 30s}\n"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.System().Configure(s, given)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"-p", "8080", "--backend=http://127.0.0.1:8081", "--backend=http://127.0.0.1:8082", "--backend=http://127.0.0.1:8083", "--ttl=30"}
	if !slices.Equal(c.Cmd, want) {
		t.Errorf("flags %q", c.Cmd)
	}
	if c.Env["BACKENDS"] != "127.0.0.1:8081,127.0.0.1:8082,127.0.0.1:8083" || c.Env["CACHE_TTL"] != "30" || c.Env["CACHE_DIR"] == "" {
		t.Errorf("environment %q", c.Env)
	}
}

func TestMineIsToldByItsFile(t *testing.T) {
	m, err := systems.FindMine(own(t, ownWords))
	if err != nil {
		t.Fatal(err)
	}
	g := m.Words.Give(systems.Launch{Port: "8090", Backends: []string{"a:1", "b:2"}, InFile: true})
	if got := string(g.File.Data); got != "port 8090\nbackend a:1\nbackend b:2\n" || g.File.Path != "/tmp/own.conf" {
		t.Errorf("%s: %q", g.File.Path, got)
	}
	if !slices.Equal(g.Args, []string{"--config=/tmp/own.conf"}) || len(g.Env) != 1 || g.Env["CONFIG"] != "/tmp/own.conf" {
		t.Errorf("flags %q, environment %q", g.Args, g.Env)
	}
}

func TestMineThatCannotBe(t *testing.T) {
	script := filepath.Join(t.TempDir(), "proxy.py")
	if err := os.WriteFile(script, []byte("#!/usr/bin/python3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, says string }{
		{"", "no proxy is given"},
		{"./not-there", "no such file"},
		{t.TempDir(), "no Dockerfile"},
		{script, "no program for Linux"},
		{own(t, "flag: []\n"), `unknown field "flag"`},
		{own(t, "flags: ['{PROT}']\n"), "{PROT} is no setting"},
		{own(t, "config: {path: /tmp/x}\n"), "path and text belong together"},
		{own(t, "config: {path: x, text: y}\n"), "no absolute path"},
	} {
		if _, err := systems.FindMine(c.path); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s", c.path, err, c.says)
		}
	}
}
