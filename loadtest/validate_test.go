package loadtest

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func validPlan() Plan {
	return Plan{
		Bases:       []string{"http://10.0.0.2:8080"},
		Targets:     []Target{{Path: "/size/1024", Size: 1024}},
		Phases:      []Phase{{Shape: Constant, Rate: 100, For: time.Second}},
		Connections: 8,
		Timeout:     time.Second,
	}
}

func TestFaultsOfAPlan(t *testing.T) {
	if err := validPlan().Validate(); err != nil {
		t.Fatalf("the plan that the rows spoil is not valid: %v", err)
	}
	rows := []struct {
		name  string
		spoil func(*Plan)
		place string
	}{
		{"no base", func(p *Plan) { p.Bases = nil }, "plan.bases"},
		{"base with a path", func(p *Plan) { p.Bases[0] += "/" }, "plan.bases[0]"},
		{"base without a host", func(p *Plan) { p.Bases[0] = "http://:80" }, "plan.bases[0]"},
		{"base with a user", func(p *Plan) { p.Bases[0] = "http://u@h" }, "plan.bases[0]"},
		{"base of https", func(p *Plan) { p.Bases[0] = "https://h" }, "plan.bases[0]"},
		{"base that is no URL", func(p *Plan) { p.Bases[0] = "http://h:x" }, "plan.bases[0]"},
		{"no target", func(p *Plan) { p.Targets = nil }, "plan.targets"},
		{"method with a space", func(p *Plan) { p.Targets[0].Method = "GET /" }, "plan.targets[0].method"},
		{"CONNECT", func(p *Plan) { p.Targets[0].Method = "CONNECT" }, "plan.targets[0].method"},
		{"relative path", func(p *Plan) { p.Targets[0].Path = "size" }, "plan.targets[0].path"},
		{"no path", func(p *Plan) { p.Targets[0].Path = "" }, "plan.targets[0].path"},
		{"path that would change", func(p *Plan) { p.Targets[0].Path = "/a b" }, "plan.targets[0].path"},
		{"path with a line feed", func(p *Plan) { p.Targets[0].Path = "/a\nb" }, "plan.targets[0].path"},
		{"negative body", func(p *Plan) { p.Targets[0].Body = -1 }, "plan.targets[0].body"},
		{"negative weight", func(p *Plan) { p.Targets[0].Weight = -1 }, "plan.targets[0].weight"},
		{"weight that is no number", func(p *Plan) { p.Targets[0].Weight = math.NaN() }, "plan.targets[0].weight"},
		{"status 100", func(p *Plan) { p.Targets[0].Status = 100 }, "plan.targets[0].status"},
		{"size -2", func(p *Plan) { p.Targets[0].Size = -2 }, "plan.targets[0].size"},
		{"HEAD with a size", func(p *Plan) { p.Targets[0].Method = "HEAD" }, "plan.targets[0].size"},
		{"short hash", func(p *Plan) { p.Targets[0].XXH64 = "abc" }, "plan.targets[0].xxh64"},
		{"hash in capitals", func(p *Plan) { p.Targets[0].XXH64 = "ABCDEF0123456789" }, "plan.targets[0].xxh64"},
		{"turns below none", func(p *Plan) { p.InTurn = -1 }, "plan.in_turn"},
		{"no phase", func(p *Plan) { p.Phases = nil }, "plan.phases"},
		{"unknown shape", func(p *Plan) { p.Phases[0].Shape = "sawtooth" }, "plan.phases[0].shape"},
		{"negative rate", func(p *Plan) { p.Phases[0].Rate = -1 }, "plan.phases[0].rate"},
		{"rate that is no number", func(p *Plan) { p.Phases[0].Rate = math.NaN() }, "plan.phases[0].rate"},
		{"endless rate", func(p *Plan) { p.Phases[0].Rate = math.Inf(1) }, "plan.phases[0].rate"},
		{"constant with an end", func(p *Plan) { p.Phases[0].To = 5 }, "plan.phases[0].to"},
		{"constant with steps", func(p *Plan) { p.Phases[0].Steps = 5 }, "plan.phases[0].steps"},
		{"ramp with steps", func(p *Plan) { p.Phases[0] = Phase{Shape: Ramp, Rate: 1, To: 9, Steps: 2, For: time.Second} }, "plan.phases[0].steps"},
		{"stairs of one step", func(p *Plan) { p.Phases[0] = Phase{Shape: Stairs, Rate: 1, To: 9, Steps: 1, For: time.Second} }, "plan.phases[0].steps"},
		{"no length", func(p *Plan) { p.Phases[0].For = 0 }, "plan.phases[0].for"},
		{"nothing due", func(p *Plan) { p.Phases[0].Rate = 0 }, "plan.phases"},
		{"too much due", func(p *Plan) { p.Phases[0] = Phase{Shape: Constant, Rate: MaxRate, For: time.Hour} }, "plan.phases"},
		{"spike beyond its phase", func(p *Plan) {
			p.Phases[0] = Phase{Shape: Spike, Rate: 1, To: 9, At: time.Second, Lasts: 2 * time.Second, For: 2 * time.Second}
		}, "plan.phases[0].lasts"},
		{"sine without a period", func(p *Plan) { p.Phases[0] = Phase{Shape: Sine, Rate: 5, To: 9, For: time.Second} }, "plan.phases[0].period"},
		{"sine below nought", func(p *Plan) {
			p.Phases[0] = Phase{Shape: Sine, Rate: 5, To: 11, Period: time.Second, For: time.Second}
		}, "plan.phases[0].to"},
		{"empty trace", func(p *Plan) { p.Phases[0] = Phase{Shape: Replay, For: time.Second} }, "plan.phases[0].trace"},
		{"trace out of order", func(p *Plan) {
			p.Phases[0] = Phase{Shape: Replay, For: time.Second, Trace: []Arrival{{At: 5}, {At: 4}}}
		}, "plan.phases[0].trace[1].at"},
		{"trace longer than its phase", func(p *Plan) {
			p.Phases[0] = Phase{Shape: Replay, For: time.Second, Trace: []Arrival{{At: time.Second}}}
		}, "plan.phases[0].trace[0].at"},
		{"trace of an unknown target", func(p *Plan) {
			p.Phases[0] = Phase{Shape: Replay, For: time.Second, Trace: []Arrival{{Target: 1}}}
		}, "plan.phases[0].trace[0].target"},
		{"Poisson trace", func(p *Plan) {
			p.Phases[0], p.Arrivals = Phase{Shape: Replay, For: time.Second, Trace: []Arrival{{}}}, Poisson
		}, "plan.phases[0].trace"},
		{"unknown arrivals", func(p *Plan) { p.Arrivals = "random" }, "plan.arrivals"},
		{"too much Poisson", func(p *Plan) { p.Phases[0].Rate, p.Phases[0].For, p.Arrivals = MaxRate, 11*time.Second, Poisson }, "plan.arrivals"},
		{"nobody in the closed loop", func(p *Plan) { p.Phases[0] = Phase{Shape: Closed, For: time.Second} }, "plan.phases[0].clients"},
		{"closed loop with a rate", func(p *Plan) { p.Phases[0] = Phase{Shape: Closed, Clients: 1, Rate: 5, For: time.Second} }, "plan.phases[0].rate"},
		{"closed loop behind a phase", func(p *Plan) { p.Phases = append(p.Phases, Phase{Shape: Closed, Clients: 1, For: time.Second}) }, "plan.phases[1].shape"},
		{"item without items", func(p *Plan) { p.Targets[0].Path = "/size/{item}" }, "plan.targets[0].items"},
		{"item in a field without items", func(p *Plan) { p.Targets[0].Fields = map[string]string{"X-I": "{item}"} }, "plan.targets[0].items"},
		{"items below none", func(p *Plan) { p.Targets[0].Items = -1 }, "plan.targets[0].items"},
		{"Zipf without items", func(p *Plan) { p.Targets[0].Zipf = 1 }, "plan.targets[0].zipf"},
		{"Zipf below none", func(p *Plan) { p.Targets[0].Zipf, p.Targets[0].Items = -1, 5 }, "plan.targets[0].zipf"},
		{"place that is unknown", func(p *Plan) { p.Targets[0].Path = "/{user}" }, "plan.targets[0].path"},
		{"field that is no token", func(p *Plan) { p.Targets[0].Fields = map[string]string{"X Y": "1"} }, "plan.targets[0].fields.X Y"},
		{"field with a line feed", func(p *Plan) { p.Targets[0].Fields = map[string]string{"X": "1\r\nY: 2"} }, "plan.targets[0].fields.X"},
		{"field of the framing", func(p *Plan) { p.Targets[0].Fields = map[string]string{"content-Length": "1"} }, "plan.targets[0].fields.content-Length"},
		{"cookie that is two", func(p *Plan) { p.Targets[0].Cookies = map[string]string{"a": "1; b=2"} }, "plan.targets[0].cookies.a"},
		{"cookie without a name", func(p *Plan) { p.Targets[0].Cookies = map[string]string{"": "1"} }, "plan.targets[0].cookies."},
		{"slow in nothing", func(p *Plan) { p.Targets[0].Slow = &Slow{} }, "plan.targets[0].slow"},
		{"slow below none", func(p *Plan) { p.Targets[0].Slow = &Slow{Read: -1} }, "plan.targets[0].slow.read"},
		{"slow body without a body", func(p *Plan) { p.Targets[0].Slow = &Slow{Body: 9} }, "plan.targets[0].slow.body"},
		{"no connection", func(p *Plan) { p.Connections = 0 }, "plan.connections"},
		{"no timeout", func(p *Plan) { p.Timeout = 0 }, "plan.timeout"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := validPlan()
			row.spoil(&p)
			var faults Faults
			if err := p.Validate(); !errors.As(err, &faults) {
				t.Fatalf("no fault found: %v", err)
			}
			if len(faults) != 1 || faults[0].Place != row.place || faults[0].What == "" || faults[0].Hint == "" {
				t.Errorf("faults %+v, want one at %s with a hint", faults, row.place)
			}
			if _, err := p.Schedule(); err == nil {
				t.Error("it can be scheduled all the same")
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	p := validPlan()
	p.Bases = []string{"http://h:1", "ftp://h"}
	p.Targets = append(p.Targets, Target{Path: "x", Status: 42})
	p.Phases[0].Rate = -3
	p.Timeout = -1
	want := `plan.bases[1]: "ftp://h" is not http://host:port
	hint: no path, no slash at the end, no user
plan.targets[1].path: "x" is not a path that begins with "/"
	hint: as /size/1024 or /echo?q=1
plan.targets[1].status: 42 is not between 200 and 599
	hint: leave it out for 200, the default
plan.phases[0].rate: -3 is not between 0 and 1000000
	hint: requests per second
plan.timeout: -1ns is not above 0 and at most 10m0s
	hint: in nanoseconds: 5000000000 is 5 s`
	if got := p.Validate(); got == nil || got.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", got, want)
	}
}

func TestDecodePlanIsStrict(t *testing.T) {
	const good = `{"bases":["http://h:1"],"targets":[{"path":"/"}],"phases":[{"shape":"constant","rate":1,"for":1000000000}],"connections":1,"timeout":1}`
	if _, err := DecodePlan(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"unknown key":     `{"base":["http://h:1"]}`,
		"two plans":       good + good,
		"cut off":         good[:len(good)-1],
		"nothing":         "",
		"a list":          "[]",
		"a length in s":   strings.Replace(good, `"for":1000000000`, `"for":"1s"`, 1),
		"not a good plan": `{}`,
	} {
		var faults Faults
		if _, err := DecodePlan(strings.NewReader(text)); !errors.As(err, &faults) || !strings.HasPrefix(faults[0].Place, "plan") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
