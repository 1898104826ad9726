package apache_test

import (
	"strings"
	"testing"

	"proxylab/apache"
	"proxylab/docker"
	"proxylab/docker/enginetest"
)

// bareOrigins are the course's three origin servers for a machine that has
// nothing but Debian's perl-base. Each answers with its port.
const bareOrigins = `for my $p (8081..8083) { next if fork;
my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $p, Listen => 9, ReuseAddr => 1) or die $!;
while (my $c = $s->accept) { while (my $l = <$c>) { last if $l eq "\r\n" }
print $c "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n$p"; close $c } }
sleep 1 while 1;`

// bare is a Debian machine without Apache, on which the three origins run.
func bare(t *testing.T) *docker.Container {
	t.Helper()
	e := enginetest.Open(t)
	img, err := e.Base(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run, err := e.NewRun(t.Context(), "apache-test-steps")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Close() })
	c, err := run.Start(t.Context(), docker.ContainerSpec{
		Name: "bare", Image: img.Ref, Networks: []docker.Network{docker.Front},
		Cmd: []string{"sleep", "infinity"}, Env: map[string]string{"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
	})
	if err != nil {
		t.Fatal(err)
	}
	startOrigins(t, c)
	return c
}

func startOrigins(t *testing.T, c *docker.Container) {
	t.Helper()
	_, out, err := c.Exec(t.Context(), "sh", "-c", `perl -MIO::Socket::INET -e "$1" >/dev/null 2>&1 &`, "sh", bareOrigins)
	if err != nil || out != "" {
		t.Fatalf("%v %s", err, out)
	}
}

// typed is a line that the document tells to type, with what belongs to it.
type typed struct {
	text string
	undo bool
	step int // 0 before the first
}

// commands are the lines of a document of the service variant in their order.
func commands(document string) (list []typed) {
	step, undo := 0, false
	for line := range strings.Lines(document) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line != "" && line[0] >= '1' && line[0] <= '9':
			step, undo = step+1, false
		case line == "   undo:":
			undo = true
		case strings.HasPrefix(line, "   # "):
			list = append(list, typed{strings.TrimPrefix(line, "   # "), undo, step})
		case strings.HasPrefix(line, "   >"):
			text := strings.TrimPrefix(strings.TrimPrefix(line, "   >"), " ")
			list[len(list)-1].text += "\n" + text
		}
	}
	return list
}

// shell runs a line and gives back all that it said.
func shell(t *testing.T, c *docker.Container, line string) (code int, out string) {
	t.Helper()
	code, out, err := c.Exec(t.Context(), "sh", "-c", line)
	if err != nil {
		t.Fatal(err)
	}
	return code, out
}

// TestTheDocumentSetsApacheUp types the document of the service variant into a
// bare Debian, provokes each message that it quotes, and undoes the steps.
func TestTheDocumentSetsApacheUp(t *testing.T) {
	document, err := apache.Steps(apache.English, apache.Service)
	if err != nil {
		t.Fatal(err)
	}
	c := bare(t)
	said := make([]strings.Builder, len(apache.AllSteps()))
	provoke(t, c, said, 0)
	var undo []typed
	for _, cmd := range commands(document) {
		if cmd.undo {
			undo = append(undo, cmd)
			continue
		}
		if code, out := shell(t, c, cmd.text); code != 0 {
			t.Fatalf("step %d: %s\nexit status %d\n%s", cmd.step, cmd.text, code, out)
		}
	}
	var got string
	for range 6 {
		_, port := shell(t, c, "curl -s http://localhost:8080/")
		got += port + " "
	}
	if first := got[:15]; strings.Count(got, first) != 2 || !strings.Contains(first, "8081") || !strings.Contains(first, "8082") || !strings.Contains(first, "8083") {
		t.Errorf("got %s, want the three origins in turn", got)
	}
	for step := 1; step < len(said); step++ {
		provoke(t, c, said, step)
	}
	for i, s := range apache.AllSteps() {
		for _, message := range apache.Quoted(s.Page[apache.English].Fails) {
			if !strings.Contains(said[i].String(), message) {
				t.Errorf("step %s: the document says %q; provoked was\n%s", s.Name, message, said[i].String())
			}
		}
	}
	takeBack(t, c, undo)
}

