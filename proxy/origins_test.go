package proxy

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// realOrigin is a server that others wrote. It has files to get and to put under
// /files, the same without a length under /chunked, and compressed under /gzip for who
// accepts that (but for net/http's), hands /chat on to a
// websocket server, and answers all else with X-Seen: the request line it saw.
type realOrigin struct {
	url  string
	root string // of the files
	stop func() // waits until the log is whole; may be called again
	log  func() []string
	// heard is what came on each connection; only net/http's server tells.
	heard func() [][]byte
}

// realOrigins start the servers by name. Each line of their logs is
//
//	port of the peer "request line" status
var realOrigins = map[string]func(t *testing.T, chat string) *realOrigin{
	"net-http": startGo,
	"nginx":    startNginx,
	"apache":   startApache,
}

// sizes of the files under root, which are named by them.
var fileSizes = []int{0, 1 << 10, 100 << 10, 10 << 20}

// makeRoot writes the files. Whatever user a server runs as can read them, and
// write others.
func makeRoot(t *testing.T) (dir, root string) {
	t.Helper()
	dir = t.TempDir()
	root = filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{filepath.Dir(dir), dir, root} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, size := range fileSizes {
		b := make([]byte, size)
		rand.NewChaCha8([32]byte{byte(size), byte(size >> 10)}).Read(b)
		writeFile(t, filepath.Join(root, fmt.Sprint(size)), b)
	}
	return dir, root
}

func writeFile(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// program finds a program, or skips the test. In CI it must be there.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, file := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(file); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed: apt-get install --no-install-recommends %s", name, name)
	return ""
}

// freeAddr is an address that nobody listened on a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l := listen(t)
	defer l.Close()
	return l.Addr().String()
}

// run starts a server that stays in the foreground, as one process that ends
// with the test's.
func run(t *testing.T, addr, dir string, argv ...string) *realOrigin {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	stop := sync.OnceFunc(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
	})
	t.Cleanup(stop)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			stop()
			errors, _ := os.ReadFile(filepath.Join(dir, "error.log"))
			t.Fatalf("%s does not listen: %s%s", argv[0], &said, errors)
		}
	}
	return &realOrigin{url: "http://" + addr, stop: stop, log: func() []string {
		b, err := os.ReadFile(filepath.Join(dir, "access.log"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(b)), "\n")
	}}
}

const nginxConfig = `
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events {}
http {
	log_format seen '$remote_port "$request" $status';
	access_log access.log seen;
	client_body_temp_path tmp;
	proxy_temp_path tmp;
	fastcgi_temp_path tmp;
	uwsgi_temp_path tmp;
	scgi_temp_path tmp;
	client_max_body_size 0;
	keepalive_requests 100000;
	server {
		listen %[1]s;
		location /files/ { alias %[2]s/; dav_methods PUT; }
		location /chunked/ { alias %[2]s/; ssi on; ssi_types *; }
		location /gzip/ { alias %[2]s/; gzip on; gzip_types *; gzip_vary on; gzip_proxied any; }
		location /chat {
			proxy_pass http://%[3]s;
			proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection upgrade;
		}
		location / { add_header X-Seen $request always; return 200 "$request\n"; }
	}
}
`

func startNginx(t *testing.T, chat string) *realOrigin {
	nginx := program(t, "nginx")
	dir, root := makeRoot(t)
	addr := freeAddr(t)
	writeFile(t, filepath.Join(dir, "nginx.conf"), fmt.Appendf(nil, nginxConfig, addr, root, chat))
	o := run(t, addr, dir, nginx, "-p", dir, "-c", "nginx.conf", "-e", "error.log")
	o.root = root
	return o
}

