package figure

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Width of every figure, in points.
const Width vg.Length = 518

const (
	margin    vg.Length = 8
	rowHeight vg.Length = 230
	gap       vg.Length = 12 // between panels
	swatch    vg.Length = 24 // of the legend
)

func (f Figure) columns() int { return max(f.Columns, 1) }

func (f Figure) rows() int { return (len(f.Panels) + f.columns() - 1) / f.columns() }

func (f Figure) rowHeight() vg.Length {
	if f.Height > 0 {
		return f.Height
	}
	return rowHeight
}

// size returns the whole figure's size.
func (f Figure) size() (w, h vg.Length) {
	return Width, f.headHeight() + vg.Length(max(f.rows(), 1))*f.rowHeight() + margin
}

func (f Figure) headHeight() vg.Length {
	h := margin + titleSize*1.5
	if f.Note != "" {
		h += noteSize * 1.5
	}
	return h + vg.Length(len(f.legendRows()))*legendSize*1.7 + 6
}

// draw paints the figure on c, which has the figure's size.
func (f Figure) draw(c draw.Canvas) {
	c.SetColor(white)
	c.Fill(c.Rectangle.Path())
	f.drawHead(c)
	body := draw.Crop(c, margin, -margin, margin, -f.headHeight())
	panels := make([]Panel, len(f.Panels))
	shared := noSpan()
	for i, p := range f.Panels {
		panels[i] = p.clean()
		_, y := panels[i].spans()
		shared = shared.union(y)
	}
	cols := vg.Length(f.columns())
	side := f.sideLabels()
	body.Min.X += side
	width := (body.Max.X - body.Min.X - gap*(cols-1)) / cols
	for i, p := range panels {
		x, y := p.spans()
		if f.ShareY {
			y = shared
		}
		col, row := vg.Length(i%f.columns()), vg.Length(i/f.columns())
		left, top := body.Min.X+col*(width+gap), body.Max.Y-row*f.rowHeight()
		area := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: left, Y: top - f.rowHeight()},
			Max: vg.Point{X: left + width, Y: top},
		}}
		data := p.draw(area, p.X.fit(x), p.Y.fit(y))
		p.drawLabels(area, data, left-side)
	}
}

// sideLabels is the room for labels of vertical axes, left of all panels.
func (f Figure) sideLabels() vg.Length {
	for _, p := range f.Panels {
		if p.Y.Label != "" {
			return labelSize * 1.6
		}
	}
	return 0
}

// drawLabels names the panel and its axes. gonum would centre them by value, which on a log
// axis is not the middle, and would make panels of unequal size.
func (p Panel) drawLabels(area, data draw.Canvas, left vg.Length) {
	sty := lettering(labelSize, ink, false)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YBottom
	if p.Title != "" {
		title := lettering(panelSize, ink, true)
		title.XAlign, title.YAlign = draw.XCenter, draw.YTop
		area.FillText(title, vg.Point{X: data.Center().X, Y: area.Max.Y}, p.Title)
	}
	if p.X.Label != "" {
		area.FillText(sty, vg.Point{X: data.Center().X, Y: area.Min.Y + 2}, p.X.Label)
	}
	if p.Y.Label != "" {
		sty.Rotation, sty.YAlign = math.Pi/2, draw.YTop
		area.FillText(sty, vg.Point{X: left, Y: data.Center().Y}, p.Y.Label)
	}
}

func (f Figure) drawHead(c draw.Canvas) {
	x, y := c.Min.X+margin, c.Max.Y-margin
	line := func(size vg.Length, s string, bold bool) {
		sty := lettering(size, ink, bold)
		if !bold {
			sty.Color = soft
		}
		sty.YAlign = draw.YTop
		c.FillText(sty, vg.Point{X: x, Y: y}, s)
		y -= size * 1.5
	}
	line(titleSize, f.Title, true)
	if f.Note != "" {
		line(noteSize, f.Note, false)
	}
	y -= legendSize
	for _, row := range f.legendRows() {
		at := x
		for _, e := range row {
			e.draw(c, at, y)
			at += e.width()
		}
		y -= legendSize * 1.7
	}
}

