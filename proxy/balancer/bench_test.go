package balancer

import (
	"fmt"
	"testing"
	"time"
	"unsafe"
)

// contenders are the lbmethods, and hash with a bound besides.
func contenders(members []MemberConfig) (list []Config) {
	for _, method := range Methods() {
		list = append(list, Config{Name: method, Method: method, Members: members})
	}
	return append(list, Config{Name: "hash-bounded", Method: "hash", HashBound: 1.25, Members: members})
}

// many are n members with loadfactors from 1 to 5.
func many(n int) []MemberConfig {
	list := make([]MemberConfig, n)
	for i := range list {
		list[i] = MemberConfig{Name: fmt.Sprintf("http://10.0.%d.%d:8080", i/250, i%250), LoadFactor: float64(1 + i%5), Retry: time.Hour}
	}
	return list
}

// An op is one Elect and its Done, while as many exchanges run as there are
// members, up to 100; elect-ns and done-ns are what each takes, with a share of two
// looks at the clock.
func BenchmarkElect(b *testing.B) {
	for _, n := range []int{3, 10, 1000} {
		for _, c := range contenders(many(n)) {
			b.Run(fmt.Sprintf("method=%s/members=%d", c.Name, n), func(b *testing.B) {
				electInRows(b, must(b, c), min(n, 100))
			})
		}
	}
	b.Run("method=byrequests/members=10/in-error=1", func(b *testing.B) {
		lb := must(b, Config{Name: "o", Method: "byrequests", Members: many(10)})
		l, _ := elect(lb, nil)
		l.done(Unreachable)
		electInRows(b, lb, 10)
	})
}

func electInRows(b *testing.B, lb *Balancer, running int) {
	b.ReportAllocs()
	const row = 100
	leases := make([]Lease, running+row)
	q, next, last := Request{Keyed: true}, 0, 0
	result := Result{To: 300, From: 4096}
	if lb.Timed() {
		result.Took = time.Millisecond
	}
	elect := func(n int) {
		for range n {
			q.Key = mix(q.Key + 1)
			if err := lb.Elect(&q, &leases[next]); err != nil {
				b.Fatal(err)
			}
			if next++; next == len(leases) {
				next = 0
			}
		}
	}
	elect(running)
	var electing, ending time.Duration
	b.ResetTimer()
	for n := b.N; n > 0; n -= row {
		begin := time.Now()
		elect(min(n, row))
		middle := time.Now()
		for range min(n, row) {
			leases[last].Done(result)
			if last++; last == len(leases) {
				last = 0
			}
		}
		electing += middle.Sub(begin)
		ending += time.Since(middle)
	}
	b.ReportMetric(float64(electing)/float64(b.N), "elect-ns/op")
	b.ReportMetric(float64(ending)/float64(b.N), "done-ns/op")
}

// The lbmethods without a lock gain by more cores (go test -cpu 1,2).
func BenchmarkElectParallel(b *testing.B) {
	for _, c := range contenders(many(32)) {
		lb := must(b, c)
		b.Run("method="+c.Name, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				// What one goroutine writes lies on no line of another's, here and in
				// pb: rows keep the calls of Next, which writes, apart from elections.
				c := new(struct {
					_ [64]byte
					l Lease
					q Request
					_ [64]byte
				})
				c.q = Request{Keyed: true, Key: mix(uint64(time.Now().UnixNano()))}
				for row := 1; row > 0; {
					for row = 0; row < 100 && pb.Next(); {
						row++
					}
					for range row {
						c.q.Key = mix(c.q.Key + 1)
						if err := lb.Elect(&c.q, &c.l); err != nil {
							b.Error(err)
							return
						}
						c.l.Done(Result{})
					}
				}
			})
		})
	}
}

// A member's counters share their cache line with nobody's, however many members
// there are.
func TestCountersHaveALineEach(t *testing.T) {
	for n := 1; n <= 100; n++ {
		for i, m := range must(t, Config{Name: "o", Method: "byrequests", Members: many(n)}).Members() {
			if at := uintptr(unsafe.Pointer(m.counters)); at%64 != 0 || unsafe.Sizeof(*m.counters) != 64 {
				t.Fatalf("the counters of member %d of %d begin at %x and have %d bytes", i, n, at, unsafe.Sizeof(*m.counters))
			}
		}
	}
}
