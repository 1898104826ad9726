package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Shape is a marker: a closed outline in a unit circle, or loose strokes.
// gonum's glyphs have hairlines that fade in print, so these are our own.
type Shape struct {
	outline []vg.Point    // filled, or only drawn where hollow
	strokes [][2]vg.Point // for shapes without an inside
}

// The markers.
var (
	Circle   = Shape{outline: regular(24, 0, 1)}
	Square   = Shape{outline: regular(4, math.Pi/4, 1.25)}
	Triangle = Shape{outline: regular(3, math.Pi/2, 1.3)}
	Diamond  = Shape{outline: regular(4, 0, 1.35)}
	Wedge    = Shape{outline: regular(3, -math.Pi/2, 1.3)}
	Hexagon  = Shape{outline: regular(6, 0, 1.15)}
	Cross    = Shape{strokes: [][2]vg.Point{{{X: -1, Y: -1}, {X: 1, Y: 1}}, {{X: -1, Y: 1}, {X: 1, Y: -1}}}}
)

func regular(n int, turn, radius float64) []vg.Point {
	out := make([]vg.Point, n)
	for i := range out {
		sin, cos := math.Sincos(turn + 2*math.Pi*float64(i)/float64(n))
		out[i] = vg.Point{X: vg.Length(radius * cos), Y: vg.Length(radius * sin)}
	}
	return out
}

func (s Shape) draw(c *draw.Canvas, col color.Color, at vg.Point, radius vg.Length, hollow bool) {
	line := draw.LineStyle{Color: col, Width: 1.1}
	place := func(p vg.Point) vg.Point { return vg.Point{X: at.X + p.X*radius, Y: at.Y + p.Y*radius} }
	for _, l := range s.strokes {
		a, b := place(l[0]), place(l[1])
		c.StrokeLine2(line, a.X, a.Y, b.X, b.Y)
	}
	if len(s.outline) == 0 {
		return
	}
	var path vg.Path
	for i, p := range s.outline {
		if i == 0 {
			path.Move(place(p))
		} else {
			path.Line(place(p))
		}
	}
	path.Close()
	if hollow {
		c.SetColor(white)
		c.Fill(path)
		c.SetLineStyle(line)
		c.Stroke(path)
		return
	}
	c.SetColor(col)
	c.Fill(path)
}
