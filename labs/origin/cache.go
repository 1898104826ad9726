package origin

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Modified is the Last-Modified of all that has one. It is the same on every
// origin and after every start, as it would be for files copied to all of them.
var Modified = time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)

// CacheSize is the size of /cache/… where the path names none.
const CacheSize = 1024

func cache(_ *Server, w http.ResponseWriter, r *http.Request, rest string) {
	if !allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	control, sized, _ := strings.Cut(rest, "/")
	n := int64(CacheSize)
	if control == "" || !isCacheControl(control) {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("%q is not a Cache-Control value", control), "as /cache/max-age=60 or /cache/max-age=60,public/size/4096")
		return
	}
	if sized != "" {
		var err error
		digits, ok := strings.CutPrefix(sized, "size/")
		if n, err = parseSize(digits); !ok || err != nil {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("%q is not size/N with N from 0 to %d", sized, MaxSize), "as /cache/max-age=60/size/4096")
			return
		}
	}
	w.Header().Set("Cache-Control", control)
	w.Header().Set("ETag", fmt.Sprintf(`"size-%d"`, n)) // the size alone decides the bytes
	w.Header()["Content-Type"] = textField
	http.ServeContent(w, r, "", Modified, newSizeReader(n))
}

// isCacheControl checks RFC 9111 §5.2: directives, each a token with perhaps an
// argument, which is a token or quoted.
func isCacheControl(s string) bool {
	for d := range strings.SplitSeq(s, ",") {
		name, arg, has := strings.Cut(strings.Trim(d, " "), "=")
		if !isToken(name) || has && !isToken(arg) && !isQuoted(arg) {
			return false
		}
	}
	return true
}

func isQuoted(s string) bool {
	return len(s) > 2 && s[0] == '"' && s[len(s)-1] == '"' && isToken(s[1:len(s)-1])
}

// isToken is RFC 9110 §5.6.2.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		alnum := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}