// takeBack undoes the last step first.
func takeBack(t *testing.T, c *docker.Container, undo []typed) {
	for step := len(apache.AllSteps()); step > 0; step-- {
		for _, cmd := range undo {
			if cmd.step != step {
				continue
			}
			if code, out := shell(t, c, cmd.text); code != 0 {
				t.Errorf("undo of step %d: %s\nexit status %d\n%s", step, cmd.text, code, out)
			}
		}
		if step == 2 {
			if _, out := shell(t, c, "ls /etc/apache2/mods-enabled /etc/apache2/sites-enabled"); strings.Contains(out, "proxy") || strings.Contains(out, "slotmem") || !strings.Contains(out, "000-default") {
				t.Errorf("steps 2 and 3 undone, there is\n%s", out)
			}
		}
	}
	if code, out := shell(t, c, "ls /etc/apache2 /usr/sbin/apache2"); code == 0 {
		t.Errorf("all undone, there is\n%s", out)
	}
}

const (
	siteFile = "/etc/apache2/sites-available/proxylab.conf"
	stopped  = "apachectl stop; while pidof apache2 >/dev/null; do sleep 0.1; done; "
	again    = "apachectl restart; curl -s -o /dev/null --retry 5 --retry-connrefused http://localhost:8080/; "
	logs     = "cat /var/log/apache2/*error.log; "
)

// breaks are the mistakes of each step, each mended by its own last commands.
var breaks = [][]string{
	{
		"rm -rf /var/lib/apt/lists/*; apt-get install -y apache2",
		"su nobody -s /bin/sh -c 'apt-get install -y apache2'",
	},
	{
		"a2enmod proxy proxy_htp",
		"su nobody -s /bin/sh -c 'a2enmod cache'",
	},
	{
		"a2ensite proxylabb",
		"mv " + siteFile + " /tmp/site; a2ensite proxylab; mv /tmp/site " + siteFile,
	},
	{
		"a2dismod -q lbmethod_byrequests; apachectl configtest; a2enmod -q lbmethod_byrequests",
		"a2dismod -q lbmethod_byrequests proxy_balancer proxy_http proxy; apachectl configtest; a2enmod -q proxy proxy_http proxy_balancer lbmethod_byrequests",
		"cp /etc/apache2/ports.conf /tmp/ports; echo Listen 8080 >>/etc/apache2/ports.conf; apachectl configtest; cp /tmp/ports /etc/apache2/ports.conf",
	},
	{
		stopped + `curl -sS http://localhost:8080/; perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 8080, Listen => 1, ReuseAddr => 1) or die; print "held\n"; close STDOUT; sleep 60' >/tmp/held & holder=$!; while ! grep -q held /tmp/held; do sleep 0.1; done; apachectl restart; kill $holder; wait; ` + again,
		"a2dismod -q proxy_http; cp " + siteFile + " /tmp/site; sed -i 's|ProxyPass \"/\" .*|ProxyPass \"/x\" \"http://127.0.0.1:8081/\"\\n&|' " + siteFile + "; " + stopped + again + "curl -s http://localhost:8080/x; curl -s http://localhost:8080/; " + logs + "cp /tmp/site " + siteFile + "; a2enmod -q proxy_http",
		"rm /etc/apache2/mods-enabled/slotmem_shm.load; " + stopped + "apachectl restart; " + logs + "a2enmod -q slotmem_shm",
		"for p in $(pidof perl); do kill $p; done; " + again + "curl -s http://localhost:8080/; " + logs,
	},
}

// provoke makes a step's mistakes and keeps what was said.
func provoke(t *testing.T, c *docker.Container, said []strings.Builder, step int) {
	t.Helper()
	for _, line := range breaks[step] {
		_, out := shell(t, c, line)
		said[step].WriteString(out + "\n")
	}
}
