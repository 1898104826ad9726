package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"proxylab/labs"
)

// The moving line must never reach the last column: it would wrap, and each
// drawing would leave a line behind.
func TestMovingLineFitsTheTerminal(t *testing.T) {
	e := labs.Event{Step: "trial 12 of 18: block 4, apache-matched", Share: 0.5, Detail: "899/s, 0 not right", Left: 83 * time.Second}
	for _, c := range []struct {
		width int
		want  string
	}{
		{120, "00:14  trial 12 of 18: block 4, apache-matched: 899/s, 0 not right (1m23s left)  ████████████░░░░░░░░░░░░"},
		{90, "00:14  trial 12 of 18: block 4, apache-matched: 899/s, 0 not right (1m23s left)  █████░░░░"},
		{79, "00:14  trial 12 of 18: block 4, apache-matched: 899/s, 0 not right (1m23s left)"},
		{78, "00:14  trial 12 of 18: block 4, apache-matched (1m23s left)  █████████░░░░░░░░"},
		{41, "00:14  trial 12 of 18: bloc… (1m23s left)"},
		{15, "00:14  trial 1…"},
		{1, "…"},
	} {
		got := line("00:14", e, c.width)
		if got != c.want || utf8.RuneCountInString(got) > c.width {
			t.Errorf("in %d columns\n%s, want\n%s", c.width, got, c.want)
		}
	}
}

// Where it is no terminal, each step is one plain line, however often it is told.
func TestPlainLinesWithoutTerminal(t *testing.T) {
	var b bytes.Buffer
	term := &terminal{w: &b, start: time.Now()}
	for _, share := range []float64{0, 0.3, 0.9} {
		term.show(labs.Event{Step: "trial 1 of 2", Share: share, Detail: "x", Left: time.Minute})
	}
	term.show(labs.Event{Step: "report"})
	term.close()
	if got, want := b.String(), "00:00  trial 1 of 2 (1m0s left)\n00:00  report\n"; got != want || strings.ContainsAny(got, "\r\x1b") {
		t.Errorf("%q, want %q", got, want)
	}
}
