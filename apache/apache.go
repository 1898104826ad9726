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
// timeouts, limits, retry, Host, Via and X-Forwarded fields, health checks, cache
// and balancer-manager, no compression, and a log line with the same facts. MPM
// event is sized to the CPUs given and the Site's connections.
//
// [Tuned] is matched as somebody would set it who knows the machine and the load
// ([Machine]) and wants it to cost little. Each line that differs has its reason
// beside it, and where it does otherwise than the Site says, a note says so.
//
// Where Apache does not do what the Site says, in any flavour, Config.Notes
// says so in words: nothing is dropped in silence. What is seen of it on the wire is
// below, dialogue by dialogue.
//
// # Steps
//
// setup.sh is the one place where the steps stand. The image runs it, a student
// types what it says, and [Steps] prints it for reading. Each step is called by
// its name: sh setup.sh install, modules, site FILE, check, restart; without a
// name all run in this order. The image is built by the steps up to check, with
// [Example] as the site; a container gets its rendered site in place of that.
//
// The comment of a step is its page in English and in Spanish ([Page]): what it
// changes, how to see that it worked, what Apache says when it did not, and how to
// undo it. What Page.Fails quotes are real messages: a test provokes each.
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
	Tuned   Flavour = "tuned"
)

var flavours = []Flavour{Stock, Matched, Tuned}

// Options choose how a Site is written.
type Options struct {
	Flavour Flavour
	Machine Machine // what MPM event is sized to; stock does not look at it

	// Stdout makes matched and tuned log to standard output, as proxyd does,
	// and to the file only where the Site names one. It needs a container:
	// under systemd standard output is a socket, which httpd cannot open.
	Stdout bool
}

// Machine is what Apache may use, and whom it will serve.
type Machine struct {
	CPUs    float64 // cores' worth of time; 0 where it is not known, taken for 1
	Memory  int64   // bytes; 0 for no limit
	Clients int     // connections that clients keep open, for tuned; 0 for as many as the Site allows
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

// Render writes s for Apache. It fails where Debian's Apache could not start
// with it, and on an unknown flavour.
func Render(s *site.Site, o Options) (Config, error) {
	if !slices.Contains(flavours, o.Flavour) {
		return Config{}, fmt.Errorf("apache: unknown flavour %q\n\thint: %q, %q or %q", o.Flavour, Stock, Matched, Tuned)
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
	w := &writer{site: s, options: o, host: host, port: port, sized: size(s, o)}
	w.modules = w.needed()
	w.file()
	return Config{Site: w.Bytes(), Modules: w.modules, Notes: w.notes()}, nil
}

// writer writes a configuration. Values of a Site need no escaping: package
// site lets no quote, backslash, white space or "${" through.
type writer struct {
	bytes.Buffer
	site       *site.Site
	options    Options
	host, port string
	modules    []string
	sized      sizing
}

// matched says whether the Site's own words are wanted: in matched and tuned.
func (w *writer) matched() bool { return w.options.Flavour != Stock }

func (w *writer) tuned() bool { return w.options.Flavour == Tuned }

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
