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

// content is the body of a size: bytes without a pattern, always the same.
func content(size string) []byte {
	b := make([]byte, sizes[size])
	seed := [32]byte{1: byte(len(b) >> 8)}
	rand.NewChaCha8(seed).Read(b) // never fails
	return b
}

// patience is how long a program may take until it answers.
const patience = 10 * time.Second

// gate waits until the port answers, and then wants the right bytes for every
// size, twice on one connection.
func gate(ctx context.Context, p *process, port int) error {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	if err := awaitPort(ctx, p, port); err != nil {
		return err
	}
	for range 2 {
		for size := range sizes {
			if err := rightBytes(ctx, client, fmt.Sprintf("http://127.0.0.1:%d/%s", port, size), size); err != nil {
				return err
			}
		}
	}
	return nil
}

func awaitPort(ctx context.Context, p *process, port int) error {
	late := time.After(patience)
	again := time.NewTicker(5 * time.Millisecond)
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
	buf := make([]byte, sizes[size]+4096)
	for range n {
		if err := ctx.Err(); err != nil {
			return conns, context.Cause(ctx)
		}
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return conns, fmt.Errorf("connection %d: %w", len(conns)+1, err)
		}
		conns = append(conns, c)
		if err := ask(c, buf, size); err != nil {
			return conns, fmt.Errorf("connection %d: %w", len(conns), err)
		}
	}
	return conns, nil
}

// ask sends a request and reads its answer whole.
func ask(c net.Conn, buf []byte, size string) error {
	c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(c, "GET /%s HTTP/1.1\r\nHost: bench\r\n\r\n", size); err != nil {
		return err
	}
	for n, want := 0, -1; n != want; {
		m, err := c.Read(buf[n:])
		if err != nil {
			return err
		}
		n += m
		if end := bytes.Index(buf[:n], []byte("\r\n\r\n")); want < 0 && end >= 0 {
			want = end + 4 + sizes[size]
		}
		if n == len(buf) || want > 0 && n > want {
			return errors.New("the answer is longer than it should be")
		}
	}
	return nil
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
