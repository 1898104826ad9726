// Package figure draws the figures of a report with gonum/plot, in one style.
//
// A [Figure] is data: panels of marks on axes, a title, a note that says n and
// units, a legend. [Figure.SVG] and [Figure.PNG] draw it. What gonum/plot
// lacks or trips over is solved here once:
//
//   - values that no axis can show (NaN, infinite, zero on a log axis) are left
//     out before gonum sees them, which panics or fails on them;
//   - a panel without a value says "no data" and keeps its axes;
//   - an axis of percentiles, log 1/(1−q), so that the tail has room;
//   - panels that share their range, a legend that covers no data;
//   - SVG with title and description for screen readers, text as text.
//
// Every system is told apart three times, by colour (Okabe–Ito), dash and
// marker: see [StyleOf].
package figure

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// Figure is one picture. Panels stand in rows of Columns.
type Figure struct {
	ID      string // file name without suffix, and prefix of the SVG's ids
	Title   string
	Note    string // n, and how the values were made
	Desc    string // what a reader who cannot see it must know
	Legend  []Entry
	Panels  []Panel
	Columns int       // panels a row; 1 by default
	ShareY  bool      // one range for all panels
	Height  vg.Length // of one row of panels; 230 points by default
}

// Entry is one line of the legend.
type Entry struct {
	Label  string
	Style  Style
	Line   bool
	Marker bool
	Hollow bool // the marker
	Faint  bool
	Block  bool // a filled square, for a Band
}

// Panel is one pair of axes with its marks.
type Panel struct {
	Title string
	X, Y  Axis
	Marks []Mark
}

// clean drops what the panel's axes cannot show.
func (p Panel) clean() Panel {
	var marks []Mark
	for _, m := range p.Marks {
		if m = m.keep(func(v XY) bool { return p.X.shows(v.X) && p.Y.shows(v.Y) }); m != nil {
			marks = append(marks, m)
		}
	}
	p.Marks = marks
	return p
}

// span is the range of the values on one axis.
type span struct{ min, max float64 }

func noSpan() span { return span{math.Inf(1), math.Inf(-1)} }

func (s span) with(v float64) span { return span{min(s.min, v), max(s.max, v)} }

func (s span) union(o span) span { return span{min(s.min, o.min), max(s.max, o.max)} }

func (s span) empty() bool { return s.min > s.max }

func (p Panel) spans() (x, y span) {
	x, y = noSpan(), noSpan()
	for _, m := range p.Marks {
		for _, v := range m.points() {
			x, y = x.with(v.X), y.with(v.Y)
		}
	}
	return x, y
}
