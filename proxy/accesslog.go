package proxy

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"proxylab/proxy/site"
)

const (
	accessDelay = 250 * time.Millisecond // how long a line may wait for others
	accessFull  = 64 << 10               // bytes that are not made to wait
	accessMost  = 4 << 20                // bytes that may wait for a slow reader
	accessLast  = 2 * time.Second        // how long the last lines may take
)

// accessLog writes a line for each exchange, in the Site's format (logformat.go).
// By default:
//
//	127.0.0.1 - - [10/Oct/2026:13:55:36 +0200] "GET / HTTP/1.1" 200 512 "-" "curl/8.14.1" http://10.0.0.11:8080 840
//
// Exchanges append to a buffer. A goroutine writes it out a moment later, so
// that a slow terminal or disk is no exchange's matter. Where 4 MiB wait already,
// lines are dropped and counted, and the operator is told: a pipe that nobody
// reads must not stop the proxy.
type accessLog struct {
	format atomic.Pointer[logFormat] // nil while there is nowhere to write
	stdout io.Writer                 // nil for none
	logger *slog.Logger

	outMu sync.Mutex // guards these, and is held while the file is written
	quiet bool       // nothing goes to stdout
	path  string     // of file; empty for none
	file  *os.File

	mu     sync.Mutex // guards these
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

func openAccessLog(stdout io.Writer, declared site.Log, logger *slog.Logger) (*accessLog, error) {
	l := &accessLog{
		stdout: stdout, logger: logger,
		begun: make(chan struct{}, 1), full: make(chan struct{}, 1),
		closed: make(chan struct{}), done: make(chan struct{}),
	}
	if err := l.declare(declared); err != nil {
		return nil, err
	}
	go l.run()
	return l, nil
}

// declare makes the log what the Site says. The file is opened anew in any case,
// as whoever moved the old one away expects.
func (l *accessLog) declare(declared site.Log) error {
	file, err := openLogFile(declared.File)
	if err != nil {
		return err
	}
	l.outMu.Lock()
	old := l.file
	l.file, l.path, l.quiet = file, declared.File, !declared.Stdout
	l.outMu.Unlock()
	if old != nil {
		old.Close()
	}
	if file == nil && (l.stdout == nil || !declared.Stdout) {
		l.format.Store(nil)
		return nil
	}
	l.format.Store(compileLogFormat(declared.LogItems()))
	return nil
}

// reopen opens the file by its name again, after logrotate has moved it away.
// Where that fails, the old one is written on.
func (l *accessLog) reopen() error {
	l.outMu.Lock()
	path := l.path
	l.outMu.Unlock()
	file, err := openLogFile(path)
	if err != nil || file == nil {
		return err
	}
	l.outMu.Lock()
	old := l.file
	l.file = file
	l.outMu.Unlock()
	l.logger.Info("the access log is opened anew", "file", path)
	return old.Close()
}

// openLogFile gives nil for no name.
func openLogFile(path string) (*os.File, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, &Fault{fmt.Errorf("log: %w", err), "log.file needs an existing folder that this user may write to"}
	}
	return f, nil
}

// add writes the line of x.
func (l *accessLog) add(x *exchange) {
	if x.format == nil {
		return
	}
	x.took = time.Since(x.started)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buf) > accessMost {
		l.lost++
		return
	}
	if len(l.buf) == 0 {
		signal(l.begun)
	}
	b := l.buf
	for _, piece := range x.format.pieces {
		b = piece(b, l, x)
	}
	l.buf = append(b, '\n')
	if len(l.buf) >= accessFull {
		signal(l.full)
	}
}

// stampOf writes a time as httpd's %t. mu is held.
func (l *accessLog) stampOf(t time.Time) []byte {
	if u := t.Unix(); u != l.second {
		l.second = u
		l.stamp = t.AppendFormat(l.stamp[:0], "[02/Jan/2006:15:04:05 -0700]")
	}
	return l.stamp
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
	l.outMu.Lock()
	toStdout := l.stdout != nil && !l.quiet
	l.outMu.Unlock()
	if toStdout { // without the lock: it may take for ever
		_, failed = l.stdout.Write(b)
	}
	l.outMu.Lock()
	if l.file != nil {
		if _, err := l.file.Write(b); err != nil {
			failed = err
		}
	}
	l.outMu.Unlock()
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
