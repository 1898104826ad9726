package proxy

import (
	"time"

	"proxylab/proxy/http1"
)

// send writes the request to the member. A body that came whole with its head
// goes out with it; any other is carried by an upload, so that an early answer
// is seen.
func (x *exchange) send() phase {
	up := x.up
	if x.group.balancer.Timed() {
		x.asked = time.Now()
	}
	up.Begin()
	up.Out.B = x.appendRequest(up.Out.B)
	body := x.req.Body
	if body.Kind != http1.NoBody {
		have := x.c.Buffered()
		if body.Kind != http1.Sized || body.Length > int64(len(have)) {
			return x.startUpload()
		}
		up.Out.B = append(up.Out.B, have[:body.Length]...)
	}
	up.WriteWithin(x.pool.Timeout)
	n, err := up.Flush()
	x.sent = x.sent || n > 0
	if err != nil && n == 0 {
		return x.brokenOff(err)
	}
	// A member that stopped reading may have answered before.
	return phaseReceive
}
