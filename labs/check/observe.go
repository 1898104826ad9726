package check

import (
	"fmt"
	"path/filepath"
	"slices"

	"proxylab/loadtest"
	"proxylab/reports/record"
)

// Observations are what an expression sees. The names are those of the package's
// documentation.
type Observations struct {
	Lab     string         `expr:"lab"`
	Size    string         `expr:"size"`
	Seed    int            `expr:"seed"`
	Systems []System       `expr:"systems"`
	Proxies []System       `expr:"proxies"`
	Parity  []Question     `expr:"parity"`
	Weights map[string]int `expr:"weights"`

	Find func(name string) (System, error) `expr:"system"`
}

// Question is one row of parity.
type Question struct {
	Question string            `expr:"question"`
	Answers  map[string]string `expr:"answers"`
}

// Tally is what was counted, of a trial or of all trials of a system.
type Tally struct {
	Sent     int                `expr:"sent"`
	Right    int                `expr:"right"`
	Wrong    int                `expr:"wrong"`
	Failed   int                `expr:"failed"`
	Late     int                `expr:"late"`
	Origins  map[string]int     `expr:"origins"`
	Shares   map[string]float64 `expr:"shares"`
	Counted  map[string]int     `expr:"counted"`
	Statuses map[int]int        `expr:"statuses"`
	Caches   map[string]int     `expr:"caches"`
}

// System is one system over all its trials.
type System struct {
	Tally
	Name   string  `expr:"name"`
	Valid  int     `expr:"valid"`
	Trials []Trial `expr:"trials"`
}

// Trial is one system under the schedule once.
type Trial struct {
	Tally
	ID       string    `expr:"id"`
	Block    int       `expr:"block"`
	System   string    `expr:"system"`
	Validity string    `expr:"validity"`
	Reasons  []string  `expr:"reasons"`
	Schedule string    `expr:"schedule"`
	Answers  []Answer  `expr:"answers"`
	Sequence []string  `expr:"sequence"`
	Response []float64 `expr:"response"`
	Service  []float64 `expr:"service"`
}

// Answer is one request and what came of it. Times are in seconds of the schedule.
type Answer struct {
	N         int     `expr:"n"`
	Target    int     `expr:"target"`
	Status    int     `expr:"status"`
	Bytes     int     `expr:"bytes"`
	Right     bool    `expr:"right"`
	Origin    string  `expr:"origin"`
	Err       string  `expr:"err"`
	Item      int     `expr:"item"`
	Cache     string  `expr:"cache"`
	Planned   float64 `expr:"planned"`
	Start     float64 `expr:"start"`
	FirstByte float64 `expr:"first_byte"`
	End       float64 `expr:"end"`
}

// direct is the system that is no proxy.
const direct = "direct"

// Observe reads the raw records of a run: what trials counted is counted anew from
// their samples. weights are those of the lab's first balancer. A record that its
// samples contradict is an error.
func Observe(dir string, weights map[string]int) (Observations, error) {
	r, err := record.Read(dir)
	if err != nil {
		return Observations{}, err
	}
	o := Observations{Lab: r.About.Lab, Size: r.About.Size, Seed: int(r.About.Seed), Weights: weights}
	for _, p := range r.Parity {
		o.Parity = append(o.Parity, Question(p))
	}
	for _, s := range r.Systems {
		sys := System{Name: s.Name, Tally: newTally()}
		for _, t := range r.Trials {
			if t.System != s.Name {
				continue
			}
			trial, err := observe(dir, t)
			if err != nil {
				return o, err
			}
			sys.add(trial.Tally)
			if t.Validity == record.Valid {
				sys.Valid++
			}
			sys.Trials = append(sys.Trials, trial)
		}
		sys.share()
		o.Systems = append(o.Systems, sys)
		if s.Name != direct {
			o.Proxies = append(o.Proxies, sys)
		}
	}
	o.Find = finder(o.Systems)
	return o, nil
}

func observe(dir string, t record.Trial) (Trial, error) {
	out := Trial{ID: t.ID, Block: t.Block, System: t.System, Validity: string(t.Validity), Reasons: t.Reasons, Schedule: t.ScheduleSHA256, Tally: newTally()}
	samples, err := loadtest.ReadFile(filepath.Join(dir, filepath.FromSlash(t.Samples)))
	if err != nil {
		return out, err
	}
	loadtest.SortSamples(samples)
	sum := loadtest.Summary(samples)
	if sum.Requests != t.Requests || sum.Right != t.Right {
		return out, fmt.Errorf("%s: %s holds %d requests, %d right; the record counted %d and %d\n\thint: one of the two was changed after the run; play it again",
			t.ID, t.Samples, sum.Requests, sum.Right, t.Requests, t.Right)
	}
	out.Sent, out.Right, out.Wrong, out.Failed, out.Late = sum.Requests, sum.Right, sum.Wrong, sum.Failed, sum.Late
	for name, n := range t.Origins {
		out.Counted[name] = int(n)
	}
	for _, s := range samples {
		out.take(s)
	}
	slices.Sort(out.Response)
	slices.Sort(out.Service)
	out.share()
	return out, nil
}

func (t *Trial) take(s loadtest.Sample) {
	right := s.Right && s.Err == ""
	a := Answer{
		N: int(s.N), Target: s.Target, Status: s.Status, Bytes: int(s.Bytes), Right: right, Origin: s.Origin, Err: s.Err, Item: s.Item, Cache: s.Cache,
		Planned: s.Planned.Seconds(), Start: s.Start.Seconds(), FirstByte: s.FirstByte.Seconds(), End: s.End.Seconds(),
	}
	t.Statuses[s.Status]++
	if s.Cache != "" {
		t.Caches[s.Cache]++
	}
	from := ""
	if right {
		from = s.Origin
		t.Origins[from]++
		t.Response = append(t.Response, s.Response().Seconds()*1e3)
		t.Service = append(t.Service, s.Service().Seconds()*1e3)
	}
	t.Answers = append(t.Answers, a)
	t.Sequence = append(t.Sequence, from)
}

func newTally() Tally {
	return Tally{Origins: map[string]int{}, Shares: map[string]float64{}, Counted: map[string]int{}, Statuses: map[int]int{}, Caches: map[string]int{}}
}

func (t *Tally) add(u Tally) {
	t.Sent, t.Right, t.Wrong, t.Failed, t.Late = t.Sent+u.Sent, t.Right+u.Right, t.Wrong+u.Wrong, t.Failed+u.Failed, t.Late+u.Late
	addTo(t.Origins, u.Origins)
	addTo(t.Counted, u.Counted)
	addTo(t.Statuses, u.Statuses)
	addTo(t.Caches, u.Caches)
}

func addTo[K comparable](to, from map[K]int) {
	for k, n := range from {
		to[k] += n
	}
}

func (t *Tally) share() {
	for name, n := range t.Origins {
		t.Shares[name] = float64(n) / float64(t.Right)
	}
}
