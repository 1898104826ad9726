package origin

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// MaxDelay is the longest that /delay waits.
const MaxDelay = 5 * time.Minute

func delay(s *Server, w http.ResponseWriter, r *http.Request, rest string) {
	length, then, more := strings.Cut(rest, "/")
	d, err := time.ParseDuration(length)
	if err != nil || d < 0 || d > MaxDelay {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("delay %q is not a duration from 0s to %v", length, MaxDelay), "as /delay/20ms or /delay/1.5s/size/100")
		return
	}
	if !more && !allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	wait(r, d)
	if more {
		s.answer(w, r, "/"+then)
		return
	}
	text(w, http.StatusOK, fmt.Sprintf("waited %v\n", d))
}

// wait waits, or until the client is gone.
func wait(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}
