//go:build !linux

package loadtest

import "time"

// alarm sleeps by Go's timers where there is no timerfd.
type alarm struct{ stop chan struct{} }

func newAlarm() (*alarm, error) { return &alarm{stop: make(chan struct{})}, nil }

// sleep returns after d, or at once after interrupt.
func (a *alarm) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-a.stop:
	}
}

// interrupt ends the sleep under way and all later ones.
func (a *alarm) interrupt() { close(a.stop) }

func (a *alarm) close() {}
