package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"proxylab/proxy/site"
)

const cacheableAnswer = "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 400000\r\n\r\n"

// another is a client that has asked for the same before. It reads what it gets.
func (s *staged) another() net.Conn {
	c := dial(s.t, s.addr)
	if _, err := io.WriteString(c, get); err != nil {
		s.t.Error(err)
	}
	return c
}

func (s *staged) untilTwoAreBusy() {
	eventually(s.t, "two exchanges have begun", func() bool {
		busy := 0
		s.eachConn(func(c *conn) {
			if !c.idle.Load() {
				busy++
			}
		})
		return busy == 2
	})
}

// cacheStages are those of exchanges with a cache.
var cacheStages = []stage{
	{name: "fetches into the cache", site: caches, origin: pausing(cacheableAnswer+half, half), enter: func(s *staged) {
		asks(s)
		s.r.Peek(1)
	}, end: goesOn, begun: true},
	{name: "waits for another's fetch", site: caches, origin: pausing("", cacheableAnswer+half+half), enter: func(s *staged) {
		go io.Copy(io.Discard, s.another())
		<-s.arrived
		s.sends(get)
		s.untilTwoAreBusy()
	}, end: goesOn},
	{name: "follows another's fetch", site: caches, origin: pausing(cacheableAnswer+half, half), enter: func(s *staged) {
		go io.Copy(io.Discard, s.another())
		<-s.arrived
		s.sends(get)
		s.r.Peek(1)
	}, end: goesOn, begun: true},
	{name: "a hit from a file, and the client does not read", site: func(s *site.Site) {
		caches(s)
		s.Cache.MaxFileSize, s.Cache.Disk = 64<<20, 256<<20
	}, files: true, origin: func(s *staged, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		io.WriteString(c, "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 40000000\r\n\r\n")
		for range 200 {
			if _, err := io.WriteString(c, half); err != nil {
				return
			}
		}
		c.Read(make([]byte, 1)) // until the proxy closes
	}, enter: func(s *staged) {
		res, err := http.ReadResponse(bufio.NewReader(s.another()), nil)
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			s.t.Fatal(err)
		}
		eventually(s.t, "it is stored", func() bool { return s.Cache().Stats().Stored == 1 })
		s.sends(get)
		s.r.Peek(1)
	}, end: func(*staged) {}, begun: true},
}
