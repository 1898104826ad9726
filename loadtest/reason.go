package loadtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// errResent is the failure that net/http hides: the connection it took was
// closed under it, and it sent the request again on another.
var errResent = errors.New("resent by net/http: the first connection failed before an answer")

// errStopped is the failure of the hits that are in flight when a run is stopped.
var errStopped = errors.New("stopped: the run ended before the answer")

// longest Err that a sample keeps.
const maxReason = 200

// reason says why a hit failed, in words that are the same for the same cause:
// no port numbers of the client's side, so that a report can count them.
func reason(err error, timeout time.Duration) string {
	var dns *net.DNSError
	var op *net.OpError
	text := err.Error()
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		text = fmt.Sprintf("no whole answer within %v", timeout)
	case errors.Is(err, io.ErrUnexpectedEOF):
		text = "connection closed inside the answer"
	case errors.Is(err, io.EOF):
		text = "connection closed before the answer"
	case errors.As(err, &dns):
		text = fmt.Sprintf("look up %s: %s", dns.Name, dns.Err)
	case errors.As(err, &op):
		text = operation(op)
	}
	return text[:min(len(text), maxReason)]
}

func operation(op *net.OpError) string {
	cause := op.Err
	var call *os.SyscallError
	if errors.As(cause, &call) {
		cause = call.Err
	}
	if op.Op == "dial" && op.Addr != nil {
		return fmt.Sprintf("connect to %s: %v", op.Addr, cause)
	}
	return fmt.Sprintf("%s: %v", op.Op, cause)
}
