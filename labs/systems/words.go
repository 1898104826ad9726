package systems

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
)

// Words are how a student's proxy is told its settings besides by its environment,
// from system.yaml:
//
//	flags:                                # arguments of the program
//	  - --listen=:{PORT}
//	  - --backend=http://{BACKEND}        # once for each origin server
//	  - --cache-ttl={CACHE_TTL}s          # left out where there is no cache
//	  - --site={CONFIG}                   # left out where there is no file
//	config:                               # for the check of the configuration file
//	  path: /tmp/proxy.conf
//	  text: |
//	    port {PORT}
//	    backend {BACKEND}
//
// A flag with spaces, as "-p {PORT}", is several arguments. A flag, or a line of the file, in which {BACKEND} stands is repeated for each origin
// server; one in which a setting stands that has no value is left out. The others are
// {BACKENDS}, {CACHE_DIR} and {LOG_FILE}. Where the file is used, all settings stand in it,
// and environment and flags have nothing but CONFIG.
type Words struct {
	Flags  []string `yaml:"flags"`
	Config struct {
		Path string `yaml:"path"`
		Text string `yaml:"text"`
	} `yaml:"config"`
}

// ReadWords reads system.yaml; one that is not there says nothing.
func ReadWords(path string) (w Words, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return w, err
	}
	if err := yaml.UnmarshalWithOptions(data, &w, yaml.Strict()); err != nil {
		return w, fmt.Errorf("%s: %s\n\thint: it has flags, and config with path and text", path, yaml.FormatError(err, false, false))
	}
	switch {
	case (w.Config.Path == "") != (w.Config.Text == ""):
		return w, fmt.Errorf("%s: config: path and text belong together", path)
	case w.Config.Path != "" && !strings.HasPrefix(w.Config.Path, "/"):
		return w, fmt.Errorf("%s: config.path: %q is no absolute path", path, w.Config.Path)
	}
	for _, text := range append(w.Flags, w.Config.Text) {
		if err := knownPlaces(text); err != nil {
			return w, fmt.Errorf("%s: %w", path, err)
		}
	}
	return w, nil
}

// places are the settings that flags and file may name.
var places = []string{"PORT", "BACKEND", "BACKENDS", "CACHE_TTL", "CACHE_DIR", "LOG_FILE", "CONFIG"}

// knownPlaces finds {WORDS} that are no settings.
func knownPlaces(text string) error {
	rest := text
	for _, p := range places {
		rest = strings.ReplaceAll(rest, "{"+p+"}", "")
	}
	for part := range strings.SplitSeq(rest, "{") {
		name, _, ok := strings.Cut(part, "}")
		if ok && name != "" && len(part) < len(rest) && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" {
			return fmt.Errorf("{%s} is no setting\n\thint: known are {%s}", name, strings.Join(places, "}, {"))
		}
	}
	return nil
}

// Given is what a program gets.
type Given struct {
	Env  map[string]string
	Args []string
	File *ConfigFile // nil: none
}

func (g Given) files() []ConfigFile {
	if g.File == nil {
		return nil
	}
	return []ConfigFile{*g.File}
}

// Give writes a launch in these words.
func (w Words) Give(l Launch) Given {
	values := l.values()
	g := Given{Env: values}
	if l.InFile {
		path := w.Config.Path
		if l.Config != "" {
			path = l.Config
		}
		var text strings.Builder
		for line := range strings.Lines(w.Config.Text) {
			for _, out := range fill(line, values, l.Backends) {
				text.WriteString(out)
			}
		}
		data := []byte(text.String())
		g.File = &ConfigFile{Path: path, Data: data, Record: data}
		g.Env = map[string]string{"CONFIG": path}
		l.Backends = nil
	}
	for _, f := range w.Flags {
		for _, flag := range fill(f, g.Env, l.Backends) {
			g.Args = append(g.Args, strings.Fields(flag)...)
		}
	}
	return g
}

// fill puts values in the places of their names: once for each backend where one is
// named, and not at all where one has no value.
func fill(text string, values map[string]string, backends []string) []string {
	for _, name := range places {
		place := "{" + name + "}"
		if !strings.Contains(text, place) || name == "BACKEND" {
			continue
		}
		value, ok := values[name]
		if !ok {
			return nil
		}
		text = strings.ReplaceAll(text, place, value)
	}
	if !strings.Contains(text, "{BACKEND}") {
		return []string{text}
	}
	var list []string
	for _, b := range backends {
		list = append(list, strings.ReplaceAll(text, "{BACKEND}", b))
	}
	return list
}
