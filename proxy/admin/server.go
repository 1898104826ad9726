package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"proxylab/proxy/balancer"
	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
)

// What a peer may take of the manager. Answers are written at once, so that no
// timeout has to spare a long one.
const (
	headTimeout  = 5 * time.Second
	readTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second
	idleTimeout  = 60 * time.Second
	maxHead      = 16 << 10
	maxBody      = 16 << 10
	connections  = 64 // at once; more wait in the kernel

	farewell = time.Second // for requests that run when a listener ends
)

// Config says where the manager listens, and who may use it. Its fields are those
// of the Site's admin.
type Config struct {
	Listen   string // host:port; "" for nowhere
	Token    string // "" for none
	User     string // of basic authentication; "" for none
	Password string
	State    string // file of the changes; "" for none
}

// guarded says whether who asks has to say a secret.
func (c *Config) guarded() bool { return c.Token != "" || c.Password != "" }

// Options are what the manager needs of the program.
type Options struct {
	Balancers func() []*balancer.Balancer // those that serve; asked anew each time
	Cache     *store.Store                // nil where the Site has none
	Tally     *cache.Tally                // of the requests that the cache was asked about; nil without Cache
	Logger    *slog.Logger                // gets each change, and what an operator should know
}

// Server is the balancer-manager.
type Server struct {
	Options
	handler http.Handler
	csrf    string // what a page of ours says with each change
	count   atomic.Uint64
	config  atomic.Pointer[Config]

	throttle throttle
	history  history
	listings listings

	configuring sync.Mutex // held by Configure and Close; guards these
	started     bool
	running     *running

	changing sync.Mutex // held by who changes a balancer or writes the state
}

// running is a listener that is served.
type running struct {
	listener net.Listener
	http     *http.Server
	stop     chan struct{} // closed to end what goes on beside
	ended    sync.WaitGroup
}

// New makes a manager that listens nowhere yet.
func New(o Options) *Server {
	s := &Server{Options: o, csrf: rand.Text()}
	s.config.Store(new(Config))
	s.history.begin(time.Now())
	s.handler = s.routes()
	return s
}

// Configure goes over to c. The first time it takes the changes out of the state
// file, too. Where another address is to be listened on, it is opened first; then
// accept is called, if there is one, which does what else has to succeed. On an
// error nothing has changed. A listener whose address stays is kept.
func (s *Server) Configure(c Config, accept func() error) error {
	s.configuring.Lock()
	defer s.configuring.Unlock()
	before := s.config.Load()
	var l net.Listener
	if c.Listen != "" && c.Listen != before.Listen {
		var err error
		if l, err = listen(c); err != nil {
			return err
		}
	}
	if accept != nil {
		if err := accept(); err != nil {
			if l != nil {
				l.Close()
			}
			return err
		}
	}
	s.config.Store(&c)
	s.takeState(!s.started, c.State)
	s.started = true
	if c.Listen != before.Listen {
		s.end()
		s.begin(l)
	}
	return nil
}

// Addr is where the manager listens; nil for nowhere.
func (s *Server) Addr() net.Addr {
	s.configuring.Lock()
	defer s.configuring.Unlock()
	if s.running == nil {
		return nil
	}
	return s.running.listener.Addr()
}

// Close ends the listener. Requests that run have a second to end by themselves.
func (s *Server) Close() {
	s.configuring.Lock()
	defer s.configuring.Unlock()
	s.end()
}

// listen opens an address. Without a secret only this machine may reach it.
func listen(c Config) (net.Listener, error) {
	l, err := net.Listen("tcp", c.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("admin: listen: %s is in use\n\thint: stop the program that has it, or choose another port", c.Listen)
	case err != nil:
		return nil, fmt.Errorf("admin: listen: %w\n\thint: listen is host:port with an address of this machine", err)
	}
	if at, ok := l.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() && !c.guarded() {
		l.Close()
		return nil, fmt.Errorf("admin: listen: anybody who reaches %s could change the balancers\n\thint: listen on 127.0.0.1, or ask for a token, or for user and password", l.Addr())
	}
	return l, nil
}

// begin serves l, if there is one.
func (s *Server) begin(l net.Listener) {
	if l == nil {
		return
	}
	r := &running{listener: l, stop: make(chan struct{}), http: &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHead,
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, known{}, new(atomic.Bool))
		},
		ErrorLog: slog.NewLogLogger(s.Logger.Handler(), slog.LevelWarn),
	}}
	s.running = r
	if s.Cache != nil {
		r.ended.Go(func() { s.history.keep(s.Tally, r.stop) })
	}
	r.ended.Go(func() {
		if err := r.http.Serve(netutil.LimitListener(l, connections)); !errors.Is(err, http.ErrServerClosed) {
			s.Logger.Error("balancer-manager: it listens no more", "error", err)
		}
	})
	s.Logger.Info("balancer-manager: it listens", "url", "http://"+l.Addr().String()+"/")
}

// end closes the listener that is served, if there is one.
func (s *Server) end() {
	r := s.running
	if r == nil {
		return
	}
	s.running = nil
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if r.http.Shutdown(ctx) != nil {
		r.http.Close()
	}
	close(r.stop)
	r.ended.Wait()
	s.listings.close()
}
