package apache

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// httpd is the program; the tests skip without it, but where CI is set.
func httpd(t *testing.T) string {
	t.Helper()
	for _, path := range []string{"/usr/sbin/apache2", "/usr/local/sbin/apache2"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no apache2 here")
	}
	t.Skip("no apache2 here")
	return ""
}

func version(t *testing.T, program string) string {
	t.Helper()
	out, err := exec.Command(program, "-v").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, v, _ := strings.Cut(string(out), "Server version: ")
	v, _, _ = strings.Cut(v, "\n")
	return v
}

// around is what Debian's apache2.conf and mods-enabled have that a site relies on.
const around = `ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile pid
ErrorLog error.log
ServerName localhost
User www-data
Group www-data
%[2]s
TypesConfig /etc/mime.types
<Directory />
    Require all granted
</Directory>
`

// own gives httpd's own errors the text that proxyd's have: that it has other words is
// no difference to tell.
const own = `
    ProxyPass "/.errors" "!"
    Alias "/.errors" "%[1]s/errors"
    <Directory "%[1]s/errors">
        ForceType "text/plain; charset=utf-8"
    </Directory>
`

var ownStatuses = map[int]string{
	400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 413: "Content Too Large",
	414: "URI Too Long", 417: "Expectation Failed", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
	501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
}

// serveDialogues starts httpd with the rendered site of each, and says where each is.
func serveDialogues(t *testing.T, program string, all []dialogue) (addrs []string, stop func()) {
	t.Helper()
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	must(t, os.MkdirAll(filepath.Join(dir, "errors"), 0o755))
	documents := fmt.Sprintf(own, dir)
	for code, reason := range ownStatuses {
		documents += fmt.Sprintf("    ErrorDocument %d /.errors/%d\n", code, code)
		must(t, os.WriteFile(filepath.Join(dir, "errors", strconv.Itoa(code)), fmt.Appendf(nil, "%d %s\r\nhttpd\r\n", code, reason), 0o644))
	}
	var load strings.Builder
	for _, m := range []string{"mpm_event", "authz_core", "alias", "env", "filter", "mime", "setenvif", "reqtimeout", "slotmem_shm", "proxy", "proxy_http", "proxy_balancer", "lbmethod_byrequests"} {
		fmt.Fprintf(&load, "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n", m, m)
	}
	addrs = freeAddresses(t, len(all))
	conf := fmt.Sprintf(around, dir, load.String())
	for i, d := range all {
		d.site.Listen = addrs[i]
		// One of its own: the lock is of a URL, and dialogues ask for the same.
		lock := fmt.Sprintf("%s/lock%d", dir, i)
		must(t, os.Mkdir(lock, 0o755))
		must(t, os.Chmod(lock, 0o777)) // for www-data, where the test is root
		c, err := Render(d.site, Options{Flavour: Matched, Machine: Machine{CPUs: 1}})
		must(t, err)
		text := strings.NewReplacer(
			"    ServerName proxylab.localhost\n", "    ServerName proxylab.localhost\n"+documents,
			"${APACHE_LOG_DIR}", dir, "${APACHE_RUN_DIR}/proxylab_cache", fmt.Sprintf("%s/cache%d", dir, i),
			cacheLock, lock,
		).Replace(string(c.Site))
		conf += fmt.Sprintf("# %s\n%s\n", d.name, text)
	}
	file := filepath.Join(dir, "httpd.conf")
	must(t, os.WriteFile(file, []byte(conf), 0o644))
	if out, err := exec.Command(program, "-t", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, "-DFOREGROUND", "-f", file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	must(t, cmd.Start())
	stop = sync.OnceFunc(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	t.Cleanup(stop)
	for _, addr := range addrs {
		answering(t, addr, &said, filepath.Join(dir, "error.log"))
	}
	return addrs, stop
}

// answering waits until somebody accepts at addr.
func answering(t *testing.T, addr string, said fmt.Stringer, log string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			text, _ := os.ReadFile(log)
			t.Fatalf("httpd does not answer at %s: %s\n%s", addr, said, text)
		}
	}
}

// freeAddresses are n addresses that nobody listens on, each another one: they are
// all held until the last is found.
func freeAddresses(t *testing.T, n int) (addrs []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
