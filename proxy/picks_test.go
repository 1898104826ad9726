package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/balancer"
	"proxylab/proxy/site"
)

// The picks of a real Apache and ours for the same members are the same, one by
// one: weights, flags, lbsets, sessions and redirects, with members taken out and
// put back by balancer-manager.
func TestPicksAreThoseOfApache(t *testing.T) {
	program(t, "apache2")
	var origins []string
	for i := range 4 {
		origins = append(origins, origin(t, answering(sized(string(rune('A'+i))))))
	}
	// members: letter, loadfactor, +status, @lbset, >redirect; the route is the
	// letter in lower case. steps: a number of requests, or one with a route
	// behind ".", or a change of a member's status. bytraffic has equal members
	// only: httpd counts other bytes of a message than we do.
	for _, tt := range []struct{ lbmethod, members, steps string }{
		{"byrequests", "A B C", "12 A+D 8 A-D 12 B+D C+D 5 B-D 7 C-D 12"},
		{"byrequests", "A B C D2", "15 D+D 7 D-D 15 A+D 9 A-D 11"},
		{"byrequests", "A3 B2 C", "12 B+D 9 B-D 13 A+D 7 A-D 12"},
		{"byrequests", "A5 B", "12 A+D 3 A-D 20 B+D 3 B-D 12"},
		{"byrequests", "A1.5 B C2.25", "40 C+D 9 C-D 30"},
		{"byrequests", "A B+R C+H D", "6 A+D 6 B+D 6 D+D 4 A-D 6 D-D B-D 9"},
		{"byrequests", "A B+R C+R D2", "6 A+D 6 D+D 7 A-D D-D 7"},
		{"byrequests", "A B C+N D", "9 .c .c .c 9 C-N 9 B+N 6 .b .a 6"},
		{"byrequests", "A@1 B C@1 D", "5 B+D 4 D+D 6 B-D 5 D-D 5"},
		{"byrequests", "A@2 B C+H D+R@2", "5 B+D 4 C+D 6 A+D 4 B-D 3"},
		{"byrequests", "A B2 C D", "4 .b .b 5 .d 3 .x 4 D+D .d .d 6"},
		{"byrequests", "A>b B>c C D", "3 .a A+D .a .a B+D .a 4 C+D .a 3 A-D .a 3"},
		{"byrequests", "A B@1 C+H D", "3 .b .c .b 5 A+D 3 .a D+D 3 .b 2"},
		{"bytraffic", "A B C", "12 B+D 6 B-D 9"},
		{"bybusyness", "A2 B C", "12 B+D 6 B-D 9 .a .a 7"},
	} {
		t.Run(tt.lbmethod+" "+tt.members, func(t *testing.T) {
			members := pickMembers(t, tt.members, origins)
			theirs := apachePicks(t, tt.lbmethod, members)
			ours := serve(t, func(s *site.Site) {
				b := &s.Balancers[0]
				b.LBMethod, b.Members = tt.lbmethod, nil
				b.Sessions = site.Sessions{Cookie: "SID", Parameter: "sid", Separator: "."}
				for _, m := range members {
					b.Members = append(b.Members, m)
				}
			}, origins[0])
			want, got := "", ""
			for step := range strings.FieldsSeq(tt.steps) {
				want, got = want+" "+theirs.play(t, step), got+" "+ourPicks(t, ours, members, step)
			}
			if got != want {
				t.Errorf("steps  %s\nApache %s\nours   %s", tt.steps, want, got)
			}
		})
	}
}

func pickMembers(t *testing.T, text string, origins []string) (list []site.Member) {
	for i, word := range strings.Fields(text) {
		m := site.Member{
			URL: origins[i], Route: strings.ToLower(word[:1]), LoadFactor: 1, Retry: time.Minute,
			ConnectionTimeout: time.Second, Timeout: time.Minute, TTL: time.Minute,
		}
		word, m.Redirect, _ = strings.Cut(word[1:], ">")
		word, lbset, _ := strings.Cut(word, "@")
		fmt.Sscan(lbset, &m.LBSet)
		word, m.Status, _ = strings.Cut(word, "+")
		fmt.Sscan(word, &m.LoadFactor)
		list = append(list, m)
	}
	return list
}