const apacheConfig = `
ServerRoot %[4]s
DefaultRuntimeDir %[4]s
PidFile httpd.pid
ErrorLog error.log
ServerName localhost
Listen %[1]s
User www-data
Group www-data
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
LoadModule include_module /usr/lib/apache2/modules/mod_include.so
LoadModule dav_module /usr/lib/apache2/modules/mod_dav.so
LoadModule dav_fs_module /usr/lib/apache2/modules/mod_dav_fs.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LogFormat "%%{remote}p \"%%r\" %%>s" seen
CustomLog access.log seen
MaxKeepAliveRequests 0
DavLockDB %[4]s/davlock
ProxyPass /chat http://%[3]s/chat upgrade=websocket
Alias /files/ %[2]s/
Alias /chunked/ %[2]s/
Alias /gzip/ %[2]s/
AliasMatch ^/ %[4]s/answer.txt
<Directory />
	Require all granted
</Directory>
<Directory %[2]s>
	Dav On
	Options +Includes
</Directory>
<Location /chunked/>
	SetOutputFilter INCLUDES
</Location>
<Location /gzip/>
	SetOutputFilter DEFLATE
</Location>
<Location />
	Header always set X-Seen "expr=%%{THE_REQUEST}"
</Location>
`

func startApache(t *testing.T, chat string) *realOrigin {
	apache := program(t, "apache2")
	dir, root := makeRoot(t)
	addr := freeAddr(t)
	writeFile(t, filepath.Join(dir, "answer.txt"), []byte("here\n"))
	writeFile(t, filepath.Join(dir, "httpd.conf"), fmt.Appendf(nil, apacheConfig, addr, root, chat, dir))
	o := run(t, addr, dir, apache, "-X", "-f", filepath.Join(dir, "httpd.conf"))
	o.root = root
	return o
}

// startGo does what the configurations above do with net/http.
func startGo(t *testing.T, chat string) *realOrigin {
	_, root := makeRoot(t)
	o := &realOrigin{root: root}
	seen := new(lines)
	o.log = func() []string { return strings.Split(strings.TrimSpace(seen.String()), "\n") }
	mux := http.NewServeMux()
	mux.HandleFunc("/files/{name}", func(w http.ResponseWriter, r *http.Request) {
		file := filepath.Join(root, filepath.Base(r.PathValue("name")))
		if r.Method != "PUT" {
			http.ServeFile(w, r, file)
			return
		}
		b, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(file, b, 0o644)
		}
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		w.WriteHeader(201)
	})
	mux.HandleFunc("/chunked/{name}", func(w http.ResponseWriter, r *http.Request) {
		b, err := os.ReadFile(filepath.Join(root, filepath.Base(r.PathValue("name"))))
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		w.(http.Flusher).Flush()
		w.Write(b)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Method+" "+r.RequestURI+" "+r.Proto)
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "here\n")
	})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, port, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(seen, "%s \"%s %s %s\" -\n", port, r.Method, r.RequestURI, r.Proto)
		mux.ServeHTTP(w, r)
	}))
	telling := &tellingListener{Listener: server.Listener, log: seen}
	o.heard = telling.all
	server.Listener = telling
	server.Start()
	o.url, o.stop = server.URL, sync.OnceFunc(server.Close)
	t.Cleanup(o.stop)
	return o
}

// tellingListener writes down what net/http's server answers without asking a
// handler, and what came to it.
type tellingListener struct {
	net.Listener
	log io.Writer

	mu    sync.Mutex
	conns []*tellingConn
}

func (l *tellingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	telling := &tellingConn{Conn: c, log: l.log}
	l.conns = append(l.conns, telling)
	return telling, nil
}

func (l *tellingListener) all() (heard [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		heard = append(heard, c.heard.Bytes())
	}
	return heard
}

type tellingConn struct {
	net.Conn
	log   io.Writer
	heard bytes.Buffer // its first megabytes
}

func (c *tellingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.heard.Len() < 8<<20 {
		c.heard.Write(b[:n])
	}
	return n, err
}

func (c *tellingConn) Write(b []byte) (int, error) {
	// What the server answers by itself has no Date.
	head, _, _ := bytes.Cut(b, []byte("\r\n\r\n"))
	if final := bytes.HasPrefix(head, []byte("HTTP/1.1 ")) && !bytes.HasPrefix(head, []byte("HTTP/1.1 1")); final && !bytes.Contains(head, []byte("Date: ")) {
		fmt.Fprintf(c.log, "0 \"\" %s\n", head[len("HTTP/1.1 "):])
	}
	return c.Conn.Write(b)
}
