package labs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"proxylab/loadtest"
	"proxylab/proxy/site"
)

// traceHint is the form of a trace.
const traceHint = "a line is seconds since the start, and then, where the trace chooses, method and path of one of load.targets: 0.250 GET /size/1024"

// readTraces reads the traces of the phases that replay one. Their files stand
// beside lab.yaml.
func (l *Lab) readTraces(dir string) []site.Fault {
	var faults []site.Fault
	for i := range l.Load.Phases {
		ph := &l.Load.Phases[i]
		if ph.File == "" {
			continue
		}
		place := fmt.Sprintf("load.phases[%d].trace", i)
		if !filepath.IsLocal(ph.File) {
			faults = append(faults, site.Fault{Place: place, Text: strconv.Quote(ph.File) + " is outside the lab's folder", Hint: "name a file beside lab.yaml"})
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, ph.File))
		if err == nil {
			ph.Trace, err = l.parseTrace(data)
		}
		if err != nil {
			faults = append(faults, site.Fault{Place: place, Text: fmt.Sprintf("%s: %v", ph.File, err), Hint: traceHint})
			ph.Trace = nil
			continue
		}
		if n := len(ph.Trace); ph.For == 0 && n > 0 {
			ph.For = ph.Trace[n-1].At.Truncate(time.Millisecond) + time.Millisecond
		}
	}
	return faults
}

func (l *Lab) parseTrace(data []byte) ([]loadtest.Arrival, error) {
	var trace []loadtest.Arrival
	n := 0
	for line := range bytes.Lines(data) {
		n++
		fields := strings.Fields(string(line))
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		at, err := strconv.ParseFloat(fields[0], 64)
		if err != nil || !(at >= 0 && at <= loadtest.MaxFor.Seconds()) {
			return nil, fmt.Errorf("line %d: %q is no time in seconds", n, fields[0])
		}
		a := loadtest.Arrival{At: time.Duration(at * 1e9), Target: -1}
		switch len(fields) {
		case 1:
		case 3:
			if a.Target = l.targetOf(fields[1], fields[2]); a.Target < 0 {
				return nil, fmt.Errorf("line %d: %s %s is none of load.targets", n, fields[1], fields[2])
			}
		default:
			return nil, fmt.Errorf("line %d: %d words", n, len(fields))
		}
		if k := len(trace); k > 0 && a.At < trace[k-1].At {
			return nil, fmt.Errorf("line %d: %s s is before the line above", n, fields[0])
		}
		trace = append(trace, a)
	}
	if len(trace) == 0 {
		return nil, fmt.Errorf("no request in it")
	}
	return trace, nil
}

// targetOf is the index of the lab's target with method and path, -1 for none.
func (l *Lab) targetOf(method, path string) int {
	for i, t := range l.Load.Targets {
		if t.Method == method && t.Path == path {
			return i
		}
	}
	return -1
}
