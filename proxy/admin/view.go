package admin

import (
	"time"

	"proxylab/proxy/balancer"
)

// listView, balancerView and memberView are what the API says, in the words of
// mod_proxy.
type listView struct {
	Time      time.Time      `json:"time"`
	Balancers []balancerView `json:"balancers"`
}

type balancerView struct {
	Name      string       `json:"name"`
	LBMethod  string       `json:"lbmethod"`
	LBMethods []string     `json:"lbmethods"` // that it could have
	Declared  string       `json:"declared"`  // the lbmethod of the Site
	Changed   bool         `json:"changed"`   // at run time
	Waiting   int          `json:"waiting"`
	Again     uint64       `json:"attempts_again"`
	Refused   uint64       `json:"attempts_refused"`
	Hedges    hedgesView   `json:"hedges"`
	Members   []memberView `json:"members"`
}

// hedgesView is about requests that went to a second member, as the first took long.
type hedgesView struct {
	Sent    uint64   `json:"sent"`
	Won     uint64   `json:"won"`           // the second answered first
	Refused uint64   `json:"refused"`       // by hedgebudget
	Delay   *float64 `json:"delay_seconds"` // that a request waits for before; null where none is hedged
}

// settings are what people may change of a member.
type settings struct {
	Status     string  `json:"status"` // letters of the flags
	LoadFactor float64 `json:"loadfactor"`
	LBSet      int     `json:"lbset"`
	Route      string  `json:"route"`
	Redirect   string  `json:"redirect"`
	Max        int     `json:"max"`
}

type memberView struct {
	URL string `json:"url"`
	settings
	Declared  settings   `json:"declared"`
	Changed   bool       `json:"changed"`
	Usable    bool       `json:"usable"`
	Candidate bool       `json:"candidate"`
	Elected   uint64     `json:"elected"`
	Busy      int64      `json:"busy"`
	Errors    uint64     `json:"errors"`
	Retries   uint64     `json:"retries"`
	To        int64      `json:"to"`
	From      int64      `json:"from"`
	LBStatus  int        `json:"lbstatus"`
	LBFactor  int        `json:"lbfactor"`
	Latency   *float64   `json:"latency_seconds"` // null where nobody measures it
	Check     *checkView `json:"check"`           // null where there was none
	ErrorEnd  *time.Time `json:"error_end"`       // null without E
}

type checkView struct {
	At    time.Time `json:"at"`
	Took  float64   `json:"took_seconds"`
	Error string    `json:"error"` // "" where the member passed
}

func viewBalancer(b *balancer.Balancer) balancerView {
	s, declared := b.Status(), b.Declared()
	v := balancerView{
		Name: s.Name, LBMethod: s.Method, LBMethods: balancer.Methods(), Declared: declared.Method, Changed: s.Changed,
		Waiting: s.Waiting, Again: s.Again, Refused: s.Refused,
		Hedges: hedgesView{Sent: s.Hedges, Won: s.HedgesWon, Refused: s.HedgesRefused},
	}
	if s.HedgeDelay > 0 {
		delay := s.HedgeDelay.Seconds()
		v.Hedges.Delay = &delay
	}
	for i := range s.Members {
		v.Members = append(v.Members, viewMember(&s.Members[i], declared.Members[i]))
	}
	return v
}

func viewMember(m *balancer.MemberStatus, declared balancer.MemberConfig) memberView {
	v := memberView{
		URL: m.Name, settings: settingsOf(m), Declared: declaredOf(declared), Changed: m.Changed,
		Usable: m.Flags.Usable(), Candidate: m.Candidate,
		Elected: m.Elected, Busy: m.Busy, Errors: m.Errors, Retries: m.Retries, To: m.To, From: m.From,
		LBStatus: m.LBStatus, LBFactor: m.LBFactor,
	}
	if m.Latency > 0 {
		took := m.Latency.Seconds()
		v.Latency = &took
	}
	if !m.Check.At.IsZero() {
		v.Check = &checkView{At: m.Check.At, Took: m.Check.Took.Seconds()}
		if m.Check.Err != nil {
			v.Check.Error = m.Check.Err.Error()
		}
	}
	if !m.ErrorEnd.IsZero() {
		v.ErrorEnd = &m.ErrorEnd
	}
	return v
}

func settingsOf(m *balancer.MemberStatus) settings {
	return settings{m.Flags.String(), m.LoadFactor, m.LBSet, m.Route, m.Redirect, m.Max}
}

func declaredOf(m balancer.MemberConfig) settings {
	return settings{m.Status.String(), m.LoadFactor, m.LBSet, m.Route, m.Redirect, m.Max}
}
