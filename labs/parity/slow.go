package parity

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// slowly are the questions about time. Each waits up to the patience.
func slowly(patience time.Duration) []question {
	wait := func(begin func(ctx context.Context, c *client) error) func(context.Context, System) string {
		return func(ctx context.Context, s System) string {
			c, err := s.dial(ctx)
			if err != nil {
				return said(nil, err)
			}
			defer c.Close()
			if err := begin(ctx, c); err != nil {
				return said(nil, err)
			}
			return c.ending(ctx, patience)
		}
	}
	write := func(text string) func(context.Context, *client) error {
		return func(_ context.Context, c *client) error {
			c.SetDeadline(time.Now().Add(single))
			_, err := c.Write([]byte(text))
			return err
		}
	}
	return []question{
		{"a connection without a byte", wait(func(context.Context, *client) error { return nil })},
		{"a request's head that does not end", wait(write("GET /size/16 HTTP/1.1\r\nHost: " + host + "\r\n"))},
		{"a request's body that does not end", wait(write("POST /size/16 HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 10\r\n\r\na"))},
		{"an idle connection after an answer", wait(func(_ context.Context, c *client) error {
			_, err := c.ask("GET", "/size/16", "")
			return err
		})},
		{"an origin that is silent", wait(func(_ context.Context, c *client) error {
			return c.send("GET", fmt.Sprintf("/delay/%s/size/16", min(patience+time.Minute, 5*time.Minute)), "")
		})},
	}
}

// ending waits for what a system does by itself, and tells it with whole seconds.
func (c *client) ending(ctx context.Context, patience time.Duration) string {
	began := time.Now()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	c.SetDeadline(began.Add(patience))
	first, err := c.in.Peek(1)
	after := fmt.Sprintf("after %d s", int(time.Since(began).Round(time.Second).Seconds()))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("still open after %v", patience)
	case err != nil:
		return "closed " + after
	case len(first) == 1:
		return said(c.receive("GET")) + " " + after
	}
	return "nothing " + after
}
