package cache

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Two lists have one normal form only if they mean the same: the same weights for
// the same names, and for languages the same order of equal weights.
func TestNormalFormsKeepTheMeaning(t *testing.T) {
	drawList := rapid.Custom(func(t *rapid.T) string {
		var list []string
		for range rapid.IntRange(0, 4).Draw(t, "elements") {
			e := rapid.SampledFrom([]string{"gzip", "GZip", "x-gzip", "br", "identity", "*", "en", "en-GB", "de"}).Draw(t, "name")
			e += rapid.SampledFrom([]string{"", ";q=1", "; q=0.5", ";Q=0.50", ";q=0", ";q=0.25", ";q=0.250"}).Draw(t, "weight")
			list = append(list, e)
		}
		return strings.Join(list, rapid.SampledFrom([]string{",", ", ", " ,\t", ",,"}).Draw(t, "separator"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawList.Draw(t, "a"), drawList.Draw(t, "b")
		for _, o := range []order{codings, languages} {
			same := string(normalWeighted([]byte(a), 0, o)) == string(normalWeighted([]byte(b), 0, o))
			if want := slices.Equal(meaning(a, o), meaning(b, o)); same != want {
				t.Fatalf("%q and %q (order %d): one form %v, one meaning %v", a, b, o, same, want)
			}
		}
	})
}

// meaning is a list of weight and name, sorted as far as the order says nothing.
func meaning(list string, o order) (m []string) {
	for e := range strings.SplitSeq(list, ",") {
		if e = strings.TrimSpace(strings.ToLower(e)); e == "" {
			continue
		}
		name, q, _ := strings.Cut(e, ";")
		weight := 1.0
		if q = strings.TrimSpace(q); q != "" {
			fmt.Sscanf(q, "q=%g", &weight)
		}
		if o == codings {
			name = strings.TrimPrefix(name, "x-")
		}
		m = append(m, fmt.Sprintf("%04.0f %s", math.Round(1000-weight*1000), name))
	}
	if o == codings {
		slices.Sort(m)
		return m
	}
	slices.SortStableFunc(m, func(a, b string) int { return strings.Compare(a[:4], b[:4]) })
	return m
}
