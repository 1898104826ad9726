package main

import (
	"image/color"
	"math"
)

// rgb is a colour with parts from 0 to 1; beyond is cut off when it is drawn.
type rgb struct{ r, g, b float64 }

func hex(v uint32) rgb {
	return rgb{float64(v>>16&255) / 255, float64(v>>8&255) / 255, float64(v&255) / 255}
}

func (c rgb) mix(d rgb, t float64) rgb {
	t = clamp(t)
	return rgb{c.r + (d.r-c.r)*t, c.g + (d.g-c.g)*t, c.b + (d.b-c.b)*t}
}

func (c rgb) add(d rgb, t float64) rgb { return rgb{c.r + d.r*t, c.g + d.g*t, c.b + d.b*t} }

func (c rgb) pixel() color.RGBA {
	part := func(v float64) uint8 { return uint8(math.Round(clamp(v) * 255)) }
	return color.RGBA{part(c.r), part(c.g), part(c.b), 255}
}

// ramp walks through colours as t goes from 0 to 1.
func ramp(t float64, colours ...rgb) rgb {
	x := clamp(t) * float64(len(colours)-1)
	i := min(int(x), len(colours)-2)
	return colours[i].mix(colours[i+1], x-float64(i))
}

func clamp(t float64) float64 { return min(max(t, 0), 1) }

// smooth rises from 0 at a to 1 at b with level ends.
func smooth(a, b, x float64) float64 {
	t := clamp((x - a) / (b - a))
	return t * t * (3 - 2*t)
}

// dot is a pseudo-random number in [0, 1) that belongs to a point of the grid.
func dot(x, y, seed int) float64 {
	h := uint64(uint32(x))*0x9e3779b97f4a7c15 ^ uint64(uint32(y))*0xc2b2ae3d27d4eb4f ^ uint64(seed)*0x165667b19e3779f9
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return float64((h^h>>31)>>11) / (1 << 53)
}

// noise is value noise: the numbers of the grid, joined smoothly.
func noise(x, y float64, seed int) float64 {
	xi, yi := math.Floor(x), math.Floor(y)
	u, v := smooth(0, 1, x-xi), smooth(0, 1, y-yi)
	i, j := int(xi), int(yi)
	top := dot(i, j, seed)*(1-u) + dot(i+1, j, seed)*u
	bottom := dot(i, j+1, seed)*(1-u) + dot(i+1, j+1, seed)*u
	return top*(1-v) + bottom*v
}

// fractal sums noise at ever smaller scales; the result is in [0, 1).
func fractal(x, y float64, octaves, seed int) float64 {
	sum, weight, total := 0.0, 1.0, 0.0
	for o := range octaves {
		sum += weight * noise(x, y, seed+o)
		total += weight
		weight /= 2
		x, y = x*2.03+17.7, y*2.03+9.2
	}
	return sum / total
}
