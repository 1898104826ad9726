package store

import (
	"bytes"
	"io"
	"os"
	"testing"
	"time"

	"proxylab/proxy/cache"
)

// The kernel is asked about each window that a piece touches, within the body, and
// again when its answer is old. A no is not remembered.
func TestResident(t *testing.T) {
	type asked struct{ at, n int64 }
	var all []asked
	answer := true
	ask := func(_ *os.File, at, n int64) bool {
		all = append(all, asked{at, n})
		return answer
	}
	s := open(t, Options{Dir: t.TempDir(), Object: 100})
	const size = 2*window + 1000
	put(t, s, requestFor("/a"), bodyOf("/a", size), epoch)
	var v Variants
	if s.Get(keyOf("/a"), &v) != Ready {
		t.Fatal("not found")
	}
	if _, there := s.Opened(&v, v.Entries[0]); there {
		t.Error("a file that nobody opened is open")
	}
	b, err := s.Body(&v, v.Entries[0])
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	again, there := s.Opened(&v, v.Entries[0])
	if !there || again.File != b.File {
		t.Error("a file that is open is not found")
	}
	again.Close()
	for _, step := range []struct {
		what  string
		at, n int64
		after time.Duration
		no    bool
		want  []asked
	}{
		{"not there", 0, 10, 0, true, []asked{{0, window}}},
		{"first", 0, 10, 0, false, []asked{{0, window}}},
		{"remembered", 1000, 10, residing - 1, false, nil},
		{"over the edge", window - 10, 20, residing - 1, false, []asked{{window, window}}},
		{"the last is short", 2 * window, 1000, residing - 1, false, []asked{{2 * window, 1000}}},
		{"too old", 0, 10, residing, false, []asked{{0, window}}},
		{"all", 0, size, 10 * residing, false, []asked{{0, window}, {window, window}, {2 * window, 1000}}},
		{"one is not there", 0, size, 20 * residing, true, []asked{{0, window}}},
	} {
		all, answer = nil, !step.no
		if got := b.Resident(b.At+step.at, step.n, epoch.Add(step.after), ask); got != answer {
			t.Errorf("%s: %v", step.what, got)
		}
		if len(all) != len(step.want) {
			t.Errorf("%s: asked %v, want %v", step.what, all, step.want)
			continue
		}
		for i, w := range step.want {
			if w.at += b.At; all[i] != w {
				t.Errorf("%s: asked %v, want %v", step.what, all[i], w)
			}
		}
	}
	if (&Body{Bytes: []byte("x"), Size: 1}).Resident(0, 1, epoch, ask) {
		t.Error("what is no opened file is resident")
	}
}

// follower is a reader that notes what it got, and from where.
type follower struct {
	*Reader
	most       int64 // bytes that it takes at once
	got        []byte
	file, tail int // pieces
}

func (r *follower) take(t *testing.T, p Piece) {
	t.Helper()
	n := min(p.Size, r.most)
	if p.File == nil {
		r.got = append(r.got, p.Bytes[:n]...)
		r.tail++
	} else {
		b := make([]byte, n)
		if _, err := p.File.ReadAt(b, p.At); err != nil {
			t.Fatalf("%d bytes at %d of the file: %v", n, p.At, err)
		}
		r.got = append(r.got, b...)
		r.file++
	}
	r.Advance(n)
}

// A reader gets every byte once where its place crosses from the file into what was
// not written yet, and back into the file when that was written.
func TestReadersCrossFromTheFileToTheTail(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), Object: 100})
	const size = 5*tailSize + 777
	want := bodyOf("/a", size)
	e := entryOf(t, requestFor("/a"), size, epoch)
	f := s.Take(e.Key, &Variants{}, &cache.Taken{Fill: e})
	var all []*follower
	for _, most := range []int64{1000, 20_000, tailSize, size} {
		all = append(all, &follower{Reader: f.Follow(func() {}), most: most})
	}
	for at, turn := 0, 0; at < size; turn++ {
		n := min([]int{100, 30_000, 3*tailSize + 5, 50_000, 1}[turn%5], size-at)
		if _, err := f.Write(want[at : at+n]); err != nil {
			t.Fatal(err)
		}
		at += n
		for i, r := range all {
			for steps := 0; ; steps++ {
				p, err := r.Next()
				if err == ErrWait || i%2 == 0 && steps == 2 { // every other stays behind
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				r.take(t, p)
			}
		}
	}
	if !f.Commit(e) {
		t.Error("not stored")
	}
	for i, r := range all {
		for {
			p, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			r.take(t, p)
		}
		r.Close()
		if !bytes.Equal(r.got, want) || r.file == 0 {
			t.Errorf("reader %d: %d bytes, or others, in %d pieces of the file and %d of memory", i, len(r.got), r.file, r.tail)
		}
	}
	if all[3].tail == 0 {
		t.Error("who reads at once has nothing from the tail")
	}
	if got := get(t, s, requestFor("/a"), epoch); !bytes.Equal(got, want) {
		t.Errorf("%d bytes are stored, or others", len(got))
	}
	if n := s.coming.Load(); n != 0 {
		t.Errorf("%d bytes count as coming at the end", n)
	}
}
