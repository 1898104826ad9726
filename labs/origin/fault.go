package origin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Fault is how an origin fails, whatever it is asked for; the zero Fault is an origin
// that does not. The control listener and the checks that ask it stay well.
type Fault struct {
	Delay  Duration `json:"delay,omitempty"`  // before each answer, besides what its path says
	Status int      `json:"status,omitempty"` // instead of the answer, 500 to 599; what the path says is not waited for
	Reset  bool     `json:"reset,omitempty"`  // instead of the answer: the connection is reset when the head is in
}

// Duration is a [time.Duration] that is "300ms" in JSON.
type Duration time.Duration

// MarshalText writes it as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what [time.ParseDuration] does.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// Fail makes the origin fail from the next request on, and with the zero Fault ends
// that. Requests under way are not touched.
func (s *Server) Fail(f Fault) error {
	switch {
	case f.Delay < 0 || time.Duration(f.Delay) > MaxDelay:
		return fmt.Errorf("delay %v is not from 0s to %v", time.Duration(f.Delay), MaxDelay)
	case f.Status != 0 && (f.Status < 500 || f.Status > 599):
		return fmt.Errorf("status %d is not from 500 to 599", f.Status)
	case f.Status != 0 && f.Reset:
		return errors.New("a connection that is reset has no status")
	}
	s.fault.Store(&f)
	return nil
}

// Fault is how the origin fails at present.
func (s *Server) Fault() Fault { return *s.fault.Load() }

// reset ends the connection by RST: what is in its buffers is dropped, and its peer
// cannot take the end for an orderly one.
func reset(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // closed at least
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}

// longest fault that the control listener reads.
const maxFault = 1 << 10

func (s *Server) setFault(w http.ResponseWriter, r *http.Request) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxFault))
	d.DisallowUnknownFields()
	var f Fault
	err := d.Decode(&f)
	if _, more := d.Token(); err == nil && more != io.EOF {
		err = errors.New("something follows the fault")
	}
	if err == nil {
		err = s.Fail(f)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "fault: "+err.Error(), `as {"delay": "300ms"}, {"status": 503}, {"reset": true}, or {} for none`)
		return
	}
	s.sendFault(w, r)
}

func (s *Server) sendFault(w http.ResponseWriter, _ *http.Request) { sendJSON(w, s.Fault()) }
