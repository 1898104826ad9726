package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// content is the body of a size: letters without a pattern, which a configuration
// can quote, always the same.
func content(size string) []byte {
	b := make([]byte, sizes[size])
	seed := [32]byte{1: byte(len(b) >> 8)}
	rand.NewChaCha8(seed).Read(b) // never fails
	for i := range b {
		b[i] = 'a' + b[i]%26
	}
	return b
}

// patience is how long a program may take until it answers.
const patience = 30 * time.Second

// gate waits until the port answers, and then wants the right bytes for every
// size that the case checks, twice on one connection.
func gate(ctx context.Context, p *process, c Case, port int) error {
	if err := awaitPort(ctx, p, port); err != nil {
		return err
	}
	for range 2 {
		if err := right(ctx, c, port); err != nil {
			return err
		}
	}
	return nil
}

// right wants the right bytes for every size that the case checks.
func right(ctx context.Context, c Case, port int) error {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	for _, size := range c.checked() {
		c.Size = size
		if err := rightBytes(ctx, client, fmt.Sprintf("http://127.0.0.1:%d/%s", port, c.path()), size); err != nil {
			return err
		}
	}
	return nil
}

func awaitPort(ctx context.Context, p *process, port int) error {
	late := time.After(patience)
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
			return nil
		}
		select {
		case <-again.C:
		case <-p.done:
			return fmt.Errorf("it ended before it listened (%v)", p.err)
		case <-late:
			return fmt.Errorf("it does not listen after %s", patience)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func rightBytes(ctx context.Context, client *http.Client, url, size string) error {
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, res.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	want := sha256.Sum256(content(size))
	if res.StatusCode != 200 || !bytes.Equal(sum.Sum(nil), want[:]) {
		return fmt.Errorf("%s: status %d and %d bytes that are not those of the origin", url, res.StatusCode, n)
	}
	return nil
}

// idleConns opens n connections, has one request answered on each, and returns
// them, all open.
func idleConns(ctx context.Context, port, n int, size string) (conns []net.Conn, err error) {
	defer func() {
		if err != nil {
			closeAll(conns)
		}
	}()
	buf := make([]byte, room(size))
	for range n {
		if err := ctx.Err(); err != nil {
			return conns, context.Cause(ctx)
		}
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return conns, fmt.Errorf("connection %d: %w", len(conns)+1, err)
		}
		conns = append(conns, c)
		if _, err := ask(c, buf, size, size); err != nil {
			return conns, fmt.Errorf("connection %d: %w", len(conns), err)
		}
	}
	return conns, nil
}

// room is as many bytes as an answer has at most, with its head.
func room(size string) int { return sizes[size] + 4096 }

// ask sends a request and reads its answer whole, into buf. It returns the body.
func ask(c net.Conn, buf []byte, path, size string) ([]byte, error) {
	c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(c, "GET /%s HTTP/1.1\r\nHost: bench\r\n\r\n", path); err != nil {
		return nil, err
	}
	n, begin := 0, 0 // of the body
	for begin == 0 || n < begin+sizes[size] {
		if n == len(buf) {
			return nil, errors.New("the head of the answer does not end")
		}
		m, err := c.Read(buf[n:])
		if err != nil {
			return nil, err
		}
		n += m
		if end := bytes.Index(buf[:n], []byte("\r\n\r\n")); begin == 0 && end >= 0 {
			begin = end + 4
		}
	}
	if n > begin+sizes[size] {
		return nil, errors.New("the answer is longer than it should be")
	}
	return buf[begin:n], nil
}

// stillOpen counts the connections that the other side has not closed.
func stillOpen(conns []net.Conn) int {
	open := 0
	for _, c := range conns {
		if isOpen(c.(*net.TCPConn)) {
			open++
		}
	}
	return open
}

// closeAll resets the connections: thousands in TIME_WAIT would burden the
// trials that follow.
func closeAll(conns []net.Conn) {
	for _, c := range conns {
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}
