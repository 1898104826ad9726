// Package apache writes a Site as the configuration of Apache httpd, and holds
// the steps that set Apache up.
//
//	c, err := apache.Render(s, apache.Options{Flavour: apache.Stock})
//	os.WriteFile(apache.SiteFile, c.Site, 0o644) // on the Debian machine
//
// # Flavours
//
// [Stock] is what the course's steps give on Debian: the site says who the
// members are and which paths go to them, and everything else is as the
// package sets it. Of the Site it takes listen, balancers, urls, loadfactors,
// lbsets, status, routes, sessions and lbmethod.
//
// [Matched] asks of Apache what the Site asks of proxyd: the same keep-alive,
// timeouts, limits, retry, Host and Via fields, no compression, and a log line
// with the same facts.
//
// Where Apache does not do what the Site says, in either flavour, Config.Notes
// says so in words: nothing is dropped in silence.
//
// # Steps
//
// setup.sh is the one place where the steps stand. The image runs it, a student
// types what it says, and [Steps] prints it for reading. Each step is called by
// its name: sh setup.sh install, modules, site FILE, check, restart; without a
// name all run in this order. The image is built by the steps up to check, with
// [Example] as the site; a container gets its rendered site in place of that.
package apache

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"

	"proxylab/proxy/site"
)

// SiteFile is where the site belongs on a Debian machine.
const SiteFile = "/etc/apache2/sites-available/proxylab.conf"

// Flavour says how much of Apache's own defaults is left alone.
type Flavour string

// The flavours.
const (
	Stock   Flavour = "stock"
	Matched Flavour = "matched"
)

// Options choose how a Site is written.
type Options struct {
	Flavour Flavour

	// Stdout makes the matched flavour log to standard output, as proxyd does,
	// and to the file only where the Site names one. It needs a container:
	// under systemd standard output is a socket, which httpd cannot open.
	Stdout bool
}

// Config is a Site for Apache.
type Config struct {
	Site    []byte   // what belongs into SiteFile
	Modules []string // to enable with a2enmod; what they need comes with them
	Notes   []string // where Apache does otherwise than the Site says, a sentence each
}

// Modules are what a2enmod is asked for. proxy_balancer brings slotmem_shm,
// where the counters of the members live.
var modules = []string{"proxy", "proxy_http", "proxy_balancer", "lbmethod_byrequests"}

// lbmethods are those that a Site and Apache both have.
var lbmethods = []string{"byrequests", "bytraffic", "bybusyness"}

// Render writes s for Apache. It fails where Debian's Apache could not start
// with it, and on an unknown flavour.
func Render(s *site.Site, o Options) (Config, error) {
	if o.Flavour != Stock && o.Flavour != Matched {
		return Config{}, fmt.Errorf("apache: unknown flavour %q\n\thint: %q or %q", o.Flavour, Stock, Matched)
	}
	host, port, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return Config{}, fmt.Errorf("apache: listen: %w", err)
	}
	switch {
	case port == "0":
		return Config{}, fmt.Errorf("apache: listen: httpd takes no port chosen by the system\n\thint: name one: \":8080\"")
	case port == "80" && host != "":
		return Config{}, fmt.Errorf("apache: listen: %s is taken: Debian's ports.conf says \"Listen 80\" for all addresses\n\thint: listen on \":80\", or on another port", s.Listen)
	}
	if s.Cache.On {
		return Config{}, fmt.Errorf("apache: cache: mod_cache is not among what is written for httpd, and without it the two would do different things\n\thint: leave cache out of a site that both are to serve")
	}
	w := &writer{site: s, options: o, host: host, port: port, modules: slices.Clone(modules)}
	for _, b := range s.Balancers {
		if !slices.Contains(lbmethods, b.LBMethod) {
			return Config{}, fmt.Errorf("apache: balancer %q: httpd has no lbmethod %q\n\thint: it has %s", b.Name, b.LBMethod, strings.Join(lbmethods, ", "))
		}
		if m := "lbmethod_" + b.LBMethod; !slices.Contains(w.modules, m) {
			w.modules = append(w.modules, m)
		}
		if b.Checked() && o.Flavour == Matched && !slices.Contains(w.modules, "proxy_hcheck") {
			w.modules = append(w.modules, "proxy_hcheck")
		}
	}
	w.file()
	return Config{Site: w.Bytes(), Modules: w.modules, Notes: notes(s, o)}, nil
}

// writer writes a configuration. Values of a Site need no escaping: package
// site lets no quote, backslash, white space or "${" through.
type writer struct {
	bytes.Buffer
	site       *site.Site
	options    Options
	host, port string
	modules    []string
}

func (w *writer) matched() bool { return w.options.Flavour == Matched }

// line writes a directive at a depth of indentation.
func (w *writer) line(depth int, format string, args ...any) {
	w.WriteString(strings.Repeat("    ", depth))
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

// comment writes lines that teach, and an empty line before them.
func (w *writer) comment(depth int, lines ...string) {
	w.WriteByte('\n')
	for _, l := range lines {
		w.line(depth, "# %s", l)
	}
}
