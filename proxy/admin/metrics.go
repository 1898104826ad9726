package admin

import (
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"proxylab/proxy/balancer"
)

// metrics answers a scrape. What it says is asked of the balancers then, so that a
// request costs nothing for it.
func (s *Server) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collector{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// figure is a metric of each balancer, or of each member.
type figure[T any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*T) float64
	has   func(*T) bool // nil where it always has a value
}

func row[T any](kind prometheus.ValueType, name, help string, labels []string, value func(*T) float64, has func(*T) bool) figure[T] {
	return figure[T]{prometheus.NewDesc(name, help, labels, nil), kind, value, has}
}

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

var (
	ofBalancer = []string{"balancer"}
	ofMember   = []string{"balancer", "member"}
)

var balancerFigures = []figure[balancer.Status]{
	row(gauge, "proxyd_balancer_waiting_requests", "Requests that wait because all members have their max.", ofBalancer,
		func(b *balancer.Status) float64 { return float64(b.Waiting) }, nil),
	row(counter, "proxyd_balancer_further_attempts_total", "Attempts at requests beyond the first.", ofBalancer,
		func(b *balancer.Status) float64 { return float64(b.Again) }, nil),
	row(counter, "proxyd_balancer_refused_attempts_total", "Further attempts that the retrybudget did not allow.", ofBalancer,
		func(b *balancer.Status) float64 { return float64(b.Refused) }, nil),
	row(counter, "proxyd_balancer_hedges_total", "Requests that went to a second member, as the first took longer than most.", ofBalancer,
		func(b *balancer.Status) float64 { return float64(b.Hedges) }, nil),
	row(counter, "proxyd_balancer_hedges_won_total", "Hedged requests that the second member answered first.", ofBalancer,
		func(b *balancer.Status) float64 { return float64(b.HedgesWon) }, nil),
	row(counter, "proxyd_balancer_refused_hedges_total", "Hedges that the hedgebudget did not allow.", ofBalancer,
		func(b *balancer.Status) float64 { return float64(b.HedgesRefused) }, nil),
	row(gauge, "proxyd_balancer_hedge_delay_seconds", "What an answer may take until its request may be hedged.", ofBalancer,
		func(b *balancer.Status) float64 { return b.HedgeDelay.Seconds() }, func(b *balancer.Status) bool { return b.HedgeDelay > 0 }),
}

type status = balancer.MemberStatus

var memberFigures = []figure[status]{
	row(counter, "proxyd_balancer_member_elected_total", "Times that the member was elected.", ofMember,
		func(m *status) float64 { return float64(m.Elected) }, nil),
	row(gauge, "proxyd_balancer_member_busy_exchanges", "Exchanges that run with the member.", ofMember,
		func(m *status) float64 { return float64(m.Busy) }, nil),
	row(counter, "proxyd_balancer_member_errors_total", "Exchanges that failed by the member's fault.", ofMember,
		func(m *status) float64 { return float64(m.Errors) }, nil),
	row(counter, "proxyd_balancer_member_retries_total", "Error states of the member that ended.", ofMember,
		func(m *status) float64 { return float64(m.Retries) }, nil),
	row(counter, "proxyd_balancer_member_sent_bytes_total", "Bytes to the member.", ofMember,
		func(m *status) float64 { return float64(m.To) }, nil),
	row(counter, "proxyd_balancer_member_received_bytes_total", "Bytes from the member.", ofMember,
		func(m *status) float64 { return float64(m.From) }, nil),
	row(gauge, "proxyd_balancer_member_latency_seconds", "Moving average of the time to the head of an answer; where the lbmethod measures it.", ofMember,
		func(m *status) float64 { return m.Latency.Seconds() }, func(m *status) bool { return m.Latency > 0 }),
	row(gauge, "proxyd_balancer_member_usable", "1 where the member may get requests of any kind.", ofMember,
		func(m *status) float64 { return truth(m.Flags.Usable()) }, nil),
	row(gauge, "proxyd_balancer_member_candidate", "1 where the member may get the next request that has no session.", ofMember,
		func(m *status) float64 { return truth(m.Candidate) }, nil),
	row(gauge, "proxyd_balancer_member_loadfactor", "Share of the requests, as set.", ofMember,
		func(m *status) float64 { return m.LoadFactor }, nil),
	row(gauge, "proxyd_balancer_member_lbstatus", "What the exact lbmethods compare.", ofMember,
		func(m *status) float64 { return float64(m.LBStatus) }, nil),
	row(gauge, "proxyd_balancer_member_lbset", "The lbset, as set.", ofMember,
		func(m *status) float64 { return float64(m.LBSet) }, nil),
	row(gauge, "proxyd_balancer_member_max_exchanges", "Bound of the exchanges at once; 0 for none.", ofMember,
		func(m *status) float64 { return float64(m.Max) }, nil),
	row(gauge, "proxyd_balancer_member_check_success", "1 where the member passed its last probe.", ofMember,
		func(m *status) float64 { return truth(m.Check.Err == nil) }, checked),
	row(gauge, "proxyd_balancer_member_check_duration_seconds", "What the last probe took.", ofMember,
		func(m *status) float64 { return m.Check.Took.Seconds() }, checked),
	row(gauge, "proxyd_balancer_member_check_timestamp_seconds", "When the last probe began, in Unix time.", ofMember,
		func(m *status) float64 { return float64(m.Check.At.UnixMilli()) / 1000 }, checked),
}

