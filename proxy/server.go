package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/http1"
	"proxylab/proxy/message"
	"proxylab/proxy/route"
	"proxylab/proxy/site"
	"proxylab/proxy/socket"
	"proxylab/proxy/upstream"
)

// Server is the running proxy of one Site, or of one after the other (reload.go).
type Server struct {
	parts  atomic.Pointer[parts]
	access *accessLog
	notes  *notes // what the operator is told
	logger *slog.Logger
	grace  time.Duration
	// lastCall is how long a stop waits for a request on each idle connection.
	lastCall time.Duration
	clock    message.Clock

	loops    []*socket.Loop
	listener *net.TCPListener
	door     door
	stopping atomic.Bool
	cutting  chan struct{} // closed when exchanges are cut that have not ended

	mu       sync.Mutex // guards the fields up to pools
	conns    map[*conn]struct{}
	clients  map[netip.Prefix]int               // connections of each client
	toldFull time.Time                          // when the operator was last told of a client with too many
	pools    map[upstream.Config]*upstream.Pool // of the parts, and of earlier ones
	serving  sync.WaitGroup

	reloading sync.Mutex // held by Reload; guards watching
	watching  bool       // Serve has begun to have members watched
}

// parts are what a Site became. An exchange runs to its end with those that it
// began with.
type parts struct {
	site     *site.Site
	head     http1.Limits
	patience http1.Patience
	routes   *route.Table
	groups   []*group
	cache    *caching // nil for none
}

// group is a balancer and the connections to its members.
type group struct {
	balancer *balancer.Balancer
	pools    []*upstream.Pool // by the member's index
	upgrades []upgrade        // what each may change to
	site     site.Balancer
	tries    int            // members that a request may be tried with
	cookies  []string       // by the member's index, the value of sessioncookie
	tokens   map[string]int // from that to the index, and one
	hashOn   string         // the first word of site.HashOn
	hashName string         // and the second: a field in lower case, or a cookie
}

// upgrade is what a member may change the protocol to.
type upgrade struct {
	protocol string        // "" for none
	idle     time.Duration // longest silence of both sides after that
}

// Addr is the address that clients are accepted on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Balancers are those of the Site that is served. They live until a reload that
// changes them: ask anew each time.
func (s *Server) Balancers() []*balancer.Balancer {
	var list []*balancer.Balancer
	for _, g := range s.parts.Load().groups {
		list = append(list, g.balancer)
	}
	return list
}

// listen opens the Site's address. New clients may take patience for their first
// byte.
func (s *Server) listen(address string, options site.Socket, patience time.Duration) error {
	// Idle clients are bounded by timeouts, so the kernel's keep-alive probes
	// would only cost calls.
	lc := net.ListenConfig{KeepAlive: -1}
	if options.ReusePort {
		lc.Control = reusePort
	}
	l, err := lc.Listen(context.Background(), "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return &Fault{
			fmt.Errorf("listen: %s is in use by another program", address),
			"stop that program, or choose another address with listen or --listen; socket.reuseport: on, in both, lets two proxyd share it",
		}
	case errors.Is(err, syscall.EACCES):
		return &Fault{
			fmt.Errorf("listen: %s needs privileges that this user lacks", address),
			"choose a port from 1024 on",
		}
	case err != nil:
		return &Fault{err, "listen is host:port with an address of this machine, or :port for all of them"}
	}
	s.listener = l.(*net.TCPListener)
	return s.setQueue(options, patience)
}

// ReopenLog opens the access log's file by its name again, for whoever moved it
// away. Where that fails, the old file is written on.
func (s *Server) ReopenLog() error { return s.access.reopen() }

// Serve accepts clients until ctx ends. Then it accepts no more, closes idle
// connections after a last call, lets running exchanges come to their end within the grace period
// and cuts those that have not. It returns when all is closed and written down.
func (s *Server) Serve(ctx context.Context) error {
	var running sync.WaitGroup
	for _, l := range s.loops {
		running.Go(l.Run)
	}
	s.reloading.Lock()
	s.watching = true
	s.parts.Load().watch(s.logger)
	s.reloading.Unlock()
	err := s.door.open(s)
	if err == nil {
		<-ctx.Done()
	}
	s.stopping.Store(true)
	s.door.close()
	s.reloading.Lock() // there is no reload from here on
	s.parts.Load().unwatch()
	s.reloading.Unlock()
	s.drain()
	for _, l := range s.loops {
		l.Stop()
	}
	running.Wait()
	s.parts.Load().cache.close()
	if e := s.access.close(accessLast); err == nil {
		err = e
	}
	s.notes.close(notesLast)
	return err
}

// admit counts a connection, unless its client has as many as it may have. There
// is no answer to one too many: who floods is not worth it.
func (s *Server) admit(c *conn) bool {
	most := s.parts.Load().site.Limits.PerClient
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clients[c.from] >= most {
		if now := time.Now(); now.Sub(s.toldFull) > time.Minute {
			s.toldFull = now
			s.logger.Warn("a client has more connections than it may have", "client", string(c.client), "perclient", most)
		}
		return false
	}
	s.clients[c.from]++
	s.conns[c] = struct{}{}
	s.serving.Add(1)
	return true
}

// ended is for a connection that is closed.
func (s *Server) ended(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	if s.clients[c.from]--; s.clients[c.from] == 0 {
		delete(s.clients, c.from)
	}
	s.mu.Unlock()
	s.door.leave(c.at)
	s.serving.Done()
}

// drain waits for the connections to end, and ends those that do not.
func (s *Server) drain() {
	s.eachConn(func(c *conn) { c.Loop().Do(socket.TaskFunc(c.hurry)) })
	ended := make(chan struct{})
	go func() {
		s.serving.Wait()
		close(ended)
	}()
	t := time.NewTimer(s.grace)
	defer t.Stop()
	select {
	case <-ended:
	case <-t.C:
		s.logger.Warn("exchanges cut after the grace period", "grace", s.grace)
		for _, b := range s.Balancers() {
			b.Abort()
		}
		close(s.cutting)
		s.eachPool((*upstream.Pool).Abort)
		s.eachConn(func(c *conn) {
			c.Abort()
			c.Loop().Do(socket.TaskFunc(c.cut))
		})
		<-ended
	}
	s.eachPool((*upstream.Pool).Close)
}

func (s *Server) eachConn(f func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		f(c)
	}
}

func (s *Server) eachPool(f func(*upstream.Pool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pools {
		f(p)
	}
}