func (e Entry) width() vg.Length {
	return swatch + 6 + lettering(legendSize, ink, false).Width(e.Label) + 16
}

func (e Entry) draw(c draw.Canvas, x, y vg.Length) {
	if e.Block {
		c.FillPolygon(band, []vg.Point{{X: x, Y: y - 4}, {X: x, Y: y + 4}, {X: x + swatch, Y: y + 4}, {X: x + swatch, Y: y - 4}})
	}
	if e.Line {
		c.StrokeLine2(e.Style.line(e.Faint), x, y, x+swatch, y)
	}
	if e.Marker {
		e.Style.mark(&c, vg.Point{X: x + swatch/2, Y: y}, e.Hollow, e.Faint)
	}
	sty := lettering(legendSize, ink, false)
	sty.YAlign = draw.YCenter
	c.FillText(sty, vg.Point{X: x + swatch + 6, Y: y + drop}, e.Label)
}

// legendRows breaks the legend where the figure ends.
func (f Figure) legendRows() [][]Entry {
	var rows [][]Entry
	room := vg.Length(0)
	for _, e := range f.Legend {
		w := e.width()
		if len(rows) == 0 || w > room {
			rows, room = append(rows, nil), Width-2*margin
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		room -= w
	}
	return rows
}

// draw paints axes, grid and marks with gonum/plot and returns where the data
// lie.
func (p Panel) draw(c draw.Canvas, x, y span) draw.Canvas {
	if p.Title != "" {
		c.Max.Y -= panelSize * 1.7
	}
	if p.X.Label != "" {
		c.Min.Y += labelSize * 1.8
	}
	g := plot.New()
	g.BackgroundColor = nil
	p.X.dress(&g.X, x)
	p.Y.dress(&g.Y, y)
	g.Add(canvas{p, x, y})
	g.Draw(c)
	return g.DataCanvas(c)
}

func (a Axis) dress(g *plot.Axis, s span) {
	g.Min, g.Max, g.Scale, g.Tick.Marker = s.min, s.max, a.scale(), a.ticks(s)
	g.Padding = 0
	g.LineStyle = draw.LineStyle{Color: rule, Width: 0.8}
	g.Tick.LineStyle = g.LineStyle
	g.Tick.Length = 4
	if a.Kind == Names {
		// Names need no ticks, but their distance from the axis.
		g.Tick.LineStyle.Color = white
	}
	label := lettering(tickSize, ink, false)
	label.XAlign, label.YAlign = g.Tick.Label.XAlign, g.Tick.Label.YAlign
	g.Tick.Label = label
}

// canvas is the panel as gonum's Plotter.
type canvas struct {
	panel Panel
	x, y  span
}

// Plot draws the grid and then the marks.
func (d canvas) Plot(c draw.Canvas, g *plot.Plot) {
	at := func(v XY) vg.Point {
		return vg.Point{X: c.X(g.X.Norm(v.X)), Y: c.Y(g.Y.Norm(v.Y))}
	}
	line := draw.LineStyle{Color: grid, Width: 0.6}
	for _, t := range d.panel.Y.ticks(d.y) {
		if y := at(XY{d.x.min, t.Value}).Y; !t.IsMinor() && c.ContainsY(y) {
			c.StrokeLine2(line, c.Min.X, y, c.Max.X, y)
		}
	}
	for _, t := range d.panel.X.ticks(d.x) {
		if x := at(XY{t.Value, d.y.min}).X; d.panel.X.Kind != Names && !t.IsMinor() && c.ContainsX(x) {
			c.StrokeLine2(line, x, c.Min.Y, x, c.Max.Y)
		}
	}
	for _, m := range d.panel.Marks {
		m.draw(&c, at)
	}
	if len(d.panel.Marks) == 0 {
		sty := lettering(panelSize, soft, false)
		sty.XAlign, sty.YAlign = draw.XCenter, draw.YCenter
		c.FillText(sty, c.Center(), "no data")
	}
}
