package admin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"proxylab/proxy/balancer"
)

// restart is a manager of a new process with the same state file.
func restart(t *testing.T, file string, b *balancer.Balancer) *managed {
	return manage(t, Config{State: file}, b)
}

func TestChangesStayOverARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	m := restart(t, file, origins(t, nil))
	m.patch(change, `{"status": "+NI", "loadfactor": 2.5, "lbset": 1, "redirect": "b", "max": 9}`)
	m.patch("/api/balancers/origins/members/http:%2F%2F10.0.0.12:8080", `{"status": "+E", "route": "two"}`)
	m.patch("/api/balancers/origins", `{"lbmethod": "bytraffic"}`)
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(left) != 1 {
		t.Errorf("beside the state there are %v", left)
	}

	again := origins(t, nil)
	r := restart(t, file, again)
	s := again.Status()
	if s.Method != "bytraffic" || settingsOf(&s.Members[0]) != (settings{"NI", 2.5, 1, "one", "b", 9}) {
		t.Errorf("%+v", s)
	}
	if settingsOf(&s.Members[1]) != (settings{"", 1, 0, "two", "", 0}) { // an error state is no change of the Site's
		t.Errorf("%+v", s.Members[1])
	}
	if n := strings.Count(r.log.String(), "a change of before holds"); n != 3 {
		t.Errorf("%d of 3 are told:\n%s", n, r.log)
	}

	// What the Site says anew wins, thing by thing.
	other := origins(t, func(c *balancer.Config) {
		c.Method = "leastconn"
		c.Members[0].LoadFactor, c.Members[0].Status = 4, balancer.Draining|balancer.HotStandby
		c.Members = append(c.Members[:1], balancer.MemberConfig{Name: "http://10.0.0.13:8080", LoadFactor: 1})
	})
	restart(t, file, other)
	s = other.Status()
	if s.Method != "leastconn" || settingsOf(&s.Members[0]) != (settings{"HNI", 4, 1, "one", "b", 9}) || s.Members[1].Changed {
		t.Errorf("%+v", s)
	}
}

func TestUndoneChangesAreForgotten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	m := restart(t, file, origins(t, nil))
	m.patch(change, `{"status": "+N"}`)
	m.patch(change, `{"status": "-N"}`)
	again := origins(t, nil)
	restart(t, file, again)
	if again.Status().Members[0].Changed {
		t.Error(again.Status())
	}
}

// The Site drops what it says anew on reload, and so does the file.
func TestAReloadWritesWhatStillHolds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	b := origins(t, nil)
	m := restart(t, file, b)
	m.patch(change, `{"loadfactor": 3}`)
	if err := m.Configure(Config{Listen: "127.0.0.1:0", State: file}, func() error {
		return b.ChangeMember(one, balancer.MemberChange{LoadFactor: new(float64(1))})
	}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), "loadfactor") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestABadStateIsToldOnce(t *testing.T) {
	for claim, text := range map[string]string{
		"no JSON":       "listen: :8080",
		"half of it":    `{"version": 1, "balancers": [`,
		"an older one":  `{"version": 0}`,
		"a newer one":   `{"version": 2, "balancers": []}`,
		"unknown words": `{"version": 1, "balancers": [{"name": "origins", "method": "x"}]}`,
	} {
		t.Run(claim, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "state.json")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			b := origins(t, nil)
			m := restart(t, file, b)
			if s := b.Status(); s.Changed || s.Members[0].Changed {
				t.Errorf("%+v", s)
			}
			if strings.Count(m.log.String(), "level=WARN") != 1 || !strings.Contains(m.log.String(), file) {
				t.Error(m.log)
			}
			m.patch(change, `{"status": "+N"}`)
			again := origins(t, nil)
			restart(t, file, again)
			if again.Status().Members[0].Flags != balancer.Draining {
				t.Error("the next change did not write it anew")
			}
		})
	}
}

// What the state wants and the balancer refuses is told, and the rest holds.
func TestAStateThatBreaksARule(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	os.WriteFile(file, []byte(`{"version": 1, "balancers": [
		{"name": "gone", "lbmethod": {"from": "byrequests", "to": "bytraffic"}},
		{"name": "origins", "lbmethod": {"from": "byrequests", "to": "magic"}, "members": [
			{"url": "http://gone"},
			{"url": "`+one+`", "loadfactor": {"from": 1, "to": 1000}},
			{"url": "`+two+`", "loadfactor": {"from": 1, "to": 2}}]}]}`), 0o600)
	b := origins(t, nil)
	m := restart(t, file, b)
	s := b.Status()
	if s.Changed || s.Members[0].Changed || s.Members[1].LoadFactor != 2 || strings.Count(m.log.String(), "does not hold") != 2 {
		t.Errorf("%+v\n%s", s, m.log)
	}
}

func TestAStateThatCannotBeWrittenIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gone", "state.json")
	b := origins(t, nil)
	m := restart(t, file, b)
	status, text, _ := m.ask("PATCH", change, `{"status": "+N"}`)
	if status != 200 || !strings.Contains(text, `"warning": "the change holds, but a restart will not know of it: `) || b.Status().Members[0].Flags != balancer.Draining {
		t.Errorf("%d %s", status, text)
	}
	if !strings.Contains(m.log.String(), "level=ERROR") {
		t.Error(m.log)
	}
}
