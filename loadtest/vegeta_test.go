package loadtest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"net/http"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// vegetaCommand builds the real command from the module that is in use.
func vegetaCommand(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "vegeta")
	if out, err := exec.Command("go", "build", "-o", bin, "github.com/tsenart/vegeta/v12").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func TestVegetaReadsTheExport(t *testing.T) {
	bin := vegetaCommand(t)
	var samples []Sample
	for n := range 1000 {
		at := time.Duration(n) * time.Millisecond
		samples = append(samples, Sample{N: uint64(n), Planned: at, Start: at + time.Millisecond, End: at + time.Duration(n+1)*time.Microsecond, Status: 200, Bytes: 7, Right: true})
	}
	samples[3].Right = false
	samples[4] = Sample{N: 4, Planned: 4e6, Start: 4e6, End: 5e6, Err: "read: reset, twice"}
	zero := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	target := func(int) (string, string) { return "GET", "http://origin-1:8080/x" }
	for _, format := range Formats() {
		t.Run(format, func(t *testing.T) {
			var b bytes.Buffer
			if err := WriteVegeta(&b, format, "proxyd", zero, target, samples); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "results")
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(bin, "report", "-type=json", file).CombinedOutput()
			var m vegeta.Metrics
			if err == nil {
				err = json.Unmarshal(out, &m)
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if m.Requests != 1000 || m.StatusCodes["200"] != 999 || m.StatusCodes["0"] != 1 || m.BytesIn.Total != 999*7 ||
				m.Latencies.Max != time.Millisecond || !m.Earliest.Equal(zero) || len(m.Errors) != 2 {
				t.Errorf("%s", out)
			}
			if p := m.Latencies.P50; p < 490*time.Microsecond || p > 510*time.Microsecond {
				t.Errorf("p50 is %v", p)
			}
			page, err := exec.Command(bin, "plot", file).CombinedOutput()
			if err != nil || !bytes.Contains(page, []byte("<html")) || !bytes.Contains(page, []byte("proxyd")) {
				t.Errorf("plot: %v, %d bytes", err, len(page))
			}
			again, err := exec.Command(bin, "encode", "-to=json", file).CombinedOutput()
			if err != nil || bytes.Count(again, []byte("\n")) != 1000 || !strings.Contains(string(again), "read: reset, twice") {
				t.Errorf("encode: %v, %.200s", err, again)
			}
		})
	}
	if err := WriteVegeta(new(bytes.Buffer), "xml", "", zero, target, nil); err == nil {
		t.Error("an unknown format was written")
	}
}

// stalling answers at once, but stands still from 3 s to 4 s after its first
// request.
func stalling() http.HandlerFunc {
	var first atomic.Pointer[time.Time]
	return func(http.ResponseWriter, *http.Request) {
		now := time.Now()
		first.CompareAndSwap(nil, &now)
		if at := now.Sub(*first.Load()); at >= 3*time.Second && at < 4*time.Second {
			time.Sleep(4*time.Second - at) // the stall itself
		}
	}
}

// 8 s at 100/s with one stall of 1 s. An eighth of the clients wait, so that p99
// is near 1 s. A single worker sends those requests late and then quickly: by its
// own clock one request of 800 was slow. The clock that starts at the plan is not
// deceived.
func TestCoordinatedOmission(t *testing.T) {
	const honest, deceived = 900 * time.Millisecond, 100 * time.Millisecond
	for _, row := range []struct {
		name    string
		workers int
	}{{"one worker", 1}, {"unlimited", 0}} {
		t.Run(row.name+", ours", func(t *testing.T) {
			t.Parallel()
			s := serve(t, stalling())
			samples, end := fire(t, t.Context(), &Generator{workers: row.workers}, planFor(100, 800, s.URL))
			ours := quantile(samples, 0.99, Sample.Response)
			t.Logf("p99: ours %v, vegeta's own metrics of the same run %v", ours, end.Vegeta.P99)
			if ours < honest || row.workers == 1 && end.Vegeta.P99 > deceived || row.workers == 0 && end.Vegeta.P99 < honest {
				t.Errorf("p99: ours %v, vegeta's %v", ours, end.Vegeta.P99)
			}
			if g := Judge(samples, end); row.workers == 1 && g.Validity != Invalid {
				t.Errorf("an eighth of the sends was late, and the run is %s", g.Validity)
			}
		})
		t.Run(row.name+", vegeta alone", func(t *testing.T) {
			t.Parallel()
			s := serve(t, stalling())
			options := []func(*vegeta.Attacker){}
			if row.workers > 0 {
				options = append(options, vegeta.Workers(uint64(row.workers)), vegeta.MaxWorkers(uint64(row.workers)))
			}
			a := vegeta.NewAttacker(append(options, vegeta.KeepAlive(true), vegeta.Client(&http.Client{Transport: s.Client().Transport}))...)
			defer a.Stop()
			var m vegeta.Metrics
			targeter := vegeta.NewStaticTargeter(vegeta.Target{Method: "GET", URL: s.URL})
			for r := range a.Attack(targeter, vegeta.ConstantPacer{Freq: 100, Per: time.Second}, 8*time.Second, "") {
				m.Add(r)
			}
			m.Close()
			t.Logf("p99 %v of %d", m.Latencies.P99, m.Requests)
			if p := m.Latencies.P99; row.workers == 1 && p > deceived || row.workers == 0 && p < honest {
				t.Errorf("p99 %v", p)
			}
		})
	}
}
