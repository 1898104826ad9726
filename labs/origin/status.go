package origin

import (
	"fmt"
	"net/http"
	"strconv"
)

// demanded are the fields without which a status is not complete.
var demanded = map[int][2]string{
	301: {"Location", "/status/200"},
	302: {"Location", "/status/200"},
	303: {"Location", "/status/200"},
	307: {"Location", "/status/200"},
	308: {"Location", "/status/200"},
	401: {"WWW-Authenticate", `Basic realm="lab"`}, // RFC 9110 §15.5.2
	405: {"Allow", "GET"},                          // §15.5.6
	407: {"Proxy-Authenticate", `Basic realm="lab"`},
	416: {"Content-Range", "bytes */0"},
	426: {"Upgrade", "TLS/1.2"}, // §15.5.22
}

func status(_ *Server, w http.ResponseWriter, _ *http.Request, rest string) {
	code, err := strconv.Atoi(rest)
	if err != nil || len(rest) != 3 || code < 200 || code > 599 {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("status %q is not a number from 200 to 599", rest), "as /status/503")
		return
	}
	if f, ok := demanded[code]; ok {
		w.Header().Set(f[0], f[1])
	}
	if code == http.StatusNoContent || code == http.StatusNotModified {
		w.WriteHeader(code)
		return
	}
	if code == http.StatusResetContent { // RFC 9110 §15.3.6: no content either
		send(w, code, nil)
		return
	}
	text(w, code, fmt.Sprintf("%d %s\n", code, http.StatusText(code)))
}
