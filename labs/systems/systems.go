// Package systems is what a lab puts under test:
//
//	proxyd           the proxy of this project
//	apache           Apache httpd as the course sets it up
//	apache-matched   with what the site asks of proxyd
//	apache-tuned     as matched, set by somebody who knows machine and load
//	nginx, haproxy   Debian's packages, with the site in their words
//	varnish          likewise; a cache first
//	direct           no proxy: the client asks the origins, as a baseline
//	mine             a student's own: see [Mine]
//
// A [System] knows how its image is built and how the shared declaration is
// written for it. Where it does otherwise than the declaration says, a note says
// so: nothing is dropped in silence.
//
// To add one, write a file with a variable of type System and a row in [all], and
// docker/NAME.Dockerfile if it is a package of Debian's. The tests here render some
// sites for each peer (UPDATE=1 go test writes the golden files) and let the program
// itself read them; a lab asks each system the same questions on the wire.
package systems

import (
	"context"
	"fmt"
	"strings"

	"proxylab/apache"
	"proxylab/docker"
	"proxylab/proxy/site"
)

// Port is where every system listens inside its container, whatever the
// site's own listen says.
const Port = "8080"

// System is one thing that a lab drives load through.
type System struct {
	Name    string
	Flavour string // of its configuration: stock, matched, tuned; "" where there is one alone
	Direct  bool   // no proxy, no container: the generator asks the origins themselves

	// Image builds or finds the image; source is the top of this project.
	Image func(ctx context.Context, e *docker.Engine, source string) (docker.Image, error)
	// Configure writes the site as the system wants it.
	Configure func(s *site.Site, m Machine) (Configuration, error)
	// Version is the command that prints the program's version in its container;
	// nil where nobody knows one.
	Version []string
}

// Machine is what a system may use, and the connections that the load keeps.
type Machine = apache.Machine

// Configuration is a site rendered for one system.
type Configuration struct {
	Files   []ConfigFile // the first is the one to read
	Cmd     []string     // arguments of the container
	Env     map[string]string
	Differs []string // where the system does otherwise than the site says, a sentence each
}

// ConfigFile is one file of a configuration.
type ConfigFile struct {
	Path   string // in the container
	Data   []byte // for the program
	Record []byte // for the record: without secrets
}

var all = []System{
	proxyd,
	apacheSystem("apache", apache.Stock), apacheSystem("apache-matched", apache.Matched), apacheSystem("apache-tuned", apache.Tuned),
	nginx, haproxy, varnish,
	direct,
}

var direct = System{Name: "direct", Direct: true}

// ByName finds a system. proxyd-2 to proxyd-9 are proxyd once more, for a run that
// compares a system with itself; so with every system but direct.
func ByName(name string) (System, error) {
	for _, s := range all {
		again := len(name) == len(s.Name)+2 && strings.HasPrefix(name, s.Name+"-") && name[len(name)-1] >= '2' && name[len(name)-1] <= '9'
		if s.Name == name || again && !s.Direct {
			s.Name = name
			return s, nil
		}
	}
	return System{}, fmt.Errorf("%q is no system\n\thint: known are %s", name, strings.Join(Names(), ", "))
}

// Names lists the systems.
func Names() []string {
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}
