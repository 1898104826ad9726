package proxy

import (
	"bufio"
	"io"
	"net/http"
	"testing"
	"time"

	"proxylab/proxy/site"
)

// A head may take longer than headtimeout where it comes at the rate, and never
// longer than headtimeoutmax (slowloris).
func TestHeadTimeGrowsWithWhatCame(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rate   int
		most   time.Duration
		status int
	}{
		{"at the rate", 100, 20 * time.Second, 200},
		{"below it", 1 << 20, 20 * time.Second, 408},
		{"for too long", 100, 400 * time.Millisecond, 408},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := serve(t, func(s *site.Site) {
				s.Limits.HeadTimeout, s.Limits.HeadTimeoutMax, s.Limits.MinRate = 300*time.Millisecond, tt.most, tt.rate
			}, origin(t, answering(sized("ok"))))
			c := dial(t, p.addr)
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n")
			go func() {
				for range 10 { // a second
					time.Sleep(100 * time.Millisecond)
					if _, err := io.WriteString(c, "X-Pad: 0123456789012345678901234567890123456789\r\n"); err != nil {
						return
					}
				}
				io.WriteString(c, "\r\n")
			}()
			if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != tt.status {
				t.Errorf("response %v, error %v; want %d", res, err, tt.status)
			}
		})
	}
}
