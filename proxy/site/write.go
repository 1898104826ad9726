package site

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// YAML writes the declaration with every value in it, defaults too. Parse reads
// the same Site from it.
func (s *Site) YAML() []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("listen: %s", scalar(s.Listen))
	line("log:")
	if s.Log.File != "" {
		line("  file: %s", scalar(s.Log.File))
	}
	line("  stdout: %s", onOff(s.Log.Stdout))
	line("  format: '%s'", strings.ReplaceAll(s.Log.Format, "'", "''"))
	line("balancers:")
	for _, lb := range s.Balancers {
		line("  - name: %s", scalar(lb.Name))
		line("    lbmethod: %s", scalar(lb.LBMethod))
		line("    members:")
		for _, m := range lb.Members {
			line("      - url: %s", scalar(m.URL))
			if m.Route != "" {
				line("        route: %s", scalar(m.Route))
			}
			if m.Upgrade != "" {
				line("        upgrade: %s", scalar(m.Upgrade))
			}
			line("        loadfactor: %s", writeFloat(m.LoadFactor))
			line("        retry: %s", brief(m.Retry))
			line("        connectiontimeout: %s", brief(m.ConnectionTimeout))
			line("        timeout: %s", brief(m.Timeout))
		}
	}
	if len(s.Routes) == 0 {
		line("routes: []")
	} else {
		line("routes:")
	}
	for _, r := range s.Routes {
		line("  - path: %s", scalar(r.Path))
		line("    to: %s", scalar(r.To))
	}
	line("fields:")
	line("  forwarded: %s", onOff(s.Fields.Forwarded))
	line("  server: %s", onOff(s.Fields.Server))
	if len(s.Fields.Trusted) > 0 {
		line("  trusted:")
	}
	for _, n := range s.Fields.Trusted {
		line("    - %q", n)
	}
	line("limits:")
	line("  head: %s", writeSize(s.Limits.Head))
	line("  fields: %d", s.Limits.Fields)
	line("  connections: %d", s.Limits.Connections)
	line("  perclient: %d", s.Limits.PerClient)
	line("  body: %s", writeSize(s.Limits.Body))
	line("  minrate: %s", writeSize(s.Limits.MinRate))
	line("  headtimeout: %s", brief(s.Limits.HeadTimeout))
	line("  keepalivetimeout: %s", brief(s.Limits.KeepAliveTimeout))
	line("  timeout: %s", brief(s.Limits.Timeout))
	return b.Bytes()
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

var (
	plainScalar = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/._-]*(:[A-Za-z0-9/._-]+)*$`)
	// What some YAML reader takes for something else than a string.
	notStrings = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
)

// scalar writes a string so that YAML reads that string. Quoted strings of Go
// without control characters and invalid UTF-8, which no Site has, are
// double-quoted scalars of YAML.
func scalar(s string) string {
	if plainScalar.MatchString(s) && !slices.ContainsFunc(notStrings, func(w string) bool { return strings.EqualFold(s, w) }) {
		return s
	}
	return strconv.Quote(s)
}
