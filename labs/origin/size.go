package origin

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/cespare/xxhash/v2"
)

// MaxSize is the most bytes that /size/N answers, and the most it takes.
const MaxSize = 64 << 20

// blockSize is a prime, so that no power of two at which a cache or a range may
// cut is the same place in two repetitions.
const blockSize = 1_048_573

// block is what every body of /size is a prefix of, repeated: letters that look
// random, in lines of 64, so that a body can be read in a trace of the wire.
var block = sync.OnceValue(func() []byte {
	b := make([]byte, blockSize)
	x := uint64(0x70726f78796c6162) // "proxylab"
	for i := range b {
		// Marsaglia's xorshift64
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = 'a' + byte(x>>40)%26
		if i%64 == 63 {
			b[i] = '\n'
		}
	}
	return b
})

// SizeBytes is the body of /size/n, for n from 0 to [MaxSize].
func SizeBytes(n int64) []byte {
	b := make([]byte, 0, n)
	for int64(len(b)) < n {
		b = append(b, block()[:min(blockSize, n-int64(len(b)))]...)
	}
	return b
}

// SizeXXH64 is the xxHash64 of the body of /size/n as 16 hex digits.
func SizeXXH64(n int64) string {
	d := xxhash.New()
	for left := n; left > 0; left -= blockSize {
		d.Write(block()[:min(blockSize, left)])
	}
	return fmt.Sprintf("%016x", d.Sum64())
}

var textField = []string{"text/plain; charset=utf-8"}

func size(_ *Server, w http.ResponseWriter, r *http.Request, rest string) {
	if !allow(w, r, http.MethodGet, http.MethodHead, http.MethodPost) {
		return
	}
	n, err := parseSize(rest)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "as /size/4096")
		return
	}
	if r.Method == http.MethodPost {
		if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, MaxSize)); err != nil {
			refuse(w, http.StatusRequestEntityTooLarge, err.Error(), fmt.Sprintf("send at most %d bytes", MaxSize))
			return
		}
	}
	w.Header()["Content-Type"] = textField
	if n <= blockSize {
		send(w, http.StatusOK, block()[:n])
		return
	}
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	for left := n; left > 0; left -= blockSize {
		if _, err := w.Write(block()[:min(blockSize, left)]); err != nil {
			return // the client is gone
		}
	}
}

// parseSize takes digits alone, and no zeros in front: one body, one path.
func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s || n < 0 || n > MaxSize {
		return 0, fmt.Errorf("size %q is not a number from 0 to %d", s, MaxSize)
	}
	return n, nil
}

// send sends a whole body. net/http writes Content-Length itself, without
// garbage, for a body that fits into its buffer of 2048 bytes; but none for HEAD
// where that body is empty.
func send(w http.ResponseWriter, code int, body []byte) {
	if len(body) == 0 || len(body) >= 2048 {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(code)
	w.Write(body) // an error is that of a client that is gone
}

// newSizeReader reads the body of /size/n from anywhere.
func newSizeReader(n int64) io.ReadSeeker { return io.NewSectionReader(repeated{}, 0, n) }

// repeated is the block, again and again.
type repeated struct{}

// ReadAt never ends; who reads stops by itself.
func (repeated) ReadAt(p []byte, off int64) (int, error) {
	for n := 0; n < len(p); {
		n += copy(p[n:], block()[(off+int64(n))%blockSize:])
	}
	return len(p), nil
}
