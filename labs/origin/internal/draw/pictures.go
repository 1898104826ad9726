package main

import (
	"image"
	"math"
)

// paint fills a picture, each pixel by its place.
func paint(w, h int, at func(x, y float64) rgb) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, at(float64(x), float64(y)).pixel())
		}
	}
	return m
}

// dusk is five ranges of hills, each paler the farther off, before a low sun.
func dusk(w, h int) *image.RGBA {
	W, H := float64(w), float64(h)
	far, near := hex(0xe58a6f), hex(0x1b1b3a)
	return paint(w, h, func(x, y float64) rgb {
		c := ramp(y/(H*0.72), hex(0x2b2d5b), hex(0x8a4f7d), hex(0xf08a5d), hex(0xf9d976))
		d := math.Hypot(x-W*0.64, y-H*0.47) / H
		c = c.add(hex(0xffd9a0), 0.5*math.Exp(-d*6)).mix(hex(0xfff3d6), 1-smooth(0.082, 0.086, d))
		cloud := fractal(x/W*4, y/H*14, 5, 3)
		c = c.mix(hex(0xffc3a0), 0.55*smooth(0.55, 0.8, cloud)*(1-y/(H*0.7)))
		for i := range 5 {
			t := float64(i) / 4
			ridge := H * (0.52 + 0.1*float64(i) - 0.2*(1-0.4*t)*(fractal(x/W*(3+2.5*float64(i))+7*float64(i), 0.5, 6, 40+i)-0.3))
			hill := far.mix(near, math.Pow(t, 0.7)).mix(far, 0.35*(1-t)*smooth(0, H*0.25, y-ridge))
			c = c.mix(hill, smooth(-0.8, 0.8, y-ridge))
		}
		return c.add(rgb{1, 1, 1}, (dot(int(x), int(y), 9)-0.5)*0.018)
	})
}

// palettes for the tiles: ground and three inks.
var palettes = [...][4]uint32{
	{0xf6efe0, 0x1d3557, 0xe63946, 0x457b9d},
	{0x22223b, 0xf2e9e4, 0xc9ada7, 0x9a8c98},
	{0xfefae0, 0x606c38, 0xdda15e, 0xbc6c25},
	{0x0b132b, 0x5bc0be, 0x6fffe9, 0x3a506b},
	{0xfff1e6, 0xef476f, 0x06d6a0, 0x118ab2},
	{0x2d1e2f, 0xf7c548, 0xf7b32b, 0xa9e5bb},
}

// tile is a square of five by five cells, each with one of a few plain motifs.
func tile(i, size int) *image.RGBA {
	p := palettes[i%len(palettes)]
	const cells = 5
	cell := float64(size) / cells
	return paint(size, size, func(x, y float64) rgb {
		cx, cy := int(x/cell), int(y/cell)
		u, v := x/cell-float64(cx), y/cell-float64(cy)
		pick := func(k int) float64 { return dot(cx, cy, 100+10*i+k) }
		turn := pick(0)
		if turn > 0.5 {
			u = 1 - u
		}
		if math.Mod(turn, 0.5) > 0.25 {
			v = 1 - v
		}
		ground, ink := hex(p[0]), hex(p[1+int(pick(1)*3)])
		edge := 1.2 / cell
		switch int(float64(i/len(palettes)) + pick(2)*2) {
		case 0: // two quarter arcs, as Truchet's
			a := math.Abs(math.Hypot(u, v) - 0.5)
			b := math.Abs(math.Hypot(1-u, 1-v) - 0.5)
			return ground.mix(ink, 1-smooth(0.11, 0.11+edge, min(a, b)))
		case 1: // a quarter disc
			return ground.mix(ink, 1-smooth(0.92, 0.92+edge, math.Hypot(u, v)))
		case 2: // a half square
			return ground.mix(ink, 1-smooth(0.96, 0.96+edge, u+v))
		case 3: // rings
			d := math.Hypot(u-0.5, v-0.5)
			return ground.mix(ink, smooth(-0.3, 0.3, math.Cos(d*25))*(1-smooth(0.46, 0.46+edge, d)))
		default: // a leaf: two discs laid over each other
			d := max(math.Hypot(u, 1-v), math.Hypot(1-u, v))
			return ground.mix(ink, 1-smooth(0.96, 0.96+edge, d))
		}
	})
}