func checked(m *status) bool { return !m.Check.At.IsZero() }

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// flagNames are the values of a status label.
var flagNames = []struct {
	flag balancer.Flags
	name string
}{
	{balancer.Disabled, "disabled"}, {balancer.Stopped, "stopped"}, {balancer.HotSpare, "hot_spare"},
	{balancer.HotStandby, "hot_standby"}, {balancer.Draining, "draining"}, {balancer.IgnoreErrors, "ignore_errors"},
	{balancer.InError, "in_error"}, {balancer.HealthFailed, "health_failed"}, {balancer.Ejected, "ejected"},
}

var (
	statusDesc  = prometheus.NewDesc("proxyd_balancer_member_status", "1 for each flag that the member has, else 0.", append(slices.Clone(ofMember), "status"), nil)
	routeDesc   = prometheus.NewDesc("proxyd_balancer_member_info", "The member's route.", append(slices.Clone(ofMember), "route"), nil)
	methodDesc  = prometheus.NewDesc("proxyd_balancer_info", "The balancer's lbmethod.", []string{"balancer", "lbmethod"}, nil)
	changesDesc = prometheus.NewDesc("proxyd_admin_changes_total", "Changes that were made at run time.", nil, nil)
)

// collector asks the balancers.
type collector struct{ *Server }

func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, f := range balancerFigures {
		to <- f.desc
	}
	for _, f := range memberFigures {
		to <- f.desc
	}
	for _, d := range []*prometheus.Desc{statusDesc, routeDesc, methodDesc, changesDesc} {
		to <- d
	}
	describeCache(to)
}

func (c collector) Collect(to chan<- prometheus.Metric) {
	to <- prometheus.MustNewConstMetric(changesDesc, counter, float64(c.count.Load()))
	c.collectCache(to)
	for _, b := range c.Balancers() {
		s := b.Status()
		send(to, balancerFigures, &s, s.Name)
		to <- prometheus.MustNewConstMetric(methodDesc, gauge, 1, s.Name, s.Method)
		for i := range s.Members {
			m := &s.Members[i]
			send(to, memberFigures, m, s.Name, m.Name)
			to <- prometheus.MustNewConstMetric(routeDesc, gauge, 1, s.Name, m.Name, m.Route)
			for _, f := range flagNames {
				to <- prometheus.MustNewConstMetric(statusDesc, gauge, truth(m.Flags&f.flag != 0), s.Name, m.Name, f.name)
			}
		}
	}
}

func send[T any](to chan<- prometheus.Metric, figures []figure[T], of *T, labels ...string) {
	for _, f := range figures {
		if f.has == nil || f.has(of) {
			to <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(of), labels...)
		}
	}
}
