package bench

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

//go:embed configs
var configs embed.FS

var templates = template.Must(template.ParseFS(configs, "configs/*"))

// system is a program under test, and how it is started.
type system struct {
	name    string
	program string // looked for in PATH; "" for what the bench brings along
	pkg     string // Debian's package of it
	config  string // template in configs/; "" without
	argv    func(p *place) []string
	version []string // arguments that make program tell its version
}

// place is what a system is started with: what the templates see.
type place struct {
	Program string
	Config  string // path of the written configuration
	Dir     string // for whatever it writes
	Port    int
	Origin  string // host:port
	Root    bool   // we are root: some programs would change the user
	Files   int    // descriptors that a process may have
	Modules string // Apache's folder of modules
}

var systems = []system{
	{name: "proxyd", config: "proxyd.yaml",
		argv: func(p *place) []string { return []string{p.Program, "--site", p.Config} }},
	{name: "nginx", program: "nginx", pkg: "nginx-light", config: "nginx.conf", version: []string{"-v"},
		argv: nginxArgv},
	// Not -q: with standard input and output at /dev/null, HAProxy 2.6 then loses
	// the descriptor that it waits on.
	{name: "haproxy", program: "haproxy", pkg: "haproxy", config: "haproxy.cfg", version: []string{"-v"},
		argv: func(p *place) []string { return []string{p.Program, "-db", "-f", p.Config} }},
	{name: "apache", program: "apache2", pkg: "apache2-bin", config: "httpd.conf", version: []string{"-v"},
		argv: func(p *place) []string {
			return []string{p.Program, "-d", p.Dir, "-f", p.Config, "-DFOREGROUND"}
		}},
	{name: "httputil",
		argv: func(p *place) []string {
			return []string{p.Program, childMark, "httputil", fmt.Sprintf("127.0.0.1:%d", p.Port), p.Origin}
		}},
}

func nginxArgv(p *place) []string {
	return []string{p.Program, "-p", p.Dir, "-e", "stderr", "-c", p.Config}
}

// systemsNamed picks systems by name, in the table's order; all without names.
func systemsNamed(names []string) ([]system, error) {
	for _, name := range names {
		if !slices.ContainsFunc(systems, func(s system) bool { return s.name == name }) {
			var known []string
			for _, s := range systems {
				known = append(known, s.name)
			}
			return nil, fmt.Errorf("no system is named %q\n\thint: there are %s", name, strings.Join(known, ", "))
		}
	}
	if len(names) == 0 {
		return systems, nil
	}
	var picked []system
	for _, s := range systems {
		if slices.Contains(names, s.name) {
			picked = append(picked, s)
		}
	}
	return picked, nil
}

// write renders the template of a configuration into p.Dir, and fills p.Config.
func (p *place) write(name string) error {
	if name == "" {
		return nil
	}
	p.Config = filepath.Join(p.Dir, name)
	f, err := os.Create(p.Config)
	if err != nil {
		return err
	}
	if err := templates.ExecuteTemplate(f, name, p); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