// nebula is noise bent by noise, with stars. Its grain keeps it near 1 MB.
func nebula(w, h int) *image.RGBA {
	W := float64(w)
	return paint(w, h, func(px, py float64) rgb {
		x, y := px/W*3.2, py/W*3.2
		qx, qy := fractal(x, y, 5, 1), fractal(x+5.2, y+1.3, 5, 2)
		rx, ry := fractal(x+3.5*qx+1.7, y+3.5*qy+9.2, 5, 3), fractal(x+3.5*qx+8.3, y+3.5*qy+2.8, 5, 4)
		f := fractal(x+3.2*rx, y+3.2*ry, 6, 5)
		c := ramp(smooth(0.25, 0.78, f), hex(0x05060f), hex(0x1b1446), hex(0x6a1b6d), hex(0xd1495b), hex(0xffb56b), hex(0xfff4d6))
		c = c.mix(hex(0x1f7a8c), 0.75*smooth(0.5, 0.72, rx)*(1-f))
		c = c.add(stars(px, py), 1)
		return c.add(rgb{1, 1, 1}, math.Round((dot(int(px), int(py), 77)-0.5)*3)*0.004)
	})
}

// stars is the light of the stars near a point: at most one in each cell of a
// grid, most of them faint.
func stars(x, y float64) rgb {
	const cell = 14
	light := rgb{}
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			i, j := int(x/cell)+dx, int(y/cell)+dy
			if dot(i, j, 501) < 0.72 {
				continue
			}
			sx, sy := (float64(i)+dot(i, j, 502))*cell, (float64(j)+dot(i, j, 503))*cell
			d := math.Hypot(x-sx, y-sy)
			bright := math.Pow(dot(i, j, 504), 6)
			tint := ramp(dot(i, j, 505), hex(0x9bb8ff), hex(0xffffff), hex(0xffd2a1))
			light = light.add(tint, bright*(math.Exp(-d*d/1.6)+0.25*math.Exp(-d/2.5)))
		}
	}
	return light
}

// julia is a Julia set of z² + c, for the i-th of 24 points c on a circle
// just outside the main cardioid, coloured by how soon a point escapes.
func julia(i, w, h int) *image.RGBA {
	a := 2 * math.Pi * (float64(i) + 0.35) / 24
	c := complex(0.5*math.Cos(a)-0.25*math.Cos(2*a), 0.5*math.Sin(a)-0.25*math.Sin(2*a)) * 1.035
	hue := float64(i) / 24 * 2 * math.Pi
	tone := func(t float64) rgb {
		part := func(shift float64) float64 { return 0.5 + 0.5*math.Cos(6*t+hue+shift) }
		return rgb{part(0), part(0.9), part(1.9)}
	}
	return paint(w, h, func(x, y float64) rgb {
		sum := rgb{}
		for s := range 4 { // four samples a pixel, against jagged edges
			fx, fy := x+0.5*float64(s%2), y+0.5*float64(s/2)
			z := complex((fx-float64(w)/2)/float64(h)*2.1, (fy-float64(h)/2)/float64(h)*2.1)
			sum = sum.add(escape(z, c, tone), 0.25)
		}
		return sum
	})
}

func escape(z, c complex128, tone func(float64) rgb) rgb {
	const rounds = 160
	for n := range rounds {
		if m := real(z)*real(z) + imag(z)*imag(z); m > 256 {
			t := (float64(n) + 1 - math.Log2(math.Log2(m)/2)) / rounds // smooth count
			return tone(math.Sqrt(max(t, 0))).mix(rgb{}, 0.25)
		}
		z = z*z + c
	}
	return rgb{0.04, 0.03, 0.08}
}
