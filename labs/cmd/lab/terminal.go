package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"proxylab/labs"
)

// terminal shows what is going on: on a terminal one line that moves, and a
// line that stays for each finished step; elsewhere one plain line a step.
type terminal struct {
	mu    sync.Mutex
	w     io.Writer
	live  bool       // w is a terminal
	width func() int // of the terminal, in columns; it may change
	start time.Time
	step  string
	begun time.Time // the step
}

func newTerminal(f *os.File) *terminal {
	fd := int(f.Fd())
	width := func() int {
		if columns, _, err := term.GetSize(fd); err == nil && columns > 0 {
			return columns
		}
		return 80
	}
	return &terminal{w: f, live: term.IsTerminal(fd), width: width, start: time.Now()}
}

// say writes a line that stays.
func (t *terminal) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	fmt.Fprintf(t.w, "%s  %s\n", t.clock(), fmt.Sprintf(format, args...))
}

// show takes one event of a run.
func (t *terminal) show(e labs.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.Step != t.step {
		t.finish()
		t.step, t.begun = e.Step, time.Now()
		if !t.live {
			fmt.Fprintf(t.w, "%s  %s%s\n", t.clock(), e.Step, left(e.Left))
		}
	}
	if t.live {
		t.clear()
		fmt.Fprint(t.w, line(t.clock(), e, t.width()-1)) // a full line would wrap
	}
}

// line is the moving line: all of it and a bar where there is room, else
// without the figures of the moment, else cut.
func line(clock string, e labs.Event, width int) string {
	s := describe(clock, e)
	if utf8.RuneCountInString(s) > width {
		e.Detail = ""
		s = describe(clock, e)
	}
	room := width - utf8.RuneCountInString(s)
	if room < 0 {
		// The step is cut, so that the time left can still be read.
		end := left(e.Left)
		step := []rune(clock + "  " + e.Step)
		if keep := width - 1 - len(end); keep >= len(clock) {
			return string(step[:min(keep, len(step))]) + "…" + end
		}
		return string(step[:max(0, width-1)]) + "…"
	}
	if cells := min(24, room-2); e.Share > 0 && cells >= 6 {
		full := int(e.Share*float64(cells) + 0.5)
		s += "  " + strings.Repeat("█", full) + strings.Repeat("░", cells-full)
	}
	return s
}

func describe(clock string, e labs.Event) string {
	s := clock + "  " + e.Step
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s + left(e.Left)
}

func left(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf(" (%s left)", d.Round(time.Second))
}

// finish leaves the finished step behind as a line of its own.
func (t *terminal) finish() {
	if !t.live || t.step == "" {
		return
	}
	t.clear()
	fmt.Fprintf(t.w, "%s  %s, %s\n", t.clock(), t.step, time.Since(t.begun).Round(100*time.Millisecond))
}

// clear empties the moving line.
func (t *terminal) clear() {
	if t.live {
		fmt.Fprint(t.w, "\r\x1b[K")
	}
}

// close ends the last step.
func (t *terminal) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finish()
	t.step = ""
}

// clock is the time since the program began.
func (t *terminal) clock() string {
	d := time.Since(t.start).Round(time.Second)
	return fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// asker asks a yes-or-no question; nil where nobody could answer.
func (t *terminal) asker() func(string) bool {
	if !t.live || !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil
	}
	return func(question string) bool {
		fmt.Fprintf(t.w, "%s [y/N] ", question)
		line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
		line = strings.ToLower(strings.TrimSpace(line))
		return line == "y" || line == "yes"
	}
}
