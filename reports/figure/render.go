package figure

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"io"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// SVG returns the figure as an <svg> element, which is a file by itself and
// can stand in an HTML page: its ids begin with the figure's ID.
func (f Figure) SVG() ([]byte, error) {
	w, h := f.size()
	canvas := vgsvg.New(w, h)
	f.draw(draw.New(canvas))
	var buf bytes.Buffer
	if _, err := canvas.WriteTo(&buf); err != nil {
		return nil, fmt.Errorf("figure %s: %w", f.ID, err)
	}
	// gonum's prolog (XML declaration, comment, svg tag) ends with the first
	// group; it is replaced by one that HTML takes and screen readers announce.
	_, body, ok := bytes.Cut(buf.Bytes(), []byte("<g "))
	if !ok {
		return nil, fmt.Errorf("figure %s: no group in the SVG", f.ID)
	}
	// Readers without the Liberation fonts get others of the same widths.
	body = bytes.ReplaceAll(body, []byte("font-family:Liberation Sans;"),
		[]byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %[1]g %[2]g" role="img" aria-labelledby="%[3]s-title %[3]s-desc">
<title id="%[3]s-title">%[4]s</title>
<desc id="%[3]s-desc">%[5]s</desc>
<g `, w.Points(), h.Points(), html.EscapeString(f.ID), html.EscapeString(f.Title), html.EscapeString(f.Desc))
	out.Write(body)
	return out.Bytes(), nil
}

// PNG writes the figure at twice the size of a screen's pixels.
func (f Figure) PNG(w io.Writer) error {
	width, height := f.size()
	canvas := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(2*96), vgimg.UseBackgroundColor(color.White))
	f.draw(draw.New(canvas))
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(w); err != nil {
		return fmt.Errorf("figure %s: %w", f.ID, err)
	}
	return nil
}
