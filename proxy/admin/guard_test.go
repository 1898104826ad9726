package admin

import (
	"net"
	"strings"
	"testing"
)

const change = "/api/balancers/origins/members/one"

// A change from a browser has to come from our own page. Each row is a request that
// some page makes a browser send; want 200 where the page is ours.
func TestOnlyOurOwnPageMakesChanges(t *testing.T) {
	b := origins(t, nil)
	m := manage(t, Config{}, b)
	_, _, h := m.ask("GET", "/api/balancers", "")
	token := csrfField + ": " + h.Get(csrfField)
	if len(h.Get(csrfField)) < 20 {
		t.Fatal(h)
	}
	ours := "Origin: " + m.base
	rows := []struct {
		claim  string
		fields []string
		want   int
	}{
		{"our page", []string{ours, "Sec-Fetch-Site: same-origin", token}, 200},
		{"our page in an older browser", []string{ours, token}, 200},
		{"a program", nil, 200},
		{"our page without the token", []string{ours, "Sec-Fetch-Site: same-origin"}, 403},
		{"our page with another token", []string{ours, "Sec-Fetch-Site: same-origin", csrfField + ": " + strings.Repeat("A", 26)}, 403},
		{"a foreign page", []string{"Origin: http://evil.example", "Sec-Fetch-Site: cross-site"}, 403},
		{"a foreign page that knows the token", []string{"Origin: http://evil.example", "Sec-Fetch-Site: cross-site", token}, 403},
		{"a foreign page in an older browser", []string{"Origin: http://evil.example", token}, 403},
		{"a page of another port", []string{"Origin: http://127.0.0.1:1", "Sec-Fetch-Site: same-site", token}, 403},
		{"a page without an origin", []string{"Origin: null", "Sec-Fetch-Site: cross-site", token}, 403},
		{"a page without an origin in an older browser", []string{"Origin: null", token}, 403},
		{"a form", []string{"Content-Type: text/plain"}, 415},
		{"a form that says nothing of itself", []string{"Content-Type: "}, 415},
		{"a foreign name that leads here", []string{"Host: evil.example", "Origin: http://evil.example", "Sec-Fetch-Site: same-origin", token}, 421},
	}
	for _, row := range rows {
		t.Run(row.claim, func(t *testing.T) {
			m.patch(change, `{"status": "-D"}`)
			status, text, _ := m.ask("PATCH", change, `{"status": "+D"}`, row.fields...)
			if changed := b.Status().Members[0].Flags != 0; status != row.want || changed != (row.want == 200) {
				t.Errorf("%d, want %d; changed %v: %s", status, row.want, changed, text)
			}
		})
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		status, _, h := m.ask(method, change, `{"status": "+D"}`)
		if status != 405 || h.Get("Allow") != "GET, HEAD, PATCH" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %v", method, status, h)
		}
	}
}

func TestAForeignNameMayNotRead(t *testing.T) {
	m := manage(t, Config{}, origins(t, nil))
	for host, want := range map[string]int{
		"evil.example": 421, "evil.example:9090": 421, "localhost.evil.example": 421, "": 200,
		"localhost": 200, "LOCALHOST:9090": 200, "127.0.0.1": 200, "[::1]:9090": 200, "[::1]": 200,
	} {
		if host == "" {
			host = m.Addr().String()
		}
		if status, _, h := m.ask("GET", "/api/balancers", "", "Host: "+host); status != want || want != 200 && h.Get(csrfField) != "" {
			t.Errorf("%s: %d, want %d", host, status, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	const token, password = "0123456789abcdef", "correct-horse-battery"
	basic := func(user, password string) string {
		return "Authorization: " + basicAuth(user, password)
	}
	token1 := Config{Token: token}
	user1 := Config{User: "operator", Password: password}
	both := Config{Token: token, User: "operator", Password: password}
	rows := []struct {
		claim  string
		config Config
		field  string
		want   int
	}{
		{"nothing", token1, "X: y", 401},
		{"the token", token1, "Authorization: Bearer " + token, 200},
		{"the token, scheme in lower case", token1, "Authorization: bearer " + token, 200},
		{"another token", token1, "Authorization: Bearer " + token + "0", 401},
		{"an empty token", token1, "Authorization: Bearer ", 401},
		{"the token of a browser", token1, basic("anybody", token), 200},
		{"an empty user and password", token1, basic("", ""), 401},
		{"nothing, of a user", user1, "X: y", 401},
		{"the password", user1, basic("operator", password), 200},
		{"the password of another user", user1, basic("Operator", password), 401},
		{"another password", user1, basic("operator", password+"x"), 401},
		{"an empty password", user1, basic("operator", ""), 401},
		{"an empty token where there is none", user1, "Authorization: Bearer ", 401},
		{"the password as a token", user1, "Authorization: Bearer " + password, 401},
		{"an empty password where there is a token", both, basic("operator", ""), 401},
		{"either: the token", both, "Authorization: Bearer " + token, 200},
		{"either: the password", both, basic("operator", password), 200},
	}
	for _, row := range rows {
		t.Run(row.claim, func(t *testing.T) {
			m := manage(t, row.config, origins(t, nil))
			for _, path := range []string{"/", "/metrics", "/api/balancers", change, "/nowhere"} {
				status, text, h := m.ask("GET", path, "", row.field)
				want := row.want
				if path == "/nowhere" && want == 200 {
					want = 404
				}
				if status != want || want == 401 && (len(h.Values("WWW-Authenticate")) != 2 || h.Get(csrfField) != "" || strings.Contains(text, "origins")) {
					t.Errorf("GET %s: %d, want %d: %v %s", path, status, want, h, text)
				}
			}
			if status, text, _ := m.ask("PATCH", change, `{"status": "+D"}`, row.field); status != row.want {
				t.Errorf("PATCH: %d, want %d: %s", status, row.want, text)
			}
			if strings.Contains(m.log.String(), token) || strings.Contains(m.log.String(), password) {
				t.Error("a secret is in the log")
			}
			if row.want == 401 && row.field != "X: y" && !strings.Contains(m.log.String(), "a wrong secret") {
				t.Error("the log has no word of it")
			}
		})
	}
}

func TestChangesAreLoggedWithTheUser(t *testing.T) {
	m := manage(t, Config{User: "operator", Password: "correct-horse-battery"}, origins(t, nil))
	m.ask("PATCH", change, `{"status": "+D"}`, "Authorization: "+basicAuth("operator", "correct-horse-battery"))
	if !strings.Contains(m.log.String(), "user=operator") {
		t.Error(m.log)
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	m := manage(t, Config{}, origins(t, nil))
	for _, path := range []string{"/", "/metrics", "/api/balancers", "/nowhere"} {
		_, _, h := m.ask("GET", path, "")
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: %s", path, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" ||
			h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestWithoutASecretOnlyThisMachineIsServed(t *testing.T) {
	s := New(Options{Logger: discard()})
	defer s.Close()
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0"} {
		err := s.Configure(Config{Listen: addr}, nil)
		if err == nil || !strings.Contains(err.Error(), "anybody who reaches") || !strings.Contains(err.Error(), "\n\thint: ") || s.Addr() != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if err := s.Configure(Config{Listen: "0.0.0.0:0", Token: "0123456789abcdef"}, nil); err != nil {
		t.Error(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := s.Configure(Config{Listen: taken.Addr().String()}, nil); err == nil || !strings.Contains(err.Error(), "is in use\n\thint: ") {
		t.Error(err)
	}
}
