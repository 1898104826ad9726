package figure

import (
	"image/color"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Style is how one system looks in every figure.
type Style struct {
	Color  color.NRGBA
	Dashes []vg.Length // nil for a whole line
	Shape  Shape
}

// palette is Okabe and Ito's, without the yellow that white paper swallows.
// The order keeps neighbours far apart, for colour-blind eyes too.
var palette = []Style{
	{rgb(0x0072B2), nil, Circle},
	{rgb(0xD55E00), dashes(6, 2.5), Square},
	{rgb(0x009E73), dashes(9, 2, 2, 2), Diamond},
	{rgb(0xCC79A7), dashes(3, 2), Wedge},
	{rgb(0xE69F00), dashes(9, 2, 2, 2, 2, 2), Hexagon},
	{rgb(0x56B4E9), dashes(12, 3), Triangle},
}

// Styles that belong to no ranked system.
var (
	Baseline  = Style{rgb(0x4D4D4D), dashes(1.5, 2.5), Triangle} // what is measured against
	Reference = Style{rgb(0x767676), dashes(4, 3), Cross}        // an ideal, or what is not ranked
	Neutral   = Style{rgb(0x1F2328), nil, Circle}                // any system, in a legend
)

// StyleOf returns the style of the i-th system that is ranked. After six they
// begin anew.
func StyleOf(i int) Style { return palette[i%len(palette)] }

var (
	ink   = rgb(0x1F2328) // text
	soft  = rgb(0x57606A) // notes; 6:1 on white
	rule  = rgb(0x8C959F) // axes
	grid  = rgb(0xE4E7EB)
	band  = rgb(0xE9ECEF)
	white = rgb(0xFFFFFF)
)

// The opacities of marks.
const (
	noShade uint8 = 255
	shade   uint8 = 75 // of faint lines
)

// drop lowers text to the middle of its line: gonum centres ascent and descent
// together, and most labels have no descent.
const drop vg.Length = 1.7

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255}
}

func dashes(l ...vg.Length) []vg.Length { return l }

func (s Style) alpha(a uint8) color.NRGBA {
	c := s.Color
	c.A = a
	return c
}

func (s Style) line(faint bool) draw.LineStyle {
	if faint {
		return draw.LineStyle{Color: s.alpha(shade), Width: 0.8}
	}
	return draw.LineStyle{Color: s.alpha(noShade), Width: 1.6, Dashes: s.Dashes}
}

func (s Style) mark(c *draw.Canvas, at vg.Point, hollow, faint bool) {
	if faint {
		s.Shape.draw(c, s.alpha(150), at, 2.4, hollow)
		return
	}
	s.Shape.draw(c, s.alpha(noShade), at, 3.1, hollow)
}

// The sizes of text, in points of a figure 518 points wide.
const (
	titleSize  vg.Length = 12.5
	panelSize  vg.Length = 10.5
	labelSize  vg.Length = 10
	tickSize   vg.Length = 9.5
	noteSize   vg.Length = 9.5
	legendSize vg.Length = 10
)

func lettering(size vg.Length, c color.Color, bold bool) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return text.Style{Color: c, Font: f, Handler: plot.DefaultTextHandler}
}
