package docker

import "testing"

func TestWayToTheBaseImage(t *testing.T) {
	for _, row := range []struct {
		claim string
		facts baseFacts
		want  way
	}{
		{"it is there", baseFacts{base: true, official: true, distro: "debian", root: true, sameArch: true}, wayPresent},
		{"Debian's own is there", baseFacts{official: true, distro: "debian", root: true, sameArch: true}, wayTag},
		{"there is none: a registry is asked first", baseFacts{distro: "debian", root: true, sameArch: true}, wayPull},
		{"also where nothing else would do", baseFacts{distro: "fedora"}, wayPull},
		{"no registry, Debian, root", baseFacts{unpullable: true, distro: "debian", root: true, sameArch: true}, wayDebootstrap},
		{"no registry, Debian, not root", baseFacts{unpullable: true, distro: "debian", sameArch: true}, wayNone},
		{"no registry, Ubuntu", baseFacts{unpullable: true, distro: "ubuntu", root: true, sameArch: true}, wayNone},
		{"no registry, an engine with another processor", baseFacts{unpullable: true, distro: "debian", root: true}, wayNone},
	} {
		if got := row.facts.way(); got != row.want {
			t.Errorf("%s: %q, want %q", row.claim, got, row.want)
		}
	}
}

// TestBaseIsUsedAgain needs a base image that was made before: making one takes
// a minute, which the integration tests of the lab do.
func TestBaseIsUsedAgain(t *testing.T) {
	e := engine(t)
	had, ok, err := e.image(t.Context(), baseRef)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		t.Log("the engine has no base image yet; it is made now")
	}
	made, err := e.Base(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ok && (made.Built || made.ID != had.ID) {
		t.Errorf("there was %+v, and %+v was made", had, made)
	}
	again, err := e.Base(t.Context())
	if err != nil || again.Built || again.ID != made.ID {
		t.Errorf("the second time: %+v, %v; want %+v", again, err, made)
	}
}
