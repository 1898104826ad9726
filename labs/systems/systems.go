// Package systems is what a lab puts under test: proxyd, Apache httpd (as the
// course sets it up; apache-matched with what the site asks of proxyd; apache-tuned,
// as matched, set for the machine and the load by somebody who knows both), and direct, the baseline where no proxy stands between client and origin.
//
// A [System] knows how its image is built and how the shared declaration is
// written for it. Adding one is a file with a variable and a row in [all].
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
	// Version is the command that prints the program's version in its container.
	Version []string
}

// Machine is what a system may use, and the connections that the load keeps.
type Machine = apache.Machine

// Configuration is a site rendered for one system.
type Configuration struct {
	Files   []ConfigFile // the first is the one to read
	Cmd     []string     // arguments of the container
	Differs []string     // where the system does otherwise than the site says, a sentence each
}

// ConfigFile is one file of a configuration.
type ConfigFile struct {
	Path   string // in the container
	Data   []byte // for the program
	Record []byte // for the record: without secrets
}

var all = []System{proxyd, apacheSystem("apache", apache.Stock), apacheSystem("apache-matched", apache.Matched), apacheSystem("apache-tuned", apache.Tuned), direct}

var direct = System{Name: "direct", Direct: true}

// ByName finds a system.
func ByName(name string) (System, error) {
	for _, s := range all {
		if s.Name == name {
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
