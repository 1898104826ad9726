package site

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// YAML writes the declaration with every value in it, defaults and secrets too.
// Parse reads the same Site from it.
func (s *Site) YAML() []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("listen: %s", scalar(s.Listen))
	line("socket:")
	line("  backlog: %d", s.Socket.Backlog)
	line("  deferaccept: %s", onOff(s.Socket.Defer))
	line("  reuseport: %s", onOff(s.Socket.ReusePort))
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
		writeBalancer(line, &lb)
		line("    members:")
		for _, m := range lb.Members {
			line("      - url: %s", scalar(m.URL))
			if m.Route != "" {
				line("        route: %s", scalar(m.Route))
			}
			if m.Redirect != "" {
				line("        redirect: %s", scalar(m.Redirect))
			}
			line("        lbset: %d", m.LBSet)
			if m.Status != "" {
				line("        status: %q", m.Status)
			}
			if m.Max > 0 {
				line("        max: %d", m.Max)
			}
			if m.Acquire > 0 {
				line("        acquire: %s", brief(m.Acquire))
			}
			if m.SMax > 0 {
				line("        smax: %d", m.SMax)
			}
			line("        disablereuse: %s", onOff(m.DisableReuse))
			line("        flushpackets: %s", m.FlushPackets)
			if m.FlushPackets == "auto" {
				line("        flushwait: %s", brief(m.FlushWait))
			}
			if m.Ping > 0 {
				line("        ping: %s", brief(m.Ping))
			}
			line("        ttl: %s", brief(m.TTL))
			if m.Named() {
				line("        addressttl: %s", brief(m.AddressTTL))
			}
			line("        keepalive: %s", onOff(m.KeepAlive))
			if m.Upgrade != "" {
				line("        upgrade: %s", scalar(m.Upgrade))
			}
			line("        loadfactor: %s", writeFloat(m.LoadFactor))
			line("        retry: %s", brief(m.Retry))
			line("        connectiontimeout: %s", brief(m.ConnectionTimeout))
			line("        timeout: %s", brief(m.Timeout))
			line("        upgradetimeout: %s", brief(m.UpgradeTimeout))
			writeChecks(line, "        ", &m.Checks)
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
	line("  continue: %s", onOff(s.Fields.Continue))
	if len(s.Fields.Trusted) > 0 {
		line("  trusted:")
	}
	for _, n := range s.Fields.Trusted {
		line("    - %q", n)
	}
	writeCache(line, s.Cache)
	line("limits:")
	line("  head: %s", writeSize(s.Limits.Head))
	line("  requestline: %s", writeSize(s.Limits.RequestLine))
	line("  fields: %d", s.Limits.Fields)
	line("  connections: %d", s.Limits.Connections)
	line("  perclient: %d", s.Limits.PerClient)
	line("  body: %s", writeSize(s.Limits.Body))
	line("  minrate: %s", writeSize(s.Limits.MinRate))
	line("  minreadrate: %s", writeSize(s.Limits.MinReadRate))
	line("  headtimeout: %s", brief(s.Limits.HeadTimeout))
	line("  headtimeoutmax: %s", brief(s.Limits.HeadTimeoutMax))
	line("  keepalivetimeout: %s", brief(s.Limits.KeepAliveTimeout))
	line("  keepaliverequests: %d", s.Limits.KeepAliveRequests)
	line("  pipelined: %d", s.Limits.Pipelined)
	line("  abortonclose: %s", onOff(s.Limits.AbortOnClose))
	line("  timeout: %s", brief(s.Limits.Timeout))
	writeAdmin(line, s.Admin)
	return b.Bytes()
}

// writeBalancer writes what stands beside name, lbmethod and members.
func writeBalancer(line func(string, ...any), b *Balancer) {
	if b.LBMethod == "hash" {
		line("    hashon: %s", scalar(b.HashOn))
		if b.HashBound > 0 {
			line("    hashbound: %s", writeFloat(b.HashBound))
		} else {
			line("    hashbound: off")
		}
	}
	line("    timeout: %s", brief(b.Timeout))
	line("    queue: %d", b.Queue)
	if s := b.Sessions; s.Own != "" {
		line("    sessioncookie: %q", s.Own)
		if s.KeyFile != "" {
			line("    sessionkeyfile: %s", scalar(s.KeyFile))
		}
		line("    nofailover: %s", onOff(s.NoFailover))
	} else if s.Cookie != "" {
		line("    stickysession: %q", s.Cookie+"|"+s.Parameter)
		if s.Separator == "" {
			line("    stickysessionsep: off")
		} else {
			line("    stickysessionsep: %q", s.Separator)
		}
		line("    scolonpathdelim: %s", onOff(s.Delimiter))
		line("    nofailover: %s", onOff(s.NoFailover))
	}
	f := b.Failures
	if len(f.OnStatus) > 0 {
		line("    failonstatus: %s", strings.ReplaceAll(fmt.Sprint(f.OnStatus), " ", ", "))
	}
	line("    failontimeout: %s", onOff(f.OnTimeout))
	line("    forcerecovery: %s", onOff(f.Force))
	if f.Attempts > 0 {
		line("    maxattempts: %d", f.Attempts)
	}
	line("    retrybudget: %d%%", f.Budget)
	if f.Hedge > 0 {
		line("    hedge: %d%%", f.Hedge)
		line("    hedgebudget: %d%%", f.HedgeBudget)
	}
	line("    probe: %s", brief(f.Probe))
	line("    slowstart: %s", brief(f.SlowStart))
	writeChecks(line, "    ", &b.Checks)
	o := b.Outliers
	if o.Errors > 0 {
		line("    outliererrors: %d%%", o.Errors)
	}
	if o.Latency > 0 {
		line("    outlierlatency: %s", writeFloat(o.Latency))
	}
	if o.Errors > 0 || o.Latency > 0 {
		line("    outlierinterval: %s", brief(o.Interval))
		line("    outliertime: %s", brief(o.Time))
		line("    outlierkeep: %d%%", o.Keep)
	}
	line("    resend: %s", f.Resend)
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