// apache is a running Apache, in one process so that one request is over before
// the next begins.
type apache struct {
	addr    string
	members []site.Member
	nonce   string // of balancer-manager's forms
}

const picksConfig = `
ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile httpd.pid
ErrorLog error.log
ServerName localhost
Listen %[2]s
User www-data
Group www-data
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule proxy_balancer_module /usr/lib/apache2/modules/mod_proxy_balancer.so
LoadModule slotmem_shm_module /usr/lib/apache2/modules/mod_slotmem_shm.so
LoadModule lbmethod_%[3]s_module /usr/lib/apache2/modules/mod_lbmethod_%[3]s.so
<Proxy balancer://origins>
%[4]s	ProxySet lbmethod=%[3]s stickysession=SID|sid
</Proxy>
<Location /balancer-manager>
	SetHandler balancer-manager
</Location>
ProxyPass /balancer-manager !
ProxyPass / balancer://origins/
`

func apachePicks(t *testing.T, lbmethod string, members []site.Member) *apache {
	dir := t.TempDir()
	a := &apache{addr: freeAddr(t), members: members}
	var lines strings.Builder
	for _, m := range members {
		fmt.Fprintf(&lines, "\tBalancerMember %s loadfactor=%v route=%s lbset=%d", m.URL, m.LoadFactor, m.Route, m.LBSet)
		if m.Redirect != "" {
			fmt.Fprintf(&lines, " redirect=%s", m.Redirect)
		}
		if m.Status != "" {
			fmt.Fprintf(&lines, " status=+%s", m.Status)
		}
		lines.WriteByte('\n')
	}
	writeFile(t, filepath.Join(dir, "httpd.conf"), fmt.Appendf(nil, picksConfig, dir, a.addr, lbmethod, lines.String()))
	run(t, a.addr, dir, program(t, "apache2"), "-X", "-f", filepath.Join(dir, "httpd.conf"))
	req, err := http.NewRequest("GET", "http://"+a.addr+"/balancer-manager", nil)
	if err != nil {
		t.Fatal(err)
	}
	nonce := regexp.MustCompile(`nonce=([0-9a-f-]+)`).FindStringSubmatch(a.manage(t, req))
	if nonce == nil {
		t.Fatal("balancer-manager has no nonce")
	}
	a.nonce = nonce[1]
	return a
}

// manage asks balancer-manager.
func (a *apache) manage(t *testing.T, req *http.Request) string {
	t.Helper()
	req.Close = true
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("balancer-manager: %s, %v", res.Status, err)
	}
	return string(body)
}

// play does a step and returns who answered.
func (a *apache) play(t *testing.T, step string) string {
	if name, flag, ok := cutChange(step); ok {
		on := "0"
		if flag[0] == '+' {
			on = "1"
		}
		form := fmt.Sprintf("b=origins&w=%s&w_status_%s=%s&nonce=%s", a.members[name].URL, flag[1:], on, a.nonce)
		req, err := http.NewRequest("POST", "http://"+a.addr+"/balancer-manager", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Referer", "http://"+a.addr+"/balancer-manager")
		a.manage(t, req)
		return step
	}
	return requests(t, a.addr, step)
}

func ourPicks(t *testing.T, p *running, members []site.Member, step string) string {
	if name, flag, ok := cutChange(step); ok {
		set, clear, err := balancer.ParseFlags(flag)
		if err == nil {
			err = p.Balancers()[0].ChangeMember(members[name].URL, balancer.MemberChange{Set: set, Clear: clear})
		}
		if err != nil {
			t.Fatal(err)
		}
		return step
	}
	return requests(t, p.addr, step)
}

// cutChange takes "B+D" apart.
func cutChange(step string) (member int, flag string, ok bool) {
	if step[0] < 'A' || step[0] > 'Z' {
		return 0, "", false
	}
	return int(step[0] - 'A'), step[1:], true
}

// requests sends a step's, one after the other, each on a connection of its own.
func requests(t *testing.T, addr, step string) (picks string) {
	n, route := 1, step
	if !strings.HasPrefix(step, ".") {
		fmt.Sscan(step, &n)
		route = ""
	}
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nCookie: SID=x%s\r\n\r\n", route)
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, c) // until the server has done with it
		c.Close()
		if res.StatusCode == 200 {
			picks += string(body)
		} else {
			picks += "-"
		}
	}
	return picks
}
