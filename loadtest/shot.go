package loadtest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// shot is the request of a target, and the right answer to it.
type shot struct {
	request *http.Request
	base    string
	body    []byte
	varied  []field // whose values have places to fill
	path    string  // with places to fill; "" for one that is always the same
	want    Target
	hash    uint64
}

// field is one line of a request's header.
type field struct{ name, value string }

// header is the target's fields and cookies, in order of their names.
func (t Target) header() []field {
	var all []field
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		all = append(all, field{name, t.Fields[name]})
	}
	var cookies []string
	for _, name := range slices.Sorted(maps.Keys(t.Cookies)) {
		cookies = append(cookies, name+"="+t.Cookies[name])
	}
	if len(cookies) > 0 {
		all = append(all, field{"Cookie", strings.Join(cookies, "; ")})
	}
	return all
}

// PathOf is the path of one hit, with its places filled.
func (t Target) PathOf(n uint64, item int) string { return expand(t.Path, n, item) }

func varies(s string) bool { return strings.Contains(s, "{n}") || strings.Contains(s, "{item}") }

// expand fills the places of a target's text for one hit.
func expand(s string, n uint64, item int) string {
	if !varies(s) {
		return s
	}
	s = strings.ReplaceAll(s, "{n}", strconv.FormatUint(n, 10))
	return strings.ReplaceAll(s, "{item}", strconv.Itoa(item))
}

// newShot takes a base and target that Validate has passed.
func newShot(base string, t Target) shot {
	r, err := http.NewRequest(t.Method, base+expand(t.Path, 0, 1), nil)
	if err != nil {
		panic("a validated target makes no request: " + err.Error())
	}
	r.Header.Set("User-Agent", "proxylab-loadgen")
	sh := shot{request: r, base: base, want: t}
	if varies(t.Path) {
		sh.path = t.Path
	}
	for _, f := range t.header() {
		if varies(f.value) {
			sh.varied = append(sh.varied, f)
		} else {
			setField(r, f.name, f.value)
		}
	}
	if t.Body > 0 {
		sh.body = bytes.Repeat([]byte("0123456789abcdef"), t.Body/16+1)[:t.Body]
		r.ContentLength = int64(t.Body)
	}
	if t.XXH64 != "" {
		sh.hash, _ = strconv.ParseUint(t.XXH64, 16, 64) // Validate has seen 16 hex digits
	}
	return sh
}

func setField(r *http.Request, name, value string) {
	if strings.EqualFold(name, "Host") {
		r.Host = value
		return
	}
	r.Header.Set(name, value)
}

// alone says whether each request has a connection of its own.
func (sh *shot) alone() bool { return sh.want.Fresh || sh.want.Slow != nil }

// arm makes the request of one hit.
func (sh *shot) arm(ctx context.Context, n uint64, item int) *http.Request {
	r := sh.request.WithContext(ctx)
	if sh.path != "" {
		// Numbers alone are filled in: what Validate parsed stays parseable.
		if u, err := url.Parse(sh.base + expand(sh.path, n, item)); err == nil {
			r.URL = u
		}
	}
	if len(sh.varied) > 0 {
		r.Header = r.Header.Clone()
		for _, f := range sh.varied {
			setField(r, f.name, expand(f.value, n, item))
		}
	}
	if sh.body != nil {
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(sh.reader(ctx)), nil }
		r.Body, _ = r.GetBody()
	}
	return r
}

func (sh *shot) reader(ctx context.Context) io.Reader {
	if sh.want.Slow != nil && sh.want.Slow.Body > 0 {
		return &slowReader{r: bytes.NewReader(sh.body), pace: pace{ctx: ctx, rate: sh.want.Slow.Body}}
	}
	return bytes.NewReader(sh.body)
}
