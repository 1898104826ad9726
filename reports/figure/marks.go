package figure

import (
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// XY is a value on the two axes.
type XY struct{ X, Y float64 }

// Mark is something drawn on a panel.
type Mark interface {
	points() []XY               // what the axes must hold
	keep(ok func(XY) bool) Mark // without the points that are not ok; nil when nothing is left
	draw(c *draw.Canvas, at func(XY) vg.Point)
}

// Line joins points in their order.
type Line struct {
	Style  Style
	Points []XY
	Faint  bool
}

func (l Line) points() []XY { return l.Points }

func (l Line) keep(ok func(XY) bool) Mark {
	if l.Points = filter(l.Points, ok); len(l.Points) == 0 {
		return nil
	}
	return l
}

func (l Line) draw(c *draw.Canvas, at func(XY) vg.Point) {
	path := make([]vg.Point, len(l.Points))
	for i, p := range l.Points {
		path[i] = at(p)
	}
	c.StrokeLines(l.Style.line(l.Faint), path)
	// One point is no line; without its marker it would not be seen.
	if len(path) == 1 {
		l.Style.mark(c, path[0], false, l.Faint)
	}
}

// Dots are points by themselves.
type Dots struct {
	Style  Style
	Points []XY
	Hollow bool
	Faint  bool
}

func (d Dots) points() []XY { return d.Points }

func (d Dots) keep(ok func(XY) bool) Mark {
	if d.Points = filter(d.Points, ok); len(d.Points) == 0 {
		return nil
	}
	return d
}

func (d Dots) draw(c *draw.Canvas, at func(XY) vg.Point) {
	for _, p := range d.Points {
		d.Style.mark(c, at(p), d.Hollow, d.Faint)
	}
}

// Whisker is a value with its interval, upright.
type Whisker struct {
	Style             Style
	X, Low, Mid, High float64
}

func (w Whisker) points() []XY { return []XY{{w.X, w.Low}, {w.X, w.Mid}, {w.X, w.High}} }

func (w Whisker) keep(ok func(XY) bool) Mark {
	if !ok(XY{w.X, w.Mid}) {
		return nil
	}
	if !ok(XY{w.X, w.Low}) {
		w.Low = w.Mid
	}
	if !ok(XY{w.X, w.High}) {
		w.High = w.Mid
	}
	return w
}

func (w Whisker) draw(c *draw.Canvas, at func(XY) vg.Point) {
	line := draw.LineStyle{Color: w.Style.Color, Width: 1.4}
	low, mid, high := at(XY{w.X, w.Low}), at(XY{w.X, w.Mid}), at(XY{w.X, w.High})
	c.StrokeLine2(line, low.X, low.Y, high.X, high.Y)
	const cap vg.Length = 6.5 // wider than the point, which may hide the end itself
	for _, end := range []vg.Point{low, high} {
		c.StrokeLine2(line, end.X-cap, end.Y, end.X+cap, end.Y)
	}
	w.Style.Shape.draw(c, w.Style.Color, mid, 4, false)
}

// Bar stands on 0.
type Bar struct {
	Style            Style
	X, Width, Height float64
}

func (b Bar) points() []XY {
	return []XY{{b.X - b.Width/2, 0}, {b.X + b.Width/2, b.Height}}
}

func (b Bar) keep(ok func(XY) bool) Mark {
	for _, p := range b.points() {
		if !ok(p) {
			return nil
		}
	}
	return b
}

func (b Bar) draw(c *draw.Canvas, at func(XY) vg.Point) {
	lo, hi := at(XY{b.X - b.Width/2, 0}), at(XY{b.X + b.Width/2, b.Height})
	c.FillPolygon(b.Style.alpha(200), []vg.Point{lo, {X: lo.X, Y: hi.Y}, hi, {X: hi.X, Y: lo.Y}})
}

// Band is a grey stripe from Low to High across the panel.
type Band struct{ Low, High float64 }

func (b Band) points() []XY { return nil }

func (b Band) keep(ok func(XY) bool) Mark {
	// A band belongs to Linear and Names axes of X, which show 0.
	if !ok(XY{0, b.Low}) || !ok(XY{0, b.High}) {
		return nil
	}
	return b
}

func (b Band) draw(c *draw.Canvas, at func(XY) vg.Point) {
	lo, hi := at(XY{0, b.Low}).Y, at(XY{0, b.High}).Y
	lo, hi = max(lo, c.Min.Y), min(hi, c.Max.Y)
	if hi <= lo {
		return
	}
	c.FillPolygon(band, []vg.Point{{X: c.Min.X, Y: lo}, {X: c.Min.X, Y: hi}, {X: c.Max.X, Y: hi}, {X: c.Max.X, Y: lo}})
}

// Span is a grey stripe from From to To on the X axis, as high as the panel.
type Span struct{ From, To float64 }

func (s Span) points() []XY { return nil }

func (s Span) keep(ok func(XY) bool) Mark {
	// 1 is on Linear and on Log axes of Y.
	if !ok(XY{s.From, 1}) || !ok(XY{s.To, 1}) {
		return nil
	}
	return s
}

func (s Span) draw(c *draw.Canvas, at func(XY) vg.Point) {
	from, to := max(at(XY{s.From, 1}).X, c.Min.X), min(at(XY{s.To, 1}).X, c.Max.X)
	if to <= from {
		return
	}
	c.FillPolygon(band, []vg.Point{{X: from, Y: c.Min.Y}, {X: from, Y: c.Max.Y}, {X: to, Y: c.Max.Y}, {X: to, Y: c.Min.Y}})
}

// Text stands right of its point, up or down, or centred above it.
type Text struct {
	X, Y  float64
	Text  string
	Above bool
	Down  bool // where a line just above the point would cross it
}

func (t Text) points() []XY { return []XY{{t.X, t.Y}} }

func (t Text) keep(ok func(XY) bool) Mark {
	if !ok(XY{t.X, t.Y}) {
		return nil
	}
	return t
}

func (t Text) draw(c *draw.Canvas, at func(XY) vg.Point) {
	sty, p := lettering(tickSize, ink, false), at(XY{t.X, t.Y})
	switch {
	case t.Above:
		sty.XAlign, sty.YAlign, p.Y = draw.XCenter, draw.YBottom, p.Y+3
	case t.Down:
		sty.XAlign, sty.YAlign, p.X, p.Y = draw.XLeft, draw.YTop, p.X+8, p.Y-2
	default:
		sty.XAlign, sty.YAlign, p.X, p.Y = draw.XLeft, draw.YBottom, p.X+8, p.Y+2
	}
	c.FillText(sty, p, t.Text)
}

func filter(points []XY, ok func(XY) bool) []XY {
	return slices.DeleteFunc(slices.Clone(points), func(p XY) bool { return !ok(p) })
}
