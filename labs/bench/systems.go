package bench

import (
	"embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

//go:embed configs
var configs embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"host":    func(addr string) (string, error) { host, _, err := net.SplitHostPort(addr); return host, err },
	"content": func(size string) string { return string(content(size)) },
	"port":    func(addr string) (string, error) { _, port, err := net.SplitHostPort(addr); return port, err },
}).ParseFS(configs, "configs/*"))

// system is a program under test, and how it is started.
type system struct {
	name    string
	program string                       // looked for in PATH; "" for what the bench brings along
	pkg     string                       // Debian's package of it
	passes  *setup                       // how it is started to pass requests on; nil where it takes no part
	caches  *setup                       // how it is started to answer from its cache; nil likewise
	version []string                     // arguments that make program tell its version
	unable  func(c Case) (reason string) // why it is left out of a case; nil or "" where it is not
}

// setup is a configuration and a command.
type setup struct {
	config string // template in configs/; "" without
	argv   func(p *place) []string
}

// place is what a system is started with: what the templates see.
type place struct {
	Program string
	Config  string // path of the written configuration
	Dir     string // for whatever it writes
	Memory  string // likewise, in memory (tmpfs)
	Cached  string // for the files of its cache: in memory, or on a disk
	Case    Case
	Port    int
	Origin  string // host:port
	Root    bool   // we are root: some programs would change the user
	Files   int    // descriptors that a process may have
	Modules string // Apache's folder of modules
	Store   string // Apache's module that stores: disk or socache
	CC      string // a C compiler, for Varnish
}

var systems = []system{
	{name: "proxyd", passes: &setup{"proxyd.yaml", proxydArgv}, caches: &setup{"proxyd-cache.yaml", proxydArgv}},
	{name: "nginx", program: "nginx", pkg: "nginx-light", version: []string{"-v"},
		passes: &setup{"nginx.conf", nginxArgv}, caches: &setup{"nginx-cache.conf", nginxArgv}},
	{name: "haproxy", program: "haproxy", pkg: "haproxy", version: []string{"-v"},
		passes: &setup{"haproxy.cfg", haproxyArgv}, caches: &setup{"haproxy-cache.cfg", haproxyArgv},
		unable: func(c Case) string {
			switch {
			case c.Disk:
				return "its cache is in memory only"
			case c.Objects > 0:
				return "it takes the memory of its cache when it starts, however many objects come"
			}
			return ""
		}},
	{name: "varnish", program: "varnishd", pkg: "varnish", version: []string{"-V"},
		caches: &setup{"varnish.vcl", varnishArgv}},
	{name: "apache", program: "apache2", pkg: "apache2-bin", version: []string{"-v"},
		passes: &setup{"httpd.conf", apacheArgv}},
	{name: "apache-disk", program: "apache2", pkg: "apache2-bin", version: []string{"-v"},
		caches: &setup{"httpd-cache.conf", apacheArgv}},
	{name: "apache-socache", program: "apache2", pkg: "apache2-bin", version: []string{"-v"},
		caches: &setup{"httpd-cache.conf", apacheArgv},
		unable: func(c Case) string {
			switch {
			case c.Disk:
				return "mod_cache_socache keeps in shared memory only"
			case c.Objects > 0:
				return "mod_socache_shmcb holds less than 64 MB, and so not as many"
			}
			return ""
		}},
	{name: "httputil", passes: &setup{"", httputilArgv}},
}

func proxydArgv(p *place) []string { return []string{p.Program, "--site", p.Config} }

func nginxArgv(p *place) []string {
	return []string{p.Program, "-p", p.Dir, "-e", "stderr", "-c", p.Config}
}

func haproxyArgv(p *place) []string { return []string{p.Program, "-q", "-db", "-f", p.Config} }

func apacheArgv(p *place) []string {
	return []string{p.Program, "-d", p.Dir, "-f", p.Config, "-DFOREGROUND"}
}

// varnishArgv are Varnish's settings for one core. Its log in shared memory is
// masked, as the access logs of the others are off: what is left are a few records
// that cannot be. Requests need a thread each while they run.
func varnishArgv(p *place) []string {
	storage := "malloc,1g"
	if p.Case.Disk {
		storage = "file," + filepath.Join(p.Cached, "storage") + ",1g"
	}
	argv := []string{
		p.Program, "-F", "-j", "none", "-n", filepath.Join(p.Memory, "work"), // it is advised to be in memory
		"-a", fmt.Sprintf("127.0.0.1:%d", p.Port), "-f", p.Config, "-s", storage,
	}
	for _, param := range []string{
		"cc_command=exec " + p.CC + " -O2 -pthread -fpic -shared -Wl,-x -o %o %s",
		"thread_pools=1", "thread_pool_min=100", "thread_pool_max=200",
		"timeout_idle=600", "listen_depth=4096", "http_gzip_support=off",
		"vsl_mask=" + varnishSilent,
	} {
		argv = append(argv, "-p", param)
	}
	return argv
}

const varnishSilent = "-Begin,-End,-Link,-SessOpen,-SessClose,-Timestamp,-ReqStart,-ReqMethod,-ReqURL,-ReqProtocol," +
	"-ReqHeader,-ReqUnset,-ReqAcct,-RespProtocol,-RespStatus,-RespReason,-RespHeader,-RespUnset," +
	"-VCL_call,-VCL_return,-VCL_use,-Hit,-Filters,-HttpGarbage,-Storage,-TTL,-Length,-Fetch_Body"

func httputilArgv(p *place) []string {
	return []string{p.Program, childMark, "httputil", fmt.Sprintf("127.0.0.1:%d", p.Port), p.Origin}
}

// setup is how s is started for a case; nil where it takes no part.
func (s system) setup(c Case) *setup {
	switch {
	case (c.Both || c.Start) && s.name != "proxyd":
		return nil
	case c.Hit:
		return s.caches
	}
	return s.passes
}

// plays reports whether s takes part in a case, and if not, for what reason the
// table says so; without one the case is not for it.
func (s system) plays(c Case) (ok bool, reason string) {
	if s.setup(c) == nil {
		return false, ""
	}
	if s.unable != nil {
		reason = s.unable(c)
	}
	return reason == "", reason
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
