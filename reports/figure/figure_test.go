package figure_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"proxylab/reports/figure"
)

var kinds = map[string]figure.Axis{
	"linear":     {Label: "x", Kind: figure.Linear},
	"zero":       {Label: "x", Kind: figure.Linear, Zero: true},
	"log":        {Label: "x", Kind: figure.Log},
	"percentile": {Label: "x", Kind: figure.Percentile},
	"names":      {Kind: figure.Names, Names: []string{"a", "b"}},
}

// hostile are values that gonum panics on or refuses somewhere.
var hostile = map[string][]figure.XY{
	"nothing":      nil,
	"one point":    {{X: 1, Y: 1}},
	"zeros":        {{}, {}, {}},
	"same point":   {{X: 5, Y: 5}, {X: 5, Y: 5}},
	"negative":     {{X: -1, Y: -1}, {X: -2, Y: -3}},
	"NaN":          {{X: math.NaN(), Y: 1}, {X: 1, Y: math.NaN()}},
	"infinite":     {{X: math.Inf(1), Y: 1}, {X: 1, Y: math.Inf(-1)}},
	"mixed":        {{X: 1, Y: 2}, {X: math.NaN(), Y: 0}, {X: 3, Y: 0}, {X: 50, Y: 7}},
	"huge":         {{X: 1e300, Y: 1e300}, {X: 1, Y: 1}},
	"tiny":         {{X: 1e-300, Y: 1e-300}, {X: 1e-301, Y: 1e-302}},
	"hundred":      {{X: 100, Y: 100}, {X: 99.9999, Y: 1}},
	"just apart":   {{X: 1, Y: 1}, {X: 1 + 1e-15, Y: 1 + 1e-15}},
	"beyond names": {{X: 40, Y: 1}},
}

func TestNoValueBreaksAFigure(t *testing.T) {
	for xName, x := range kinds {
		for yName, y := range kinds {
			for name, points := range hostile {
				p := figure.Panel{Title: name, X: x, Y: y, Marks: marks(points)}
				f := figure.Figure{ID: "f", Title: "t", Panels: []figure.Panel{p, {X: x, Y: y}}, Columns: 2, ShareY: true}
				svg, err := f.SVG()
				if err != nil {
					t.Errorf("%s on %s and %s: %v", name, xName, yName, err)
				}
				for _, bad := range []string{"NaN", "Inf"} {
					if strings.Contains(coordinates(string(svg)), bad) {
						t.Errorf("%s on %s and %s: the SVG holds %s", name, xName, yName, bad)
					}
				}
			}
		}
	}
}

func TestNoValueBreaksAPNG(t *testing.T) {
	for name, points := range hostile {
		f := figure.Figure{ID: "f", Height: 90, Columns: 2, Panels: []figure.Panel{
			{X: kinds["linear"], Y: kinds["log"], Marks: marks(points)}, {X: kinds["percentile"], Y: kinds["zero"], Marks: marks(points)},
		}}
		var first, second bytes.Buffer
		if err := f.PNG(&first); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name != "mixed" {
			continue
		}
		if err := f.PNG(&second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%s: another PNG the second time (%v)", name, err)
		}
	}
}

// coordinates returns what the SVG's paths are made of.
func coordinates(svg string) string {
	var b strings.Builder
	for _, part := range strings.Split(svg, "<path d=\"")[1:] {
		d, _, _ := strings.Cut(part, "\"")
		b.WriteString(d + "\n")
	}
	return b.String()
}

func marks(points []figure.XY) []figure.Mark {
	out := []figure.Mark{
		figure.Line{Style: figure.StyleOf(0), Points: points},
		figure.Dots{Style: figure.StyleOf(1), Points: points, Hollow: true},
		figure.Band{Low: 0.9, High: 1.1},
	}
	for _, p := range points {
		out = append(out, figure.Whisker{Style: figure.StyleOf(2), X: p.X, Low: p.Y / 2, Mid: p.Y, High: p.Y * 2},
			figure.Bar{Style: figure.StyleOf(3), X: p.X, Width: 1, Height: p.Y}, figure.Text{X: p.X, Y: p.Y, Text: "v"})
	}
	return out
}

