package proxy

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"proxylab/proxy/socket"
)

// The exchange that is cut had a connection that served another before, which
// would earn it a second one: not from a proxy that stops.
func TestStopCutsAnExchangeThatCouldBeSentAgain(t *testing.T) {
	arrived := make(chan struct{}, 9)
	p := serve(t, nil, origin(t, func(c net.Conn) {
		for b := make([]byte, 4096); ; {
			n, err := c.Read(b)
			switch {
			case err != nil:
				return
			case strings.HasPrefix(string(b[:n]), "GET /stall"):
				arrived <- struct{}{}
			default:
				io.WriteString(c, sized("ok"))
			}
		}
	}))
	c := dial(t, p.addr)
	ask(t, c, get)
	io.WriteString(c, "GET /stall HTTP/1.1\r\nHost: h\r\n\r\n")
	<-arrived
	p.grace = 50 * time.Millisecond
	p.stop(t)
}

// A client leaves while its connection is being cut. It ends once.
func TestStopCutsAClientThatLeavesInThatMoment(t *testing.T) {
	p := serve(t, nil, origin(t, answering(sized("ok"))))
	p.grace, p.lastCall = time.Second, time.Minute
	c := dial(t, p.addr)
	ask(t, c, get)
	eventually(t, "the client is idle", p.aConnIsIdle)
	var loop *socket.Loop
	p.eachConn(func(c *conn) { loop = c.Loop() })
	p.cancel()
	for {
		probe, err := net.Dial("tcp", p.addr)
		if err != nil {
			break
		}
		probe.Close()
	}
	time.Sleep(100 * time.Millisecond) // the grace period begins
	loop.Do(socket.TaskFunc(func() {
		for began := time.Now(); time.Since(began) < 3*time.Second && !strings.Contains(p.notes.String(), "grace"); {
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond) // the loop learns both at once then, the close first
	}))
	c.Close()
	p.stop(t)
}
