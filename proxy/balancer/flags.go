package balancer

import (
	"fmt"
	"strings"
)

// Flags are a member's status, in mod_proxy's letters.
type Flags uint16

// The flags. Those of the first line are set by people; the others come and go
// by themselves, but can be set and cleared too.
const (
	Disabled     Flags = 1 << iota // D: gets no request
	Stopped                        // S: gets no request, and its error state does not end by itself
	HotSpare                       // R: replaces a member of its lbset that is not usable, one for one
	HotStandby                     // H: is asked when no member and no spare of its lbset is usable
	Draining                       // N: gets requests of its own sessions only
	IgnoreErrors                   // I: never in error
	InError                        // E: failed, and waits for retry or a probe
	HealthFailed                   // C: failed its health checks
	Ejected                        // O: does worse than the others (not in mod_proxy)
)

// letters are the flags in the order of their bits.
const letters = "DSRHNIECO"

const (
	admin    = Disabled | Stopped | HotSpare | HotStandby | Draining | IgnoreErrors
	unusable = Disabled | Stopped | InError | HealthFailed | Ejected
)

// ParseFlags reads mod_proxy's status: letters in either case, each set, or
// cleared behind a minus. "+D-E" sets D and clears E, "HR" sets both.
func ParseFlags(s string) (set, clear Flags, err error) {
	plus := true
	for _, r := range strings.ToUpper(s) {
		switch i := strings.IndexRune(letters, r); {
		case r == '+' || r == '-':
			plus = r == '+'
		case i < 0:
			return 0, 0, fmt.Errorf("status %q: %q is none of %s", s, r, letters)
		case plus:
			set, clear = set|1<<i, clear&^(1<<i)
		default:
			set, clear = set&^(1<<i), clear|1<<i
		}
	}
	return set, clear, nil
}

// String writes the letters of the flags that are set; "" for none.
func (f Flags) String() string {
	var b strings.Builder
	for i, r := range letters {
		if f&(1<<i) != 0 {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Usable says whether a member with these flags may get a request of any kind.
func (f Flags) Usable() bool { return f&unusable == 0 }
