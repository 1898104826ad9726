// Proxyd is a reverse proxy and load balancer for HTTP/1.1.
//
//	proxyd --site site.yaml
//	proxyd --listen 127.0.0.1:8080 --backend http://10.0.0.11:8080 --backend http://10.0.0.12:8080
//	proxyd check site.yaml
//	proxyd version
//
// A Site file says everything (package proxylab/proxy/site); the flags are for
// the case of one balancer. With admin or --admin there is a balancer-manager on a
// listener of its own (package proxylab/proxy/admin). With cache or --cache responses
// are kept in memory, and with --cache-dir or --cache-disk in files as well. Access log lines go to standard output, and to the
// file of log.file or --log-file; SIGUSR1 opens that file by its name again, for
// logrotate. What an operator should know goes to standard error.
//
// SIGHUP has the Site file read again: the proxy goes over to it without losing a
// connection. Where the file has faults they are told, and the Site before goes
// on. Another listen address needs a restart.
//
// SIGTERM and SIGINT stop it once running exchanges have ended, or after
// ten seconds; a second signal ends it at once. It does not wait for who takes its
// output: lines are lost then, and standard error says so.
//
// It exits with 0 after such a stop, with 2 when the command line is not
// understood, and with 1 when anything else is wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"github.com/alecthomas/kong"

	"proxylab/proxy"
	"proxylab/proxy/admin"
	"proxylab/proxy/site"
)

type commands struct {
	Run     runCommand     `cmd:"" default:"withargs" help:"Serve a site (the default command)."`
	Check   checkCommand   `cmd:"" help:"Read a site file and say what is wrong with it."`
	Version versionCommand `cmd:"" help:"Say which version this is."`
}

type runCommand struct {
	Site      string   `placeholder:"FILE" xor:"listen,backend,log,admin,cache,ttl,dir,disk" help:"Site file (YAML)."`
	Listen    string   `placeholder:"ADDR" xor:"listen" help:"host:port to accept clients on; :8080 by default."`
	Backend   []string `placeholder:"URL" xor:"backend" sep:"none" help:"An origin server, http://host:port; once for each."`
	LogFile   string   `placeholder:"FILE" xor:"log" help:"Access log besides standard output."`
	Cache     bool     `xor:"cache" help:"Keep responses for the next who asks, in memory."`
	CacheTTL  string   `placeholder:"D" xor:"ttl" help:"How long a response is fresh whose origin does not say: 60s. Implies --cache."`
	CacheDir  string   `placeholder:"DIR" xor:"dir" help:"Keep responses in files below DIR, too, also over a restart; 1GiB of them. Implies --cache."`
	CacheDisk string   `placeholder:"SIZE" xor:"disk" help:"Keep so many bytes of files, below cache where there is no --cache-dir: 10GiB. Implies --cache."`
	Admin     string   `placeholder:"ADDR" xor:"admin" help:"host:port of the balancer-manager, page, API and metrics, for this machine alone; none by default."`
}

type checkCommand struct {
	File string `arg:"" help:"Site file (YAML)."`
}

type versionCommand struct{}

func main() {
	var c commands
	parser := kong.Must(&c, kong.Name("proxyd"),
		kong.Description("A reverse proxy and load balancer for HTTP/1.1."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Help(help))
	k, err := parser.Parse(os.Args[1:])
	if err != nil {
		usage(err.Error())
	}
	if k.Command() == "run" && c.Run.Site == "" && len(c.Run.Backend) == 0 {
		usage("neither --site nor --backend is given")
	}
	if err := k.Run(); err != nil {
		report(os.Stderr, err)
		os.Exit(1)
	}
}

// help prints the manual of the command line. Without a command it has the flags
// of run too, since they may stand without that word.
func help(o kong.HelpOptions, ctx *kong.Context) error {
	if ctx.Selected() == nil {
		root := ctx.Model.Node
		root.Flags = append(root.Flags, root.DefaultCmd.Flags...)
	}
	return kong.DefaultHelpPrinter(o, ctx)
}

// usage ends the program because of its command line.
func usage(text string) {
	fmt.Fprintf(os.Stderr, "error: %s\nhint: proxyd --site FILE, or proxyd --backend http://host:port; proxyd --help says more\n", text)
	os.Exit(2)
}

// report writes an error line for each fault, and a hint line below where there
// is one.
func report(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSuffix(line, "\n")
		if hint, ok := strings.CutPrefix(line, "\thint: "); ok {
			fmt.Fprintln(w, "hint:", hint)
		} else {
			fmt.Fprintln(w, "error:", line)
		}
	}
	if hint := proxy.HintOf(err); hint != "" {
		fmt.Fprintln(w, "hint:", hint)
	}
}

