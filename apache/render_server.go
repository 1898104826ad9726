package apache

import (
	"math"
	"strconv"

	"proxylab/proxy/site"
)

func madeRoute(n int) string { return "m" + strconv.Itoa(n) }

// Bounds of what MPM event is sized to.
const (
	mostThreads   = 256       // of one process: a thread waits for its member most of the time
	fewestThreads = 16        // below which one slow answer is felt by all
	threadMemory  = 512 << 10 // of the limit, for each thread with its buffers and pools
	debianLimit   = 64        // ThreadLimit of mpm_event.conf
	bufferBytes   = 64 << 10  // the most that ProxyIOBufferSize takes
)

// sizing is MPM event for a machine. All processes have as many threads; a thread
// serves one request, while idle connections wait in the process's listener.
type sizing struct {
	processes int
	threads   int // of each process
	async     int // AsyncRequestWorkerFactor: idle connections for each idle thread
}

// size makes one process a core: a process has its own pools, counters of max and
// listener, so that more of them split what is shared, and fewer leave cores idle.
func size(s *site.Site, o Options) sizing {
	p := max(1, int(math.Ceil(o.Machine.CPUs)))
	clients := s.Limits.Connections
	wanted := clients
	if o.Flavour == Tuned && o.Machine.Clients > 0 {
		wanted = min(2*o.Machine.Clients, clients) // as many again for what comes at once
	}
	t := min((wanted+p-1)/p, mostThreads)
	if o.Machine.Memory > 0 {
		t = min(t, int(o.Machine.Memory/threadMemory)/p)
	}
	t = max(t, fewestThreads)
	// A process takes connections up to threads + async × idle threads.
	async := max(1, (clients+p*t-1)/(p*t)-1)
	return sizing{processes: p, threads: t, async: async}
}

func (z sizing) requests() int { return z.processes * z.threads }

// share is what one process may have of what is declared for all.
func (z sizing) share(n int) int { return max(1, n/z.processes) }

// server writes what holds for httpd as a whole, not for one virtual host.
func (w *writer) server() {
	w.comment(0, "Connections that wait in the kernel to be accepted; no more than its",
		"net.core.somaxconn. For the whole server, so it stands here.")
	w.line(0, "ListenBacklog %d", w.site.Socket.Backlog)
	switch {
	case w.tuned():
		w.comment(0, "A connection is accepted with its first byte: nobody is woken for one that",
			"has nothing to say yet.")
		w.line(0, "AcceptFilter http data")
	default:
		w.comment(0, "Whether a connection is accepted before its first byte is there (none), or",
			"with it (data, the default on Linux).")
		w.line(0, "AcceptFilter http %s", acceptFilter(w.site.Socket.Defer))
	}
	w.mpm()
	if !w.site.Fields.Server {
		w.comment(0, "The name alone in Server, not the version and the system.")
		w.line(0, "ServerTokens Prod")
	}
	if w.tuned() {
		w.cheaper()
	}
}

// mpm writes the sizes of MPM event.
func (w *writer) mpm() {
	z := w.sized
	w.comment(0,
		"MPM event (/etc/apache2/mods-available/mpm_event.conf has Debian's sizes). A",
		"thread serves one request; a connection between two requests needs none. One",
		"process a core: pools to the members, max and acquire are of each process by",
		"itself, so that more processes would split them.")
	w.line(0, "StartServers %d", z.processes)
	w.line(0, "# Twice as many: after a graceful restart the old ones finish what they have.")
	w.line(0, "ServerLimit %d", 2*z.processes)
	if z.threads > debianLimit {
		w.line(0, "ThreadLimit %d", z.threads)
	}
	w.line(0, "ThreadsPerChild %d", z.threads)
	w.line(0, "# Requests at once: all threads of all processes.")
	w.line(0, "MaxRequestWorkers %d", z.requests())
	w.line(0, "# No process is ended because it is idle, and none is started in a rush.")
	w.line(0, "MinSpareThreads 1")
	w.line(0, "MaxSpareThreads %d", z.requests())
	w.line(0, "# Connections that a process keeps for each of its idle threads: with all idle,")
	w.line(0, "# at least the site's %d in all.", w.site.Limits.Connections)
	w.line(0, "AsyncRequestWorkerFactor %d", z.async)
	w.line(0, "# Processes live for ever: nothing here leaks.")
	w.line(0, "MaxConnectionsPerChild 0")
}

// cheaper writes what costs less, each line with its reason.
func (w *writer) cheaper() {
	w.comment(0, "Debian's status.conf says On: mod_status then reads two clocks and the CPU time",
		"for each request.")
	w.line(0, "ExtendedStatus Off")
	w.comment(0, "Log lines are gathered and written together: one system call for many requests.",
		"A crash loses the last of them.")
	w.line(0, "BufferedLogs On")
	if m := w.options.Machine.Memory; m > 0 {
		w.comment(0, "Free memory that a thread keeps for its next request, in KiB: all threads",
			"together at most a quarter of the memory. The default of 2048 each is more than that",
			"where memory is short.")
		w.line(0, "MaxMemFree %d", min(2048, max(64, m/4/int64(w.sized.requests())>>10)))
	}
}
