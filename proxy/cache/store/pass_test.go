package store

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"proxylab/proxy/cache"
)

// readAll reads as fast as it can, or with a pause behind each piece.
func readAll(r *Reader, woken chan struct{}, pause time.Duration) (got []byte, err error) {
	for {
		p, err := r.Next()
		switch err {
		case nil:
			b := p.Bytes
			if p.File != nil {
				b = make([]byte, p.Size)
				if _, err := p.File.ReadAt(b, p.At); err != nil {
					return got, err
				}
			}
			n := min(len(b), 50_000) // a piece is taken in parts, as a client does
			got = append(got, b[:n]...)
			r.Advance(int64(n))
			time.Sleep(pause)
		case ErrWait:
			<-woken
		default:
			return got, err
		}
	}
}

// TestPassing has a content outgrow its store while fast and slow ones read it: all
// get all of its bytes, and it never takes more room than what came before and the
// window, in memory or in a file.
func TestPassing(t *testing.T) {
	for _, files := range []bool{false, true} {
		t.Run(fmt.Sprintf("files=%v", files), func(t *testing.T) {
			dir := ""
			if files {
				dir = t.TempDir()
			}
			synctest.Test(t, func(t *testing.T) {
				s := open(t, Options{Memory: 8 << 20, Object: 100_000, Dir: dir})
				e := entryOf(t, requestFor("/p"), -1, epoch)
				f := s.Take(e.Key, &Variants{}, &cache.Taken{Fill: e})
				body := bodyOf("/p", 3_000_000)
				results := make(chan error, 3)
				for i := range 3 {
					woken := make(chan struct{}, 1)
					r := f.Follow(func() {
						select {
						case woken <- struct{}{}:
						default:
						}
					})
					go func() {
						defer r.Close()
						got, err := readAll(r, woken, time.Duration(i)*time.Millisecond)
						if err == io.EOF && !bytes.Equal(got, body) {
							err = fmt.Errorf("%d bytes of %d, or others", len(got), len(body))
						}
						results <- err
					}()
				}
				const kept, piece = 200_000, 10_000
				passes := false
				for at := 0; at < len(body); at += piece {
					p := body[at : at+piece]
					if !passes && at < kept {
						if _, err := f.Write(p); err == nil {
							continue
						} else if files {
							t.Fatal(err)
						}
					}
					passes = true
					if err := f.Pass(p); err != nil {
						t.Fatal(err)
					}
					if n := len(f.passing.window); n > passWindow {
						t.Fatalf("%d bytes in the window", n)
					}
					if files {
						names, _ := filepath.Glob(filepath.Join(dir, "tmp", "*"))
						for _, name := range names {
							if info, err := os.Stat(name); err == nil && info.Size() > kept+4096 {
								t.Fatalf("the file has %d bytes", info.Size())
							}
						}
					}
				}
				if _, err := f.Write(body[:1]); err != ErrTooLarge && !files {
					t.Errorf("written after it: %v", err)
				}
				f.Finish()
				for range 3 {
					if err := <-results; err != io.EOF {
						t.Error(err)
					}
				}
				if n := s.coming.Load(); n != 0 || f.Commit(e.Sized(int64(len(body)), &cache.Policy{})) {
					t.Errorf("%d bytes counted as coming, or it is stored", n)
				}
				late := f.Follow(func() {})
				if _, err := late.Next(); err != ErrAborted {
					t.Errorf("who comes after what was forgotten: %v", err)
				}
				late.Close()
				if names, _ := filepath.Glob(filepath.Join(dir, "tmp", "*")); files && len(names) > 0 {
					t.Errorf("left: %v", names)
				}
				if n := s.Stats().OpenFiles; n != 0 {
					t.Errorf("%d files open", n)
				}
				s.Close()
			})
		})
	}
}

// TestPassingEndsForWhoLeaves has the writer wait for one who reads nothing, until that
// one leaves.
func TestPassingEndsForWhoLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{Memory: 8 << 20})
		e := entryOf(t, requestFor("/p"), -1, epoch)
		f := s.Take(e.Key, &Variants{}, &cache.Taken{Fill: e})
		r := f.Follow(func() {})
		passed := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 100 {
				if f.Pass(make([]byte, 10_000)) == nil {
					passed++
				}
			}
		}()
		synctest.Wait()
		if passed*10_000 > passWindow {
			t.Errorf("%d pieces while nobody reads", passed)
		}
		r.Close()
		<-done
		if passed != 100 {
			t.Errorf("%d pieces", passed)
		}
		f.Abort()
		s.Close()
	})
}
