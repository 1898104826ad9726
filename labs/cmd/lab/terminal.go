package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"proxylab/labs"
)

// terminal shows what is going on: on a terminal one line that moves, and a
// line that stays for each finished step; elsewhere one plain line a step.
type terminal struct {
	mu    sync.Mutex
	w     io.Writer
	live  bool // w is a terminal
	start time.Time
	step  string
	begun time.Time // the step
	bar   *progressbar.ProgressBar
}

func newTerminal(f *os.File) *terminal {
	return &terminal{w: f, live: term.IsTerminal(int(f.Fd())), start: time.Now()}
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
			return
		}
		t.bar = progressbar.NewOptions(1000,
			progressbar.OptionSetWriter(t.w), progressbar.OptionSetWidth(24),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionSetTheme(progressbar.ThemeUnicode), progressbar.OptionThrottle(50*time.Millisecond))
	}
	if t.bar != nil {
		t.bar.Describe(describe(t.clock(), e))
		t.bar.Set(int(e.Share * 1000))
	}
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

func (t *terminal) clear() {
	if t.bar != nil {
		t.bar.Clear()
		t.bar = nil
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