// Run serves until a signal says to stop. A second signal ends it at once.
func (c *runCommand) Run() error {
	declared, err := c.declaration()
	if err != nil {
		return err
	}
	// Who reads our output may go; clients are served on. Without this the
	// runtime ends a program that writes to a broken standard output.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop)
	// A loop waits in epoll_wait, and the runtime takes that for a call from which
	// another goroutine might need the processor back: it would look again and
	// again, unless there is one to spare.
	loops := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(loops + 1)
	boundHeap(declared)
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server, err := proxy.New(declared, proxy.Options{Loops: loops, Access: os.Stdout, Logger: logger})
	if err != nil {
		return err
	}
	manager := admin.New(admin.Options{Balancers: server.Balancers, Cache: server.Cache(), Tally: server.Tally(), Logger: logger})
	if err := manager.Configure(admin.Config(declared.Admin), nil); err != nil {
		return err
	}
	defer manager.Close()
	defer c.obey(server, manager)()
	fmt.Fprintln(os.Stderr, introduce(server.Addr().String(), declared))
	return server.Serve(ctx)
}

// obey does what signals ask for until it is told to stop.
func (c *runCommand) obey(server *proxy.Server, manager *admin.Server) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGHUP)
	var obeying sync.WaitGroup
	obeying.Go(func() {
		for s := range signals {
			obey := server.ReopenLog
			if s == syscall.SIGHUP {
				obey = func() error { return c.reload(server, manager) }
			}
			if err := obey(); err != nil {
				report(os.Stderr, err)
			}
		}
	})
	return func() {
		signal.Stop(signals)
		close(signals)
		obeying.Wait()
	}
}

// reload has the server and the manager go over to what the Site file says now.
func (c *runCommand) reload(server *proxy.Server, manager *admin.Server) error {
	if c.Site == "" {
		return &proxy.Fault{
			Err:  errors.New("reload: there is no site file to read again"),
			Hint: "start with --site FILE, or restart with other flags",
		}
	}
	declared, err := site.Load(c.Site)
	if err == nil {
		err = manager.Configure(admin.Config(declared.Admin), func() error { return server.Reload(declared) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "the site is not read again; the one before goes on")
		return err
	}
	boundHeap(declared)
	return nil
}

func (c *runCommand) declaration() (*site.Site, error) {
	if c.Site != "" {
		return site.Load(c.Site)
	}
	return site.Flags{
		Listen: c.Listen, Backends: c.Backend, LogFile: c.LogFile, Admin: c.Admin,
		Cache: c.Cache, CacheTTL: c.CacheTTL, CacheDir: c.CacheDir, CacheDisk: c.CacheDisk,
	}.Site()
}

// introduce says in one line what is served.
func introduce(addr string, s *site.Site) string {
	var b strings.Builder
	fmt.Fprintf(&b, "proxyd listens on %s", addr)
	for _, g := range s.Balancers {
		fmt.Fprintf(&b, "; balancer %s (%s):", g.Name, g.LBMethod)
		for i, m := range g.Members {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(" " + m.URL)
		}
	}
	return b.String()
}

// Run is httpd's configtest.
func (c *checkCommand) Run() error {
	if _, err := site.Load(c.File); err != nil {
		return err
	}
	fmt.Println("Syntax OK")
	return nil
}

// Run says what the build recorded.
func (versionCommand) Run() error {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	fmt.Printf("proxyd %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
