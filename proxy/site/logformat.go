package site

import "strings"

// DefaultLogFormat is httpd's combined format with the bytes of the body alone,
// then the member that answered and the duration in microseconds.
const DefaultLogFormat = `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %{BALANCER_WORKER_NAME}e %D`

// LogItem is a piece of a log line: text that stands as it is, or a word that
// stands for something of the exchange.
type LogItem struct {
	Text string // of a piece that stands as it is
	Word byte   // 0 for text; else a letter of LogWords
	Name string // in braces before the word: a field of i and o, the unit of T
}

// LogWords are the letters behind "%" that are obeyed, in mod_log_config's
// meaning:
//
//	h a   address of the client               b B   bytes of the response's body; b writes 0 as "-"
//	l u   "-": nobody logs in here            O     bytes sent, heads too
//	t     when the request came               D     duration in microseconds
//	r     request line                        T     in seconds; {ms}T {us}T {s}T in a unit
//	s >s  status                              {Name}i {Name}o   a field of request and response
//	m U q H   method, path, ?query, protocol  {BALANCER_WORKER_NAME}e   the member
//	v     host that was asked for             {cache-status}e           what the cache did
//	%     a percent sign
//
// mod_cache has cache-status too, with words of its own. Here they are those of the
// metrics: hit; stale, a hit that is not fresh; collapsed, what another request got;
// validated, where the origin said 304; partial, where it sent what was missing; miss;
// pass, for methods that are not cached; bypass, where the cache has no part in it;
// error, where the proxy answered itself, only-if-cached too. Without a cache it is "-".
//
// U is the path as it was sent, where httpd writes it decoded. v is what httpd
// writes for V. What an exchange has not is "-", but for q.
const LogWords = "haltursbBODTioemUqHv"

// MemberVariable is what mod_proxy_balancer calls the member's URL.
const MemberVariable = "BALANCER_WORKER_NAME"

// CacheVariable is what mod_cache calls what the cache did.
const CacheVariable = "cache-status"

// LogItems takes a format that the Site holds apart.
func (l Log) LogItems() []LogItem {
	items, _ := parseLogFormat(l.Format)
	return items
}

func logFormat(s string) *problem {
	_, p := parseLogFormat(s)
	return p
}

// parseLogFormat reads a format. Control characters, backslashes and "${", which
// httpd reads in ways of its own, have no place in it.
func parseLogFormat(s string) ([]LogItem, *problem) {
	const hint = `words of httpd's LogFormat, in single quotes: '%h %t "%r" %>s %b %D'`
	if s == "" {
		return nil, wrong(`leave it out for the default; "stdout: off" logs nothing there`, "the format is empty")
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' }); i >= 0 || strings.Contains(s, "${") {
		return nil, wrong(hint, "a format has printable ASCII without backslash and \"${\"")
	}
	if !strings.Contains(s, "%") {
		return nil, wrong(hint, "%q has no word in it", s)
	}
	var items []LogItem
	for s != "" {
		text, rest, found := strings.Cut(s, "%")
		if text != "" {
			items = append(items, LogItem{Text: text})
		}
		if !found {
			break
		}
		item, n, p := logWord(rest)
		if p != nil {
			return nil, p
		}
		items = append(items, item)
		s = rest[n:]
	}
	return items, nil
}

// logWord reads what stands behind a percent sign, and says how long it is.
func logWord(s string) (item LogItem, n int, p *problem) {
	const hint = `known are %h %a %l %u %t %r %>s %b %B %O %D %T %m %U %q %H %v %% %{Name}i %{Name}o %{ms}T %{BALANCER_WORKER_NAME}e %{cache-status}e`
	rest := s
	if inner, ok := strings.CutPrefix(rest, "{"); ok {
		end := strings.IndexByte(inner, '}')
		if end < 0 {
			return item, 0, wrong(hint, "%q has no closing brace", "%"+s)
		}
		item.Name, rest = inner[:end], inner[end+1:]
	}
	final := strings.HasPrefix(rest, ">")
	if final {
		rest = rest[1:]
	}
	if rest == "" {
		return item, 0, wrong(hint, "%q says nothing", "%"+s)
	}
	item.Word = rest[0]
	n = len(s) - len(rest) + 1
	word := "%" + s[:n]
	switch {
	case item.Word == '%' && n == 1:
		return LogItem{Text: "%"}, n, nil
	case final && item.Word != 's', strings.IndexByte(LogWords, item.Word) < 0:
		return item, n, wrong(hint, "unknown word %q", word)
	case !nameFits(item):
		return item, n, wrong(hint, "%q is not a word with %q in braces", "%"+string(item.Word), item.Name)
	}
	return item, n, nil
}

// nameFits says whether the braces of a word hold what it needs.
func nameFits(i LogItem) bool {
	switch i.Word {
	case 'i', 'o':
		return fieldName(i.Name)
	case 'e':
		return i.Name == MemberVariable || i.Name == CacheVariable
	case 'T':
		return i.Name == "" || i.Name == "s" || i.Name == "ms" || i.Name == "us"
	}
	return i.Name == ""
}

// fieldName wants a token (RFC 9110 §5.6.2).
func fieldName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	}) < 0
}
