package parity

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// host is what clients ask for.
const host = "parity.example"

// single is how long one answer may take that nothing delays.
const single = 5 * time.Second

// client is one connection to a system.
type client struct {
	net.Conn
	in *bufio.Reader
}

// answer is what came, whole.
type answer struct {
	status int
	fields http.Header
	body   []byte
	last   bool // the connection ends behind it
}

func (s System) dial(ctx context.Context) (*client, error) {
	d := net.Dialer{Timeout: single}
	c, err := d.DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return nil, err
	}
	return &client{c, bufio.NewReader(c)}, nil
}

// send writes a request whose head has the fields besides Host.
func (c *client) send(method, target, body string, fields ...string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host)
	for _, f := range fields {
		b.WriteString(f + "\r\n")
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	c.SetDeadline(time.Now().Add(single))
	_, err := io.WriteString(c, b.String())
	return err
}

// receive reads the answer to a request with this method.
func (c *client) receive(method string) (*answer, error) {
	c.SetDeadline(time.Now().Add(single))
	r, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return &answer{status: r.StatusCode, fields: r.Header, body: body, last: r.Close}, nil
}

// ask is send and receive. A system may answer before it has read all of a
// request, and close: then writing fails, and the answer is there nevertheless.
func (c *client) ask(method, target, body string, fields ...string) (*answer, error) {
	sent := c.send(method, target, body, fields...)
	a, err := c.receive(method)
	if err != nil && sent != nil {
		return nil, sent
	}
	return a, err
}

// once asks on a connection of its own.
func (s System) once(ctx context.Context, method, target, body string, fields ...string) (*answer, error) {
	c, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ask(method, target, body, fields...)
}

// get is once with GET.
func (s System) get(ctx context.Context, target string, fields ...string) (*answer, error) {
	return s.once(ctx, "GET", target, "", fields...)
}

// said is the status, or what came in place of an answer.
func said(a *answer, err error) string {
	if err == nil {
		return fmt.Sprint(a.status)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("nothing within %v", single)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "closed without an answer"
	}
	return "no answer: " + err.Error()
}
