package labs

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"proxylab/loadtest"
)

// The generator began 5 ms after the test, and its samples come in batches.
func TestThePlansClockIsFoundFromSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, clock := time.Now(), newPlanClock()
		if clock.now() != 0 {
			t.Error("a time before the first sample")
		}
		waited := make(chan time.Duration)
		go func() {
			if err := clock.until(t.Context(), time.Second); err != nil {
				t.Error(err)
			}
			waited <- time.Since(began)
		}()
		for _, batch := range []struct{ comes, end time.Duration }{{100, 40}, {200, 195}, {300, 250}} {
			time.Sleep(time.Until(began.Add(batch.comes * time.Millisecond)))
			clock.see(loadtest.Sample{End: batch.end * time.Millisecond})
		}
		if got := clock.now(); got != 295*time.Millisecond {
			t.Errorf("%v after the start, want 295ms", got)
		}
		// It had begun to wait when less was known.
		if got := <-waited; got < 1005*time.Millisecond || got > 1060*time.Millisecond {
			t.Errorf("waited until %v, want 1.005s to 1.06s", got)
		}
	})
}

func TestWaitingForThePlanEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, begun := range []bool{false, true} {
			clock := newPlanClock()
			if begun {
				clock.see(loadtest.Sample{})
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := clock.until(ctx, time.Hour); err != context.DeadlineExceeded {
				t.Errorf("begun %v: %v", begun, err)
			}
			cancel()
		}
	})
}

func TestUnknownFault(t *testing.T) {
	_, err := new(topology).befall(t.Context(), Fault{Kind: "flood", Origin: 1}, newPlanClock())
	if err == nil || !strings.Contains(err.Error(), "hint: kill, stop, restart, pause, blackhole, resets, 503s, slow") {
		t.Error(err)
	}
}
