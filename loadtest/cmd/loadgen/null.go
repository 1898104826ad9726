package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

type null struct {
	Listen string `default:":8080" placeholder:"ADDR" help:"Address to serve on (${default})."`
}

// nullBody is every answer of the null server, the one to GET /ready too.
const nullBody = "ok\n"

// Run answers whatever is asked with as little work as can be, until SIGTERM:
// what a generator can do against it, nothing can make it exceed.
func (n null) Run(ctx context.Context) error {
	l, err := net.Listen("tcp", n.Listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", n.Listen, err)
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(nullBody)) }),
		ReadHeaderTimeout: 10 * time.Second,
	}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	fmt.Fprintln(os.Stderr, "loadgen: null server on", l.Addr())
	if err := server.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}
