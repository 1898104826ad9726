package origin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"
)

// MaxEcho is the longest request body that /echo gives back.
const MaxEcho = 1 << 20

// Echo is the answer of /echo: the request as it arrived.
type Echo struct {
	Method string              `json:"method"`
	Target string              `json:"target"` // as in the request line
	Proto  string              `json:"proto"`
	Host   string              `json:"host"`
	Remote string              `json:"remote"`          // address and port of who connected: the proxy's
	Fields map[string][]string `json:"fields"`          // by canonical name, without Host
	Body   string              `json:"body"`            // when it is UTF-8
	Bytes  []byte              `json:"bytes,omitempty"` // when it is not, in base64
}

func echo(s *Server, w http.ResponseWriter, r *http.Request, rest string) {
	if rest != "" {
		unknown(s, w, r, rest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxEcho))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, err.Error(), fmt.Sprintf("send at most %d bytes", MaxEcho))
		return
	}
	e := Echo{Method: r.Method, Target: r.RequestURI, Proto: r.Proto, Host: r.Host, Remote: r.RemoteAddr, Fields: r.Header}
	if utf8.Valid(body) {
		e.Body = string(body)
	} else {
		e.Bytes = body
	}
	answer, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error(), "report it")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	send(w, http.StatusOK, append(answer, '\n'))
}
