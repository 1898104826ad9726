// Package site is the shared declaration: what to serve, in mod_proxy's words.
//
// One YAML file becomes one [Site]. proxyd obeys it, package apache renders it
// as httpd.conf, and so a comparison of the two compares one thing. A Site is
// data only: it is read, validated, filled with its defaults and then never
// changed. The running parts are built from it elsewhere (proxy/build.go).
//
// The smallest site has a balancer with one member; everything else has a
// default:
//
//	listen: 127.0.0.1:8080
//	balancers:
//	  - name: origins
//	    lbmethod: byrequests
//	    members:
//	      - url: http://10.0.0.11:8080
//	      - url: http://10.0.0.12:8080
//	        loadfactor: 2
//	routes:
//	  - path: /
//	    to: balancer://origins
//
// Durations have a unit ("500ms", "5s", "2m"), sizes too ("512B", "64KiB").
// A key or word that nothing obeys is a fault, also where mod_proxy knows it:
// what one system ignores and the other does would spoil the comparison. [Load]
// tells all faults of a file at once, by line; see [Faults]. [FromFlags] makes
// the same of proxyd's flags, and [Site.YAML] writes a Site for a program that
// is to load it, secrets and all; for the record there is [Site.WithoutSecrets].
package site

import (
	"net/netip"
	"time"
)

// Site is the whole declaration, complete: [Load] and [FromFlags] have put the
// defaults in and every value holds its rule.
type Site struct {
	Listen    string     // host:port to accept clients on; ":8080" by default
	Socket    Socket     // how the listening socket is set up
	Log       Log        // where exchanges are written down
	Balancers []Balancer // at least one
	Routes    []Route    // first match wins; one route from "/" to the first balancer by default
	Fields    Fields     // what the two sides are told of each other
	Cache     Cache      // responses that are kept for the next who asks; off by default
	Limits    Limits     // what a client or an origin may take of us
	Admin     Admin      // where the balancer-manager is
}

// Socket is the socket that listens.
type Socket struct {
	Backlog   int  // connections that wait in the kernel to be accepted; 4096 by default, and no more than the kernel's net.core.somaxconn (ListenBacklog)
	Defer     bool // deferaccept: a connection is accepted when its first byte is there, or after HeadTimeout (TCP_DEFER_ACCEPT; AcceptFilter http data), where the system can; "off" by default
	ReusePort bool // other proxyd of the same user may listen on the same address besides, and the kernel shares the clients out (SO_REUSEPORT); "off" by default
}

// Log says where the access log goes and what a line of it has. With neither
// standard output nor a file there is none, and nothing is done for it.
type Log struct {
	File   string // path, appended to; empty for none
	Stdout bool   // to standard output ("on", the default, or "off")
	Format string // LogFormat of mod_log_config, see LogFormat; DefaultLogFormat by default
}

// Balancer is <Proxy balancer://Name>: members that serve the same content.
type Balancer struct {
	Name     string
	LBMethod string   // "byrequests", the default; "bytraffic", "bybusyness" as in Apache; "leastconn", "random2", "ewma", "hash" beyond it
	Members  []Member // at least one
	Sessions Sessions
	Failures Failures
	Checks   Checks   // hcmethod and its fellows
	Outliers Outliers // outliererrors, outlierlatency and theirs

	HashOn    string        // what hash elects by: "client", the default, "uri", "header NAME" or "cookie NAME"
	HashBound float64       // hash: no member has more than this times its share of what runs; 1.25 by default, 0 for "off"
	Timeout   time.Duration // how long a request waits while all members have their max; 0, the default, for not at all
	Queue     int           // requests that may wait; 1000 by default
}

