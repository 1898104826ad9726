package labs_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows is who may import whom, without the module's name. The package names
// on the right are all that a package may import of ours; tests may import
// more. Leaves know nothing, and only proxy/build.go turns a Site into running
// parts.
const arrows = `
proxy/message   ->
proxy/site      ->
proxy/route     ->
proxy/wiretest  ->
loadtest        ->
labs/origin     ->
reports/record  ->
reports/stat    ->
reports/figure  ->
docker          ->

docker/enginetest -> docker
proxy/balancer  -> proxy/message
proxy/cache     -> proxy/message
proxy/cache/store -> proxy/cache proxy/message
proxy/socket    ->
proxy/http1     -> proxy/message proxy/socket
proxy/upstream  -> proxy/http1 proxy/message proxy/socket
proxy           -> proxy/message proxy/socket proxy/http1 proxy/cache proxy/cache/store proxy/balancer proxy/route proxy/upstream proxy/site
proxy/admin     -> proxy/balancer proxy/cache proxy/cache/store
apache          -> proxy/site proxy/wiretest
labs/systems    -> proxy/site apache docker
labs/parity     -> labs/origin
labs/acceptance -> labs/origin
labs/check      -> loadtest reports/record
labs            -> proxy/site loadtest docker labs/check labs/systems labs/origin labs/parity labs/acceptance proxy/wiretest reports/record reports/stat
reports         -> reports/record reports/stat reports/figure loadtest

proxy/cmd/proxyd       -> proxy proxy/admin proxy/site
labs/origin/internal/draw ->
loadtest/cmd/loadgen   -> loadtest
labs/origin/cmd/origin -> labs/origin
labs/bench             -> reports/stat
labs/bench/cmd/bench   -> labs/bench
labs/cmd/lab           -> labs labs/acceptance labs/systems docker apache reports reports/record
`

// topLevel is all that may stand at the root, besides dotfiles.
const topLevel = "proxy apache labs loadtest reports docker go.mod go.sum Makefile README.md"

func TestImportsFollowTheArrows(t *testing.T) {
	allowed := map[string][]string{}
	for line := range strings.Lines(arrows) {
		if from, to, ok := strings.Cut(line, "->"); ok {
			allowed[strings.TrimSpace(from)] = strings.Fields(to)
		}
	}
	seen := map[string]bool{}
	for line := range strings.Lines(output(t, "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "proxylab/...")) {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], "proxylab/")
		may, ok := allowed[pkg]
		if !ok {
			t.Errorf("package %s is in no arrow: say in this test who it may import", pkg)
			continue
		}
		seen[pkg] = true
		for _, imported := range fields[1:] {
			if ours, ok := strings.CutPrefix(imported, "proxylab/"); ok && !slices.Contains(may, ours) {
				t.Errorf("%s imports %s: the arrows allow only %v", pkg, ours, may)
			}
		}
	}
	for pkg := range allowed {
		if !seen[pkg] {
			t.Errorf("the arrows name %s, which is no package", pkg)
		}
	}
}

func TestTopLevelIsFixed(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	fixed := strings.Fields(topLevel)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(fixed, e.Name()) {
			t.Errorf("%s stands at the top level; it holds only %s", e.Name(), topLevel)
		}
	}
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(out)
}
