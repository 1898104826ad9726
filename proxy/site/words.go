package site

import (
	"strconv"
	"strings"
)

// Words of mod_proxy and of this project that a reader of their documentation
// may write, but that nothing here obeys yet. To take them silently would make
// a comparison compare two things.
var (
	laterTop = []string{"health"}

	laterBalancer = []string{
		"growth", "nonce",
	}

	laterMember = []string{
		"min",
	}

	laterRoute = []string{"preservehost", "cookiedomain", "cookiepath", "nocanon"}

	laterMethods = []string{"heartbeat"}
)

// instead are what serves the purpose of a word that nothing obeys.
var instead = map[string]string{
	"min": "leave it out: connections are made when they are needed, and in mod_proxy it makes none either",
}

var flushPackets = []string{"on", "off", "auto"}

var lbMethods = []string{"byrequests", "bytraffic", "bybusyness", "leastconn", "random2", "ewma", "hash"}

// nearest finds the word that s is most likely a slip of, or "".
func nearest(s string, words []string) string {
	best, bestAt := "", 3
	if len(s) < 5 {
		bestAt = 2 // two slips in four letters make another word
	}
	for _, w := range words {
		if d := distance(strings.ToLower(s), w); d < bestAt {
			best, bestAt = w, d
		}
	}
	return best
}

// distance is the number of letters to put in, take out, replace or swap with
// their neighbour (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := 1
			if a[i-1] == b[j-1] {
				replace = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return strings.Join(quoted, ", ")
}
