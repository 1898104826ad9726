package loadtest

import (
	"bufio"
	"fmt"
	"io"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// Formats are those of vegeta's results: what `vegeta report` and `vegeta plot`
// read.
func Formats() []string { return []string{"gob", "json", "csv"} }

// WriteVegeta writes samples as vegeta's results in one of [Formats]. Zero is the
// wall clock at the start of the schedule, attack is what a plot calls the run,
// and target tells method and URL of each target.
//
// A result's timestamp is the planned start and its latency the response time, so
// that vegeta's tools show what the clients waited. Answers that were wrong have
// "wrong status or bytes" as their error.
func WriteVegeta(w io.Writer, format, attack string, zero time.Time, target func(int) (method, url string), samples []Sample) error {
	b := bufio.NewWriter(w)
	var encode vegeta.Encoder
	switch format {
	case "gob":
		encode = vegeta.NewEncoder(b)
	case "json":
		encode = vegeta.NewJSONEncoder(b)
	case "csv":
		encode = vegeta.NewCSVEncoder(b)
	default:
		return fmt.Errorf("unknown format %q\n\thint: gob, json or csv", format)
	}
	for _, s := range samples {
		r := vegeta.Result{
			Attack: attack, Seq: s.N, Code: uint16(s.Status), Timestamp: zero.Add(s.Planned), Latency: s.Response(),
			BytesIn: uint64(s.Bytes), Error: s.Err,
		}
		r.Method, r.URL = target(s.Target)
		if s.Err == "" && !s.Right {
			r.Error = "wrong status or bytes"
		}
		if err := encode(&r); err != nil {
			return err
		}
	}
	return b.Flush()
}
