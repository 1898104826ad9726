package reports_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"proxylab/loadtest"
	"proxylab/reports/record"
)

// model is what a synthetic system truly does.
type model struct {
	name   string
	median float64 // ms of service time
	spread float64 // of its logarithm
	tail   float64 // share of answers that take ten times as long
	cpu    float64 // µs a request
	memory float64 // MiB
}

var models = []model{
	{"proxyd", 0.42, 0.28, 0.006, 31, 14.2},
	{"apache", 0.71, 0.36, 0.012, 112, 38.5},
	{"direct", 0.24, 0.22, 0.003, 0, 0},
}

// synthetic is a run made up from models. Its zero value is usable after
// newSynthetic.
type synthetic struct {
	run    record.Run
	blocks int
	rates  []float64
	level  time.Duration
	rng    *rand.Rand
}

func newSynthetic(blocks int) *synthetic {
	s := &synthetic{
		blocks: blocks, rates: []float64{400, 800, 1200}, level: 2 * time.Second,
		rng: rand.New(rand.NewPCG(7, 11)),
	}
	began := time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	s.run = record.Run{
		Schema: record.Schema,
		About: record.About{
			ID: "20261123-101500-01-side-by-side", Lab: "01-side-by-side", Title: "What does a proxy cost, and which costs less?",
			Size: "quick", Seed: 7, Command: "make lab LAB=01 SIZE=quick SEED=7", Commit: "9ace125d1b1c", Started: began, Ended: began.Add(151 * time.Second),
			Rules: []string{"It is invalid when the moon is full."},
			Notes: []string{"2 CPUs are shared by the systems, the origins and the generator: CPU time per request is the figure to trust, latencies hold for this machine alone."},
		},
		Machine: record.Machine{
			OS: "Debian GNU/Linux 13 (trixie)", Kernel: "6.12.48+deb13-amd64", Arch: "x86_64", CPUModel: "AMD EPYC 7B13", CPUs: 2,
			MemoryBytes: 8 << 30, Engine: "Docker 26.1.5", CgroupVersion: "2", StorageDriver: "overlay2", Go: "go1.26.8",
		},
		Load: record.Load{Targets: []string{"GET /size/1024"}, WarmUp: 2, Connections: 64, Timeout: 5},
	}
	for i, rate := range s.rates {
		at := time.Duration(i) * s.level
		s.run.Load.Phases = append(s.run.Load.Phases, record.Phase{
			Shape: "stairs", Start: at.Seconds(), End: (at + s.level).Seconds(), From: rate, To: rate,
		})
	}
	s.run.Parity = []record.Parity{
		{Question: "Content-Encoding of text", Answers: map[string]string{"proxyd": "none", "apache": "gzip"}},
		{Question: "bodies, by hash", Answers: map[string]string{"proxyd": "5 of 5 right", "apache": "5 of 5 right"}},
	}
	for _, m := range models {
		sys := record.System{Name: m.name}
		switch m.name {
		case "proxyd":
			sys.Image, sys.ImageID, sys.Version = "proxylab/proxyd", "sha256:4f1c6c0d7b27", "proxyd 9ace125"
			sys.Config, sys.CPUs, sys.Memory = []string{"site.yaml"}, 1, 256<<20
		case "apache":
			sys.Image, sys.ImageID, sys.Version = "proxylab/apache", "sha256:90aa3be11c52", "Apache/2.4.65 (Debian)"
			sys.Config, sys.CPUs, sys.Memory, sys.Flavour = []string{"proxylab.conf"}, 1, 256<<20, "stock"
			sys.Differs = []string{"members' retry: 5s; stock is 1m0s"}
		}
		s.run.Systems = append(s.run.Systems, sys)
	}
	return s
}

// newSmall is a run with a quarter of the requests, enough for a p99, for
// tests that are not about figures.
func newSmall(blocks int) *synthetic {
	s := newSynthetic(blocks)
	for i := range s.rates {
		s.rates[i] /= 4
		p := &s.run.Load.Phases[i]
		p.From, p.To = s.rates[i], s.rates[i]
	}
	return s
}

