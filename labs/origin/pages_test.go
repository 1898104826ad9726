package origin_test

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"proxylab/labs/origin"
)

// A browser's view: each page, then everything it refers to, relative to it.
var reference = regexp.MustCompile(`(?:src|href)="([^"]+)"`)

func TestPagesReferToAllTheirParts(t *testing.T) {
	base, _, _ := start(t)
	parts := map[string]bool{}
	for _, r := range origin.Pages() {
		parts[r.Path] = false
	}
	var queue []string
	for n := 1; n <= 4; n++ {
		queue = append(queue, fmt.Sprintf("/pages/%d", n))
	}
	for _, page := range queue {
		parts[page] = true
		at, err := url.Parse(base + page)
		if err != nil {
			t.Fatal(err)
		}
		a := ask(t, "GET", at.String(), "")
		for _, m := range reference.FindAllStringSubmatch(a.body, -1) {
			ref, err := at.Parse(m[1])
			if err != nil {
				t.Fatalf("%s: %q: %v", page, m[1], err)
			}
			if ref.Scheme == "data" {
				continue
			}
			if _, ok := parts[ref.Path]; !ok {
				t.Errorf("%s refers to %s, which is none of Pages()", page, ref.Path)
			}
			parts[ref.Path] = true
		}
		if !strings.HasPrefix(a.body, "<!DOCTYPE html>\n<html lang=") || strings.Count(a.body, "<title>") != 1 {
			t.Errorf("%s is not a complete document", page)
		}
		for _, img := range regexp.MustCompile(`<img [^>]*>`).FindAllString(a.body, -1) {
			if !strings.Contains(img, `alt="`) {
				t.Errorf("%s: %s has no alt", page, img)
			}
		}
	}
	for path, used := range parts {
		if !used {
			t.Errorf("no page refers to %s", path)
		}
	}
}

func TestPagesArriveAsPagesSays(t *testing.T) {
	base, _, _ := start(t)
	for _, r := range origin.Pages() {
		a := ask(t, "GET", base+r.Path, "")
		hash := fmt.Sprintf("%016x", xxhash.Sum64String(a.body))
		if a.StatusCode != 200 || int64(len(a.body)) != r.Size || hash != r.XXH64 {
			t.Errorf("%s: status %d, %d bytes, hash %s; want %d, %s", r.Path, a.StatusCode, len(a.body), hash, r.Size, r.XXH64)
		}
		if r.Type == "" || a.Header.Get("Content-Type") != r.Type {
			t.Errorf("%s: Content-Type %q, want %q", r.Path, a.Header.Get("Content-Type"), r.Type)
		}
		if format, ok := strings.CutPrefix(r.Type, "image/"); ok {
			_, got, err := image.Decode(bytes.NewReader([]byte(a.body)))
			if err != nil || got != format {
				t.Errorf("%s: %q picture: %v", r.Path, got, err)
			}
		}
		if again := ask(t, "GET", base+r.Path, "", "If-None-Match: "+a.Header.Get("ETag")); again.StatusCode != 304 {
			t.Errorf("%s: status %d for its own ETag", r.Path, again.StatusCode)
		}
	}
}

// What the course asks of the four pages.
func TestPagesAreTheFourOfTheCourse(t *testing.T) {
	images, bytes, largest := [5]int{}, [5]int64{}, [5]int64{}
	for _, r := range origin.Pages() {
		var n int
		if _, err := fmt.Sscanf(r.Path, "/pages/%d/", &n); err != nil {
			continue // the page itself
		}
		if strings.HasPrefix(r.Type, "image/") {
			images[n]++
		}
		bytes[n] += r.Size
		largest[n] = max(largest[n], r.Size)
	}
	about := func(v int64) bool { return v > 900_000 && v < 1_150_000 }
	if images[1] != 1 {
		t.Errorf("page 1 has %d images, want one", images[1])
	}
	if images[2] < 20 {
		t.Errorf("page 2 has %d images, want many", images[2])
	}
	if !about(largest[3]) || images[3] != 1 {
		t.Errorf("page 3 has %d files, the largest of %d bytes; want one of about 1 MB", images[3], largest[3])
	}
	if !about(bytes[4]) || largest[4] > 100_000 || images[4] < 20 {
		t.Errorf("page 4 has %d images of %d bytes, the largest of %d; want many, about 1 MB together", images[4], bytes[4], largest[4])
	}
}