func TestAnEmptyPanelSaysSo(t *testing.T) {
	f := figure.Figure{ID: "f", Panels: []figure.Panel{{X: kinds["linear"], Y: kinds["log"], Marks: []figure.Mark{
		figure.Line{Points: []figure.XY{{X: 1, Y: 0}}},
	}}}}
	svg, err := f.SVG()
	if err != nil || !bytes.Contains(svg, []byte(">no data<")) {
		t.Errorf("a line that a log axis cannot show: %v, no “no data” in the SVG", err)
	}
}

// example has every mark and kind of axis once.
func example() figure.Figure {
	return figure.Figure{
		ID: "example", Title: "Latency & <percentiles>", Note: "n = 6", Desc: "proxyd: p50 0.5 ms",
		Columns: 2,
		Legend: []figure.Entry{
			{Label: "proxyd", Style: figure.StyleOf(0), Line: true},
			{Label: "apache", Style: figure.StyleOf(1), Line: true, Marker: true},
			{Label: "band", Block: true},
		},
		Panels: []figure.Panel{
			{
				Title: "tail", X: figure.Axis{Kind: figure.Percentile, Label: "percentile"}, Y: figure.Axis{Kind: figure.Log, Label: "latency (ms)"},
				Marks: []figure.Mark{figure.Line{Style: figure.StyleOf(0), Points: []figure.XY{{X: 0, Y: 0.2}, {X: 90, Y: 0.8}, {X: 99.9, Y: 12}}}},
			},
			{
				X: figure.Axis{Kind: figure.Names, Names: []string{"proxyd", "apache"}}, Y: figure.Axis{Zero: true},
				Marks: []figure.Mark{
					figure.Band{Low: 10, High: 12},
					figure.Bar{Style: figure.StyleOf(0), X: 0, Width: 0.5, Height: 31},
					figure.Whisker{Style: figure.StyleOf(1), X: 1, Low: 100, Mid: 112, High: 118},
					figure.Dots{Style: figure.StyleOf(1), Points: []figure.XY{{X: 0.8, Y: 110}, {X: 0.9, Y: 115}}, Hollow: true},
					figure.Text{X: 1, Y: 112, Text: "112 µs"},
				},
			},
		},
	}
}

func TestSVGIsTheGoldenOne(t *testing.T) {
	svg, err := example().SVG()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := example().SVG()
	if !bytes.Equal(svg, again) {
		t.Error("the same figure twice gives two SVGs")
	}
	golden := filepath.Join("testdata", "example.svg")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, svg, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(svg) != string(want) {
		got, old := strings.Split(string(svg), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(got), len(old)) {
			if got[i] != old[i] {
				t.Fatalf("%s:%d\n got %s\nwant %s\n(UPDATE=1 rewrites it)", golden, i+1, got[i], old[i])
			}
		}
		t.Fatalf("%s: %d lines, want %d", golden, len(got), len(old))
	}
}

func TestSVGForScreenReaders(t *testing.T) {
	svg, err := example().SVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`role="img" aria-labelledby="example-title example-desc"`,
		`<title id="example-title">Latency &amp; &lt;percentiles&gt;</title>`,
		`<desc id="example-desc">proxyd: p50 0.5 ms</desc>`,
		`>latency (ms)</text>`, `>99.9</text>`, `Arial,Helvetica,sans-serif`,
	} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("no %s in the SVG", want)
		}
	}
	dec := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the SVG is no XML: %v", err)
		}
	}
}

func TestTextStaysInsideTheFigure(t *testing.T) {
	f := example()
	for range 9 {
		f.Legend = append(f.Legend, figure.Entry{Label: "a system with a long name", Line: true})
	}
	var buf bytes.Buffer
	if err := f.PNG(&buf); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&buf)
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for _, x := range []int{b.Min.X, b.Max.X - 1} {
			if r, g, bl, _ := img.At(x, y).RGBA(); r+g+bl != 3*0xffff {
				t.Fatalf("ink at the edge, %d,%d: something is clipped", x, y)
			}
		}
	}
	if want := int(figure.Width) * 2 * 96 / 72; math.Abs(float64(b.Dx()-want)) > 1 {
		t.Errorf("PNG is %d pixels wide, want %d: two a CSS pixel", b.Dx(), want)
	}
}
