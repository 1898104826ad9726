package admin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"proxylab/proxy/cache"
	"proxylab/proxy/cache/store"
)

func noCache() error {
	return wrong(http.StatusNotFound, "cache", "nothing is stored, and so nothing can be looked at or purged; the site turns a cache on", "the site has no cache")
}

// query takes the parameters of a request, of which none may be unknown.
func query(r *http.Request, at string, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, wrong(http.StatusBadRequest, at, "curl -G --data-urlencode escapes what is needed", "the query is not understood: %v", err)
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return nil, wrong(http.StatusBadRequest, at+": "+name, "known are "+strings.Join(known, ", "), "unknown parameter")
		}
		if len(values) > 1 {
			return nil, wrong(http.StatusBadRequest, at+": "+name, "once", "it is given %d times", len(values))
		}
	}
	return q, nil
}

// match is what a list or a purge is about.
func match(at, prefix, tag string) (m store.Match, err error) {
	if prefix != "" {
		key, err := cache.AppendPrefix(nil, prefix)
		if err != nil {
			return m, wrong(http.StatusBadRequest, at+": prefix", `as in http://example.com/images/; "http://" is everything`, "%q is no beginning of a URL", prefix)
		}
		m.Prefix = string(key)
	}
	if tag != "" && (strings.TrimSpace(tag) != tag || strings.ContainsAny(tag, ",\r\n")) {
		return m, wrong(http.StatusBadRequest, at+": tag", "one word of Surrogate-Key, or one element of Cache-Tag", "%q is not a tag", tag)
	}
	m.Tag = tag
	return m, nil
}

// keyOf is the key of a URL that somebody wrote down.
func (s *Server) keyOf(at, url string) ([]byte, error) {
	key, err := s.Cache.Policy().AppendURL(nil, url)
	if err != nil {
		return nil, wrong(http.StatusBadRequest, at+": url", "as in http://example.com/a?b=c, with the host that clients ask for", "%q is %v", url, err)
	}
	return key, nil
}

// showCache is GET /api/cache.
func (s *Server) showCache(*http.Request) (any, error) { return s.viewCache(time.Now()), nil }

// showEntry is GET /api/cache/entry.
func (s *Server) showEntry(r *http.Request) (any, error) {
	if s.Cache == nil {
		return nil, noCache()
	}
	const at = "cache/entry"
	q, err := query(r, at, "url")
	if err != nil {
		return nil, err
	}
	key, err := s.keyOf(at, q.Get("url"))
	if err != nil {
		return nil, err
	}
	l := s.Cache.Look(key)
	if len(l) == 0 {
		return nil, wrong(http.StatusNotFound, at+": url", "GET /api/cache/entries?prefix= lists what is", "nothing is stored for %s", key)
	}
	now := time.Now()
	return struct {
		Time time.Time `json:"time"`
		keyView
	}{now, s.viewKey(l, now, true)}, nil
}

// purgeView is a purge that is in force.
type purgeView struct {
	Prefix string    `json:"prefix,omitempty"`
	Tag    string    `json:"tag,omitempty"`
	Soft   bool      `json:"soft"`
	At     time.Time `json:"at"`
	Swept  bool      `json:"swept"`
}

// listPurges is GET /api/cache/purges.
func (s *Server) listPurges(*http.Request) (any, error) {
	if s.Cache == nil {
		return nil, noCache()
	}
	v := struct {
		Time   time.Time   `json:"time"`
		Purges []purgeView `json:"purges"`
	}{time.Now(), []purgeView{}}
	for _, p := range s.Cache.Purges() {
		v.Purges = append(v.Purges, purgeView{p.Prefix, p.Tag, p.Soft, p.At, p.Swept})
	}
	return v, nil
}

// purgeChange is what POST /api/cache/purge takes.
type purgeChange struct {
	URL    string `json:"url"`
	Prefix string `json:"prefix"`
	Tag    string `json:"tag"`
	Soft   bool   `json:"soft"`
}

// purged is the answer to it.
type purged struct {
	URL       string `json:"url,omitempty"` // as the key has it
	Prefix    string `json:"prefix,omitempty"`
	Tag       string `json:"tag,omitempty"`
	Soft      bool   `json:"soft"`
	Responses *int   `json:"responses"` // of a URL; null for a purge that finds them as they are asked for
	Warning   string `json:"warning,omitempty"`
}

func (s *Server) purge(r *http.Request) (any, error) {
	if s.Cache == nil {
		return nil, noCache()
	}
	const at = "cache/purge"
	var c purgeChange
	if err := s.read(r, at, &c); err != nil {
		return nil, err
	}
	done, err := purged{Soft: c.Soft}, error(nil)
	switch {
	case c.URL == "" && c.Prefix == "" && c.Tag == "":
		return nil, wrong(http.StatusBadRequest, at, `{"url": …}, {"prefix": …} or {"tag": …}; {"prefix": "http://"} is everything`, "nothing is to be purged")
	case c.URL != "" && c.Prefix+c.Tag != "":
		return nil, wrong(http.StatusBadRequest, at+": url", "send two purges; prefix and tag may stand together, for what has both", "a url stands by itself")
	case c.URL != "":
		err = s.purgeURL(at, &c, &done)
	default:
		err = s.purgeMatch(at, &c, &done)
	}
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		return nil, err
	}
	if err != nil {
		done.Warning = "the purge holds, but a crash of the machine may undo it: " + err.Error()
		s.Logger.Error("balancer-manager: a crash of the machine may undo a purge", "error", err)
	}
	s.count.Add(1)
	s.Logger.Info("balancer-manager: the cache was purged", append(who(r), done.attributes()...)...)
	return done, nil
}

func (s *Server) purgeURL(at string, c *purgeChange, done *purged) error {
	key, err := s.keyOf(at, c.URL)
	if err != nil {
		return err
	}
	n, err := s.Cache.PurgeKey(key, c.Soft)
	done.URL, done.Responses = string(key), &n
	return err
}

func (s *Server) purgeMatch(at string, c *purgeChange, done *purged) error {
	m, err := match(at, c.Prefix, c.Tag)
	if err != nil {
		return err
	}
	if err = s.Cache.Purge(m, c.Soft); errors.Is(err, store.ErrPurges) {
		full := wrong(http.StatusServiceUnavailable, at, "wait, or purge more at once by a shorter prefix; urls have no bound", "%v", strings.TrimPrefix(err.Error(), "cache: "))
		full.after = time.Minute
		return full
	}
	done.Prefix, done.Tag = m.Prefix, m.Tag
	return err
}

// attributes tell a purge to the log.
func (p *purged) attributes() (told []any) {
	for _, a := range [][2]string{{"url", p.URL}, {"prefix", p.Prefix}, {"tag", p.Tag}} {
		if a[1] != "" {
			told = append(told, a[0], a[1])
		}
	}
	if told = append(told, "soft", p.Soft); p.Responses != nil {
		told = append(told, "responses", *p.Responses)
	}
	return told
}
