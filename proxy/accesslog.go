package proxy

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"proxylab/proxy/message"
)

const (
	accessDelay = 250 * time.Millisecond // how long a line may wait for others
	accessFull  = 64 << 10               // bytes that are not made to wait
	accessMost  = 4 << 20                // bytes that may wait for a slow reader
	accessLast  = 2 * time.Second        // how long the last lines may take
)

// accessLog writes a line for each exchange: Apache's combined format, then the
// member that served it and the duration in microseconds.
//
//	127.0.0.1 - - [10/Oct/2026:13:55:36 +0200] "GET / HTTP/1.1" 200 512 "-" "curl/8.14.1" http://10.0.0.11:8080 840
//
// Exchanges append to a buffer. A goroutine writes it out a moment later, so
// that a slow terminal or disk is no exchange's matter. Where 4 MiB wait already,
// lines are dropped and counted, and the operator is told: a pipe that nobody
// reads must not stop the proxy.
type accessLog struct {
	outs   []io.Writer
	file   *os.File // nil without
	logger *slog.Logger

	mu     sync.Mutex
	buf    []byte
	lost   int    // lines dropped since buf was taken
	second int64  // that stamp is of
	stamp  []byte // [10/Oct/2026:13:55:36 +0200]

	told bool // the last write failed, and the operator knows; the writer's own

	begun  chan struct{} // buf is not empty any more
	full   chan struct{} // buf should not wait
	closed chan struct{}
	done   chan struct{}
}

func openAccessLog(out io.Writer, path string, logger *slog.Logger) (*accessLog, error) {
	l := &accessLog{
		logger: logger,
		begun:  make(chan struct{}, 1), full: make(chan struct{}, 1),
		closed: make(chan struct{}), done: make(chan struct{}),
	}
	if out != nil {
		l.outs = append(l.outs, out)
	}
	if path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, &Fault{fmt.Errorf("log: %w", err), "log.file needs an existing folder that this user may write to"}
		}
		l.file = f
		l.outs = append(l.outs, f)
	}
	go l.run()
	return l, nil
}

// add writes the line of x.
func (l *accessLog) add(x *exchange) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buf) > accessMost {
		l.lost++
		return
	}
	if len(l.buf) == 0 {
		signal(l.begun)
	}
	if u := x.started.Unix(); u != l.second {
		l.second = u
		l.stamp = x.started.AppendFormat(l.stamp[:0], "[02/Jan/2006:15:04:05 -0700]")
	}
	b := append(l.buf, x.c.client...)
	b = append(b, " - - "...)
	b = append(b, l.stamp...)
	b = append(b, ' ')
	b = appendQuoted(b, x.req.Line)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(x.status), 10)
	b = append(b, ' ')
	if x.bytes > 0 {
		b = strconv.AppendInt(b, x.bytes, 10)
	} else {
		b = append(b, '-')
	}
	referer, _ := x.req.Fields.Get(message.Referer)
	agent, _ := x.req.Fields.Get(message.UserAgent)
	b = append(b, ' ')
	b = appendQuoted(b, referer)
	b = append(b, ' ')
	b = appendQuoted(b, agent)
	b = append(b, ' ')
	if x.served != "" {
		b = append(b, x.served...)
	} else {
		b = append(b, '-')
	}
	b = append(b, ' ')
	b = strconv.AppendInt(b, now.Sub(x.started).Microseconds(), 10)
	l.buf = append(b, '\n')
	if len(l.buf) >= accessFull {
		signal(l.full)
	}
}

// appendQuoted writes v in quotes, escaped as httpd does it (ap_escape_logitem),
// so that no client can end a line or a string; "-" for nothing.
func appendQuoted(dst, v []byte) []byte {
	if len(v) == 0 {
		return append(dst, `"-"`...)
	}
	dst = append(dst, '"')
	for _, c := range v {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ' || c >= 0x7f:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run writes the buffer out whenever it has waited long enough.
func (l *accessLog) run() {
	defer close(l.done)
	delay := time.NewTimer(accessDelay)
	defer delay.Stop()
	var spare []byte
	for last := false; !last; {
		select {
		case <-l.begun:
			delay.Reset(accessDelay)
			select {
			case <-delay.C:
			case <-l.full:
			case <-l.closed:
				last = true
			}
		case <-l.closed:
			last = true
		}
		l.mu.Lock()
		full, lost := l.buf, l.lost
		l.buf, l.lost = spare[:0], 0
		l.mu.Unlock()
		if lost > 0 {
			l.logger.Error("access log lines are lost: they are not taken fast enough", "lines", lost)
		}
		l.writeOut(full)
		spare = full
	}
}

func (l *accessLog) writeOut(b []byte) {
	if len(b) == 0 {
		return
	}
	var failed error
	for _, w := range l.outs {
		if _, err := w.Write(b); err != nil {
			failed = err
		}
	}
	switch {
	case failed != nil && !l.told:
		l.logger.Error("access log lines are lost", "error", failed)
	case failed == nil && l.told:
		l.logger.Info("the access log is written again")
	}
	l.told = failed != nil
}

// close writes what is left, if that does not take longer than patience. No
// exchange may run any more.
func (l *accessLog) close(patience time.Duration) error {
	close(l.closed)
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-l.done:
	case <-t.C:
		return errLogStuck
	}
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

var errLogStuck = errors.New("log: nobody takes the last access log lines; they are lost")
