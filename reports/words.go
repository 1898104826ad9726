package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"proxylab/reports/record"
)

// quantity writes a figure with its unit: 31.2 µs, 100 %, 798 requests/s.
func quantity(v float64, unit string) string {
	if unit == "%" {
		return share(v)
	}
	return figures(v) + " " + unit
}

// share writes a percentage and never rounds up to 100: 99.9996 % is not all.
func share(v float64) string {
	if v == 100 || v == 0 {
		return strconv.FormatFloat(v, 'f', 0, 64) + " %"
	}
	for digits := 1; digits < 6; digits++ {
		if s := strconv.FormatFloat(v, 'f', digits, 64); v < 99 || !strings.HasPrefix(s, "100") {
			return s + " %"
		}
	}
	return "nearly 100 %"
}

// figures writes three significant figures, or the whole number where that
// has more, with narrow spaces between thousands.
func figures(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a >= 99.95:
		return whole(int64(math.Round(v)))
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 0.9995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a >= 0.0009995:
		return strconv.FormatFloat(v, 'f', 2-int(math.Floor(math.Log10(a*1.0005))), 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// given writes a parameter as somebody gave it: 2, 0.5, 256.
func given(v float64) string {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	return strconv.FormatFloat(r, 'f', -1, 64)
}

// whole writes a count: 12 345.
func whole(n int64) string {
	s := strconv.FormatInt(n, 10)
	if n < 10000 && n > -10000 {
		return s
	}
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// ratio writes a ratio with two figures after the point, more where it is
// small.
func ratio(v float64) string {
	switch {
	case v >= 100:
		return whole(int64(math.Round(v)))
	case v >= 0.095:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

func ratioInterval(low, high float64) string { return ratio(low) + "–" + ratio(high) }

// spread writes a median with its interval: 31.2 (30.8–32.0).
func spread(v record.Value) string {
	if v.Trials == 0 {
		return "–"
	}
	if v.Unit == "%" {
		return share(v.Median)
	}
	if v.Trials == 1 {
		return figures(v.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", figures(v.Median), figures(v.Low), figures(v.High))
}

// plain is the verdict with the systems' names: "proxyd lower".
func plain(v record.Verdict) string {
	switch v.Word {
	case record.ALower:
		return v.A + " lower"
	case record.BLower:
		return v.B + " lower"
	}
	return string(v.Word)
}

// pValue writes a probability; small ones are all the same to a reader.
func pValue(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}

func bytesSize(n int64) string {
	switch {
	case n <= 0:
		return "no limit"
	case n < 1<<30:
		return given(float64(n)/(1<<20)) + " MiB"
	}
	return given(math.Round(float64(n)/(1<<30)*100)/100) + " GiB"
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return whole(int64(n)) + " " + noun + "s"
}

func least(values []float64) string { return figures(slices.Min(values)) }

func most(values []float64) string { return figures(slices.Max(values)) }
