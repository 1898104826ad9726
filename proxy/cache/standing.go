package cache

import "time"

// Standing is how an entry stands at some moment, for people: each figure that
// decides whether it may be used, and what it comes from.
type Standing struct {
	Age      time.Duration // current age (§4.2.3)
	Lifetime time.Duration // freshness lifetime (§4.2.1)
	From     string        // that which says Lifetime; "" where nothing does

	WhileRevalidate time.Duration // stale-while-revalidate; 0 without
	IfError         time.Duration // stale-if-error; negative without

	State State
}

// Left is how long the entry is still fresh; negative since when it is not.
func (s *Standing) Left() time.Duration { return s.Lifetime - s.Age }

// State is whether an entry may answer a plain GET for bytes that it has.
type State uint8

// The states.
const (
	StateFresh        State = iota // it may
	StateRevalidating              // it is stale, and may while it is validated behind (stale-while-revalidate)
	StateStale                     // it has to be validated, since its age has reached its lifetime
	StateNoCache                   // it has to be validated each time: no-cache
	StateInvalid                   // it has to be validated: it was purged softly, or an answer to HEAD has shown that the resource is another one
)

var stateWords = [...]string{"fresh", "stale-while-revalidate", "stale", "no-cache", "invalid"}

func (s State) String() string { return stateWords[s] }

// Standing says how e stands now, under the Policy that it was made by.
func (e *Entry) Standing(p *Policy, now time.Time) Standing {
	s := Standing{
		Age: e.age(now), Lifetime: e.lifetime, From: e.lifetimeFrom(p),
		WhileRevalidate: e.whileFresh, IfError: e.ifError,
	}
	switch left := s.Left(); {
	case e.Invalid:
		s.State = StateInvalid
	case e.noCache:
		s.State = StateNoCache
	case left > 0:
		s.State = StateFresh
	case !e.noStale && -left < e.whileFresh:
		s.State = StateRevalidating
	default:
		s.State = StateStale
	}
	return s
}

// lifetimeFrom tells what freshFor went by.
func (e *Entry) lifetimeFrom(p *Policy) string {
	var c control
	switch c.readResponse(e.Fields, p) {
	case fromSMaxAge:
		return "s-maxage"
	case fromMaxAge:
		return "max-age"
	case fromExpires:
		return "Expires"
	}
	if e.Said {
		return ""
	}
	if _, ok := p.ttl(e.Path, e.Status); ok {
		return "ttl of the site"
	}
	if e.lifetime > 0 {
		return "heuristic: a tenth of the time since Last-Modified"
	}
	return ""
}
