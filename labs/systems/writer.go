package systems

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"proxylab/proxy/site"
)

// writer writes a configuration file and keeps where it does otherwise than the
// site says. Values of a Site need no escaping: package site lets no quote,
// backslash, white space or "${" through.
type writer struct {
	bytes.Buffer
	site   *site.Site
	name   string // of the system, as sentences call it
	indent string // of one level
	notes  []string
}

// line writes a directive at a depth of indentation.
func (w *writer) line(depth int, format string, args ...any) {
	w.WriteString(strings.Repeat(w.indent, depth))
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

// say keeps a note, once.
func (w *writer) say(format string, args ...any) {
	if note := fmt.Sprintf(format, args...); !slices.Contains(w.notes, note) {
		w.notes = append(w.notes, note)
	}
}

// lacks says of each word that is asked for that the system has none such.
func (w *writer) lacks(words ...asked) {
	for _, a := range words {
		if a.is {
			w.say("%s; %s has none such", a.word, w.name)
		}
	}
}

// asked is a word of the Site with its value, and whether it asks for anything.
type asked struct {
	is   bool
	word string
}

// beyondPeers are words that proxyd obeys and none of the peers does.
func (w *writer) beyondPeers() {
	s := w.site
	w.lacks(
		asked{s.Limits.MinReadRate > 0, fmt.Sprintf("limits.minreadrate: %d bytes/s", s.Limits.MinReadRate)},
		asked{s.Limits.Pipelined > 0, fmt.Sprintf("limits.pipelined: %d", s.Limits.Pipelined)},
		asked{s.Limits.HeadTimeoutMax > s.Limits.HeadTimeout, fmt.Sprintf("limits.headtimeoutmax: %s", s.Limits.HeadTimeoutMax)},
		asked{len(s.Fields.Trusted) > 0, "fields.trusted"},
		asked{s.Admin.Listen != "", "admin: " + s.Admin.Listen},
	)
	for i := range s.Balancers {
		b := &s.Balancers[i]
		w.lacks(
			asked{b.Failures.Hedge > 0, fmt.Sprintf("balancers' hedge: %d%%", b.Failures.Hedge)},
			asked{b.Outliers.Errors > 0 || b.Outliers.Latency > 0, "balancers' outliererrors and outlierlatency"},
			asked{true, fmt.Sprintf("balancers' retrybudget: %d%%", b.Failures.Budget)},
			asked{b.Failures.Probe > 0, fmt.Sprintf("balancers' probe: %s", b.Failures.Probe)},
			asked{b.Sessions.NoFailover, "balancers' nofailover: on"},
		)
		for j := range b.Members {
			m := &b.Members[j]
			w.lacks(
				asked{m.Redirect != "", "members' redirect: " + m.Redirect},
				asked{m.Ping > 0, fmt.Sprintf("members' ping: %s", m.Ping)},
				asked{m.Acquire > 0, fmt.Sprintf("members' acquire: %s", m.Acquire)},
				asked{m.SMax > 0, fmt.Sprintf("members' smax: %d", m.SMax)},
				asked{m.FlushPackets != "on", "members' flushpackets: " + m.FlushPackets},
				asked{strings.Contains(m.Status, "I"), "members' status: I"},
				asked{strings.Contains(m.Status, "N"), "members' status: N"},
			)
		}
	}
}

// weights makes whole numbers of loadfactors, which may be fractions, in the same
// proportion, as long as none is above most; else rounded.
func weights(members []site.Member, most int) []int {
	scale := 1.0
	for _, s := range []float64{1, 2, 4, 5, 10, 20, 50, 100} {
		scale = s
		if !slices.ContainsFunc(members, func(m site.Member) bool {
			x := m.LoadFactor * s
			return math.Abs(x-math.Round(x)) > 1e-9
		}) {
			break
		}
	}
	largest := 0.0
	for _, m := range members {
		largest = max(largest, m.LoadFactor*scale)
	}
	if largest > float64(most) {
		scale *= float64(most) / largest
	}
	list := make([]int, len(members))
	for i, m := range members {
		list[i] = max(1, int(math.Round(m.LoadFactor*scale)))
	}
	return list
}

// off says whether a member gets no requests by the Site's word: disabled or stopped.
func off(m *site.Member) bool { return strings.ContainsAny(m.Status, "DS") }

// reserve says whether a member is for when others fail: standby, spare, or of an
// lbset that is not the balancer's lowest.
func reserve(b *site.Balancer, m *site.Member) bool {
	if strings.ContainsAny(m.Status, "HR") {
		return true
	}
	return slices.ContainsFunc(b.Members, func(o site.Member) bool { return o.LBSet < m.LBSet })
}

// reserveNotes tell what becomes of lbsets and spares where there is one kind of
// reserve.
func (w *writer) reserveNotes(b *site.Balancer) {
	for i := range b.Members {
		m := &b.Members[i]
		if m.LBSet > 0 && reserve(b, m) {
			w.say("members' lbset: %d; %s knows one reserve, which is asked when all others are out of service", m.LBSet, w.name)
		}
		if strings.Contains(m.Status, "R") {
			w.say("members' status: R; with %s a hot spare is a standby: asked when all others are out of service, not when one is", w.name)
		}
	}
}

// target takes a route's To apart: the balancer, and the path in the place of the
// route's.
func target(to string) (balancer, path string) {
	balancer, path, _ = strings.Cut(strings.TrimPrefix(to, "balancer://"), "/")
	return balancer, "/" + strings.Trim(path, "/")
}

// prefix is a route's path without slashes at its end; "" for "/".
func prefix(path string) string { return strings.TrimRight(path, "/") }

// address is a member's host:port.
func address(m *site.Member) string {
	host := strings.TrimSuffix(strings.TrimPrefix(m.URL, "http://"), "/")
	if strings.LastIndexByte(host, ':') <= strings.LastIndexByte(host, ']') {
		host += ":80"
	}
	return host
}

// millis writes a duration with its unit, rounded up to milliseconds; for programs
// that know "1500ms" and "2s".
func millis(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return strconv.FormatInt(int64((d+time.Millisecond-1)/time.Millisecond), 10) + "ms"
}

// cores is how many threads or processes a system is given.
func cores(m Machine) int { return max(1, int(math.Ceil(m.CPUs))) }