// Sessions says which requests go to the member they went to before. The words
// are mod_proxy_balancer's. A session names its member by the route: a cookie
// JSESSIONID=7f3a.one, or a path /cart;jsessionid=7f3a.one, is for the member with
// route "one".
type Sessions struct {
	Cookie     string // stickysession before "|", or as a whole; "" for no sessions
	Parameter  string // stickysession behind "|", or as a whole: behind ";" in the path, or in the query
	Separator  string // stickysessionsep: what stands before the route; "." by default, "" for "off", where the value is the route
	Delimiter  bool   // scolonpathdelim: ";" ends the parameter's value, besides "?" and "&"; "off" by default
	Own        string // sessioncookie: a cookie that the proxy sets by itself, and whose value names the member to the proxy alone; "" for none
	NoFailover bool   // nofailover: a session whose member is not usable gets 503; "off" by default
	KeyFile    string // sessionkeyfile: a file with the secret that the values of Own are made with, so that several proxies and restarts agree on them; "" for one that lives as long as the process
}

// Failures says what takes a member out of service, and how it comes back.
type Failures struct {
	OnStatus    []int         // failonstatus: answers that put a member into error state; none by default
	OnTimeout   bool          // failontimeout: so does silence for Timeout; "off" by default
	Force       bool          // forcerecovery: members in error are tried again when there is no other; "off" by default
	Attempts    int           // maxattempts: other members that a request is tried with; one less than there are by default, as 0
	Budget      int           // retrybudget: further attempts as a share of requests, percent; "20%" by default
	Probe       time.Duration // probe: how often a member that could not be reached is asked for a connection; 1s by default, 0 for never
	SlowStart   time.Duration // slowstart: how long the share of a member grows that comes back; 0 by default
	Hedge       int           // hedge: percentile of the time to the first byte of the balancer's answers of the last seconds, after which an idempotent request without body and session is sent to another member besides, and the first answer wins, never sooner than 4 ms; 0, the default, for "off"
	HedgeBudget int           // hedgebudget: hedges as a share of requests, percent; "10%" by default
	Resend      string        // resend: which requests go out once more when a connection broke before the first byte of the answer: "idempotent", the default, "safe" or "never"; POST and PATCH, which may have been seen, never do
}

// Outliers says when a member that does worse than the others gets no requests for
// a while. With neither Errors nor Latency nobody looks.
type Outliers struct {
	Errors   int           // outliererrors: percent of a member's answers that fail or have a status from 500 on; 0, the default, for any
	Latency  float64       // outlierlatency: times the median of the members' latency; 0, the default, for any
	Interval time.Duration // outlierinterval: in which that is counted; 10s by default
	Time     time.Duration // outliertime: without requests; 30s by default, and longer each time in a row
	Keep     int           // outlierkeep: percent of the members stay in any case; 50% by default
}

// Member is a BalancerMember line of mod_proxy: one origin server.
type Member struct {
	URL               string        // http://host:port, no path
	Route             string        // mod_proxy's route: a name for the member; "" for none
	Redirect          string        // the route that its sessions go to while it is not usable; "" for none
	LoadFactor        float64       // 1 to 100, fractions allowed; 1 by default
	LBSet             int           // 0, the default, to 99; the lowest that has a usable member is asked
	Status            string        // letters of D disabled, S stopped, R hot spare, H hot standby, N draining, I ignore errors; "" by default
	Max               int           // exchanges at once; 0, the default, for any number
	Retry             time.Duration // how long a member in error gets no request; 5s by default
	ConnectionTimeout time.Duration // for connect(2); 1s by default
	Timeout           time.Duration // longest silence of the origin in an exchange; Limits.Timeout by default
	TTL               time.Duration // how long an idle connection is kept; 60s by default
	AddressTTL        time.Duration // addressttl: how long the addresses of a host that is a name are believed, until it is looked up again; 30s by default
	KeepAlive         bool          // the kernel probes connections that are silent; "off" by default
	Upgrade           string        // mod_proxy's upgrade: a protocol that a client may change to, as "websocket"; "" for none
	UpgradeTimeout    time.Duration // longest silence of both sides in a tunnel; Timeout by default
	Checks            Checks        // where some word of them stands with the member: these, and what the balancer says of the others. Else without Method; see Balancer.ChecksOf

	Acquire      time.Duration // acquire: how long a request that no other member may serve waits for this one's max; and any request, the longest of all members, where the balancer has no timeout; 0 by default, for not at all
	SMax         int           // smax: so many idle connections are kept for longer than TTL; 0 by default
	DisableReuse bool          // disablereuse: each exchange has a connection of its own; "off" by default
	FlushPackets string        // flushpackets: "on", the default, hands on at once what comes of an answer without Content-Length; "off" holds it back until a buffer is full or the answer ends; "auto" does until nothing has come for FlushWait
	FlushWait    time.Duration // flushwait: up to 1s; 10ms by default
	Ping         time.Duration // ping: a request body is sent once the member has said 100 Continue, and goes to another connection or member where that has not come after so long; 0, the default, for sent at once
}

