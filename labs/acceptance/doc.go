// Package acceptance examines a reverse proxy against what the course demands of it:
// methods and statuses, many clients at once, round robin, the test pages, a log, a
// cache on disk that outlives a crash, a configuration file, and that nothing makes it
// fall over.
//
// It knows a proxy by the interface [Proxy], whose implementations start it as a
// container or as a process, and origin servers by [Origin]. [Run] plays the checks one
// after the other:
//
//	results, err := acceptance.Run(ctx, acceptance.Rig{Proxy: p, Origins: three}, nil)
//	acceptance.Write(os.Stdout, results)
//
// Each [Result] has its points, the evidence (what was seen on the wire, in a file, or in
// an origin's counters), and where it failed a reason and a hint. The demands make 100
// points; the harder checks come on top of them.
//
// A proxy without a TTL keeps nothing; with one, it keeps responses to GET of which the
// origin server says nothing else, as long as the TTL.
package acceptance

import (
	"context"
	"time"

	"proxylab/labs/origin"
)

// Settings are what a proxy is started with.
type Settings struct {
	Backends []string      // host:port
	TTL      time.Duration // whole seconds; 0: no cache
	InFile   bool          // port and backends stand in the configuration file alone
}

// Proxy is a proxy under examination. Its methods are called one after the other.
type Proxy interface {
	// Start ends what runs and starts it on an empty cache and an empty log, and
	// returns when it accepts connections.
	Start(ctx context.Context, s Settings) error
	// Addr is the host:port of the one that runs.
	Addr() string
	// Kill is SIGKILL, and Stop SIGTERM, then SIGKILL after a while. They return
	// when it is gone.
	Kill(ctx context.Context) error
	Stop(ctx context.Context) error
	// Again starts it anew with the same settings and files.
	Again(ctx context.Context) error
	// Output is what it has written to standard output since Start.
	Output(ctx context.Context) (string, error)
	// Log is the content of the log file that it was told to write, and Cached the
	// sizes of the files below the folder that it was told to use, by path.
	Log(ctx context.Context) (string, error)
	Cached(ctx context.Context) (map[string]int64, error)
}

// Origin is an origin server of package origin.
type Origin interface {
	Backend() string // host:port, as the proxy reaches it
	Counts(ctx context.Context) (origin.Counts, error)
	// Stop closes its port and its connections; Start opens the port again.
	Stop(ctx context.Context) error
	Start(ctx context.Context) error
}

// Rig is the proxy with the origin servers that it is to serve: three.
type Rig struct {
	Proxy   Proxy
	Origins []Origin
}

// Result is what became of one check.
type Result struct {
	Name     string
	Demand   string // a sentence
	Points   int    // that it is worth
	Earned   int    // Points, or 0
	Harder   bool   // beyond the course's demands
	Evidence string // what was seen, where it passed
	Reason   string // what was seen, where it failed
	Hint     string // where it failed
}