var configTexts = map[string]string{
	"proxyd": "listen: :8080\nbalancers:\n  - name: origins\n    lbmethod: byrequests\n    members:\n      - url: http://172.30.1.11:8080\n      - url: http://172.30.1.12:8080\n      - url: http://172.30.1.13:8080\nroutes:\n  - path: /\n    to: balancer://origins\n",
	"apache": "<VirtualHost *:8080>\n  <Proxy balancer://origins>\n    BalancerMember http://172.30.1.11:8080\n    BalancerMember http://172.30.1.12:8080\n    BalancerMember http://172.30.1.13:8080\n    ProxySet lbmethod=byrequests\n  </Proxy>\n  ProxyPass / balancer://origins/\n  ProxyPassReverse / balancer://origins/\n</VirtualHost>\n",
}

// write makes the run's folder below parent and returns its path.
func (s *synthetic) write(t testing.TB, parent string) string {
	t.Helper()
	dir := filepath.Join(parent, s.run.About.ID)
	must(t, os.MkdirAll(filepath.Join(dir, "samples"), 0o755))
	for system, text := range configTexts {
		must(t, os.MkdirAll(filepath.Join(dir, "config", system), 0o755))
		for _, sys := range s.run.Systems {
			if sys.Name == system {
				must(t, os.WriteFile(filepath.Join(dir, "config", system, sys.Config[0]), []byte(text), 0o644))
			}
		}
	}
	for b := 1; b <= s.blocks; b++ {
		drift := math.Exp(s.rng.NormFloat64() * 0.05) // what the machine does to the whole block
		for _, i := range s.rng.Perm(len(models)) {
			s.trial(t, dir, b, models[i], drift)
		}
	}
	must(t, record.Write(dir, s.run))
	return dir
}

func (s *synthetic) trial(t testing.TB, dir string, block int, m model, drift float64) {
	t.Helper()
	id := fmt.Sprintf("%02d-%s", block, m.name)
	samples := s.samples(m, drift)
	file := "samples/" + id + ".csv.gz"
	must(t, loadtest.WriteFile(filepath.Join(dir, file), samples))
	n := int64(len(samples))
	tr := record.Trial{
		ID: id, Block: block, System: m.name, Seconds: (time.Duration(len(s.rates)) * s.level).Seconds(),
		Started: s.run.About.Started.Add(time.Duration(len(s.run.Trials)) * 8 * time.Second), Validity: record.Valid,
		ScheduleSHA256: "5a1f0c3de9b7", Requests: len(samples), Right: len(samples), Samples: file,
		Origins: map[string]int64{"origin-1": (n + 2) / 3, "origin-2": (n + 1) / 3, "origin-3": n / 3},
	}
	if m.cpu > 0 {
		noise := drift * math.Exp(s.rng.NormFloat64()*0.02)
		tr.Resources.System = &record.Usage{
			Source: "engine API, 1 Hz", CPUPerRequest: m.cpu * noise, CPUSeconds: m.cpu * noise * float64(n) / 1e6,
			MemoryMedianBytes: int64(m.memory * (1 + s.rng.Float64()*0.04) * (1 << 20)),
		}
	}
	s.run.Trials = append(s.run.Trials, tr)
}

// samples plays one trial of the stairs.
func (s *synthetic) samples(m model, drift float64) []loadtest.Sample {
	var out []loadtest.Sample
	for l, rate := range s.rates {
		for i := range int(rate * s.level.Seconds()) {
			planned := time.Duration(l)*s.level + time.Duration(float64(i)/rate*float64(time.Second))
			ms := m.median * drift * math.Exp(s.rng.NormFloat64()*m.spread) * (1 + 0.12*float64(l))
			if s.rng.Float64() < m.tail {
				ms *= 3 + 9*s.rng.Float64()
			}
			start := planned + time.Duration(20e3+s.rng.ExpFloat64()*60e3)
			end := start + time.Duration(ms*1e6)
			out = append(out, loadtest.Sample{
				N: uint64(len(out)), Planned: planned, Start: start, FirstByte: end - time.Microsecond*20, End: end,
				Status: 200, Bytes: 1024, Right: true, Origin: fmt.Sprintf("origin-%d", 1+len(out)%3),
			})
		}
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
