// Command draw draws the pictures of the four test pages. It was run once and
// its results are in the tree, embedded by package origin; it is kept so that
// nobody has to ask where they come from and under which licence: they are
// drawn, from nothing but arithmetic.
//
//	go run ./labs/origin/internal/draw labs/origin/pages
//
// Page 1 has one picture, page 2 many small ones, page 3 one of about 1 MB and
// page 4 many that are about 1 MB together.
package main

import (
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: draw FOLDER")
		os.Exit(2)
	}
	if err := drawAll(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func drawAll(folder string) error {
	if err := writeJPEG(filepath.Join(folder, "1/dusk.jpg"), dusk(960, 540), 85); err != nil {
		return err
	}
	for i := range 24 {
		path := filepath.Join(folder, fmt.Sprintf("2/tile-%02d.png", i+1))
		if err := writePNG(path, tile(i, 160)); err != nil {
			return err
		}
	}
	if err := writePNG(filepath.Join(folder, "3/nebula.png"), nebula(1000, 680)); err != nil {
		return err
	}
	for i := range 24 {
		path := filepath.Join(folder, fmt.Sprintf("4/julia-%02d.jpg", i+1))
		if err := writeJPEG(path, julia(i, 600, 400), 85); err != nil {
			return err
		}
	}
	return nil
}

func writeJPEG(path string, m image.Image, quality int) error {
	return write(path, func(f *os.File) error { return jpeg.Encode(f, m, &jpeg.Options{Quality: quality}) })
}

func writePNG(path string, m image.Image) error {
	return write(path, func(f *os.File) error {
		return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(f, m)
	})
}

func write(path string, encode func(*os.File) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := encode(f); err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", path, err)
	}
	return f.Close()
}
