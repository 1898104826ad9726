package acceptance

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// patience is how long one answer may take; a loaded machine is slow.
const patience = 20 * time.Second

// answer is a response, whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// conn is one connection to the proxy.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func (x *exam) dial(ctx context.Context) (*conn, error) {
	d := net.Dialer{Timeout: patience}
	c, err := d.DialContext(ctx, "tcp", x.Proxy.Addr())
	if err != nil {
		return nil, fmt.Errorf("no connection: %w", err)
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReader(c)}, nil
}

// head writes a request's head; each of fields is a line.
func head(method, target string, fields ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: lab.test\r\n" + strings.Join(append(fields, "", ""), "\r\n")
}

// receive reads the answer to a request with this method.
func (c *conn) receive(method string) (*answer, error) {
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return nil, fmt.Errorf("no answer: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%d, and after %d bytes of the body: %w", res.StatusCode, len(body), err)
	}
	return &answer{res.StatusCode, res.Header, body}, nil
}

// ask has a connection for one exchange; text is what is sent.
func (x *exam) ask(ctx context.Context, method, text string) (*answer, error) {
	c, err := x.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		// One that answers and closes before it has read all may be heard still.
		if a, rerr := c.receive(method); rerr == nil {
			return a, nil
		}
		return nil, fmt.Errorf("could not send the request: %w", err)
	}
	return c.receive(method)
}

// get asks for a target and wants 200.
func (x *exam) get(ctx context.Context, target string) (*answer, error) {
	a, err := x.ask(ctx, "GET", head("GET", target, "Connection: close"))
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", target, err)
	}
	if a.status != http.StatusOK {
		return a, fmt.Errorf("GET %s: answered %d, not 200", target, a.status)
	}
	return a, nil
}

// getSize asks for /size/n and wants its bytes.
func (x *exam) getSize(ctx context.Context, n int64) (*answer, error) {
	target := fmt.Sprintf("/size/%d", n)
	a, err := x.get(ctx, target)
	if err != nil {
		return nil, err
	}
	return a, same(target, a.body, n, size(n))
}

// same compares a body with what it must be.
func same(target string, body []byte, n int64, hash string) error {
	if got := int64(len(body)); got != n {
		return fmt.Errorf("GET %s: %d bytes, not %d", target, got, n)
	}
	if sum := fmt.Sprintf("%016x", xxhash.Sum64(body)); sum != hash {
		return fmt.Errorf("GET %s: %d bytes that are not the origin server's (xxHash64 %s, not %s)", target, n, sum, hash)
	}
	return nil
}