// Route is a ProxyPass line: requests whose path begins with Path go To.
//
// Path matches whole segments, as with a slash at its end in httpd: "/a"
// matches "/a" and "/a/b" but not "/ab". The matched prefix is replaced by
// the path of To.
type Route struct {
	Path string // begins with "/"
	To   string // balancer://name or balancer://name/path; "!" excludes Path (404)
}

// Fields says what a member learns of clients, and a client of members.
//
// Without trusted proxies X-Forwarded-For is as httpd has it: the client's
// address behind whatever the client said itself. With them, what a trusted proxy
// said in X-Forwarded-For, -Host, -Proto and Forwarded is handed on, and what
// anybody else said there is dropped.
type Fields struct {
	Forwarded bool           // Forwarded (RFC 7239) is added besides X-Forwarded-For; "off" by default
	Trusted   []netip.Prefix // proxies in front of this one: addresses or networks
	Server    bool           // a member's Server goes to the client; "on" by default
	Continue  bool           // Expect: 100-continue goes on to the member, which decides; "on" by default. Else proxyd asks for the body by itself (Proxy100Continue)
}

// Admin is the balancer-manager: page, API and metrics, on a listener of its own.
// "admin: 127.0.0.1:9090" is short for a listen alone. Who is beyond this machine
// has to say the token, or the user and password.
type Admin struct {
	Listen   string // host:port; "" for none, the default. Other than a loopback address it needs a token, or user and password
	Token    string // secret for programs, in Authorization: Bearer, and for browsers as the password of any user; "" for none
	User     string // of basic authentication; "" for none
	Password string // its secret
	State    string // file that keeps what was changed at run time over a restart; "" for none
}

// Limits bounds what one peer may take. Zero means "no bound" for
// KeepAliveRequests and Pipelined alone.
type Limits struct {
	Head              int           // bytes of a request or response head; 64 KiB by default
	RequestLine       int           // bytes of a request line, of those; Head by default (LimitRequestLine)
	Fields            int           // field lines in a head; 100 by default (LimitRequestFields)
	Connections       int           // client connections at once; 10000 by default. Fewer, with a warning, where file descriptors (ulimit -n) do not suffice for connections to members besides
	PerClient         int           // and of one client: an IPv4 address, or an IPv6 /64; Connections by default
	Body              int           // bytes of a request body; 1 GiB by default (LimitRequestBody)
	MinRate           int           // bytes a second of a request body, on average once Timeout is over; 500 by default (RequestReadTimeout)
	MinReadRate       int           // bytes a second of a response that a client must take while there are any for it, on average over each Timeout; 500 by default
	HeadTimeout       time.Duration // from a request's first byte (or accept) to the end of its head; 20s by default (RequestReadTimeout)
	HeadTimeoutMax    time.Duration // HeadTimeout grows up to this by a second for each MinRate bytes that came; HeadTimeout by default (RequestReadTimeout)
	KeepAliveTimeout  time.Duration // idle client connection; 60s by default (KeepAliveTimeout)
	KeepAliveRequests int           // exchanges on one client connection; 0, the default, for any number (MaxKeepAliveRequests)
	Pipelined         int           // requests in a row that a client sends before it has the answer to the one before; then its connection is closed behind an answer. 1000 by default, 0 for any number
	AbortOnClose      bool          // a client that ends its side while it waits has left, and its member's connection is closed; "on" by default. Else only a reset says so
	Timeout           time.Duration // longest silence of a peer inside a body or of an origin; 60s by default (ProxyTimeout)
}
