package docker

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
)

func TestBuildOnlyWhenInputsChanged(t *testing.T) {
	e := engine(t)
	ctx := t.Context()
	spec := func(content string) BuildSpec {
		return BuildSpec{Name: "test-build", Dockerfile: "static.Dockerfile", Files: map[string]File{"app": {[]byte(content), 0o755}}}
	}
	tags := func() int {
		list, err := e.cli.ImageList(ctx, client.ImageListOptions{Filters: client.Filters{}.Add("label", labelImage+"=test-build")})
		if err != nil {
			t.Fatal(err)
		}
		return len(list.Items)
	}
	defer func() {
		list, err := e.cli.ImageList(ctx, client.ImageListOptions{Filters: client.Filters{}.Add("label", labelImage+"=test-build")})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range list.Items {
			if _, err := e.cli.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{Force: true, PruneChildren: true}); err != nil {
				t.Error(err)
			}
		}
	}()
	unique := t.Name() + strconv.Itoa(os.Getpid())
	first, err := e.Build(ctx, spec(unique))
	if err != nil || !first.Built {
		t.Fatalf("first build: %+v, %v", first, err)
	}
	again, err := e.Build(ctx, spec(unique))
	if err != nil || again.Built || again.ID != first.ID || again.Ref != first.Ref {
		t.Errorf("second build: %+v, %v; want %+v", again, err, first)
	}
	var last string
	for n := range 3 {
		changed, err := e.Build(ctx, spec(unique+strconv.Itoa(n)))
		if err != nil || !changed.Built || changed.ID == first.ID {
			t.Fatalf("changed input: %+v, %v", changed, err)
		}
		if got := tags(); got != n+2 {
			t.Errorf("%d young images of this name are kept, want all %d", got, n+2)
		}
		last = changed.Ref
	}
	e.removeOld(ctx, "test-build", last, time.Now().Add(2*inUse))
	if got := tags(); got != 2 {
		t.Errorf("%d old images are kept, want 2: the one in use and the one before", got)
	}
}

func TestHashIsOverAllInputs(t *testing.T) {
	spec := func(change func(*BuildSpec)) BuildSpec {
		s := BuildSpec{Name: "a", Base: &Image{ID: "sha256:1"}, Files: map[string]File{"x": {[]byte("1"), 0o644}, "y": {[]byte("2"), 0o644}}}
		if change != nil {
			change(&s)
		}
		return s
	}
	original := spec(nil).hash([]byte("FROM scratch"), "linux/amd64")
	if len(original) != 12 {
		t.Errorf("%q is not 12 digits", original)
	}
	if again := spec(nil).hash([]byte("FROM scratch"), "linux/amd64"); again != original {
		t.Errorf("the same inputs give %s and %s", original, again)
	}
	seen := map[string]string{original: "the original"}
	for claim, hash := range map[string]string{
		"another Dockerfile": spec(nil).hash([]byte("FROM ${BASE}"), "linux/amd64"),
		"another platform":   spec(nil).hash([]byte("FROM scratch"), "linux/arm64"),
		"another base":       spec(func(s *BuildSpec) { s.Base = &Image{ID: "sha256:2"} }).hash([]byte("FROM scratch"), "linux/amd64"),
		"no base":            spec(func(s *BuildSpec) { s.Base = nil }).hash([]byte("FROM scratch"), "linux/amd64"),
		"another name":       spec(func(s *BuildSpec) { s.Name = "b" }).hash([]byte("FROM scratch"), "linux/amd64"),
		"another content":    spec(func(s *BuildSpec) { s.Files["x"] = File{[]byte("3"), 0o644} }).hash([]byte("FROM scratch"), "linux/amd64"),
		"another mode":       spec(func(s *BuildSpec) { s.Files["x"] = File{[]byte("1"), 0o755} }).hash([]byte("FROM scratch"), "linux/amd64"),
		"one file less":      spec(func(s *BuildSpec) { delete(s.Files, "y") }).hash([]byte("FROM scratch"), "linux/amd64"),
		"contents swapped": spec(func(s *BuildSpec) {
			s.Files["x"], s.Files["y"] = s.Files["y"], s.Files["x"]
		}).hash([]byte("FROM scratch"), "linux/amd64"),
	} {
		if other, ok := seen[hash]; ok {
			t.Errorf("%s hashes as %s does", claim, other)
		}
		seen[hash] = claim
	}
}

func TestFailedBuildShowsItsLastLines(t *testing.T) {
	e := engine(t)
	_, err := e.Build(t.Context(), BuildSpec{Name: "test-broken", Dockerfile: "static.Dockerfile", Files: map[string]File{"other": {[]byte("x"), 0o644}}})
	if err == nil {
		t.Fatal("a Dockerfile that copies a missing file was built")
	}
	for _, part := range []string{"image proxylab/test-broken:", "COPY app /app", "app"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q:\n%v", part, err)
		}
	}
}

func TestArchiveDependsOnFilesAlone(t *testing.T) {
	files := map[string]File{"b": {[]byte("2"), 0o755}, "a/c": {[]byte("1"), 0o600}}
	one, err := tarOf(files)
	if err != nil {
		t.Fatal(err)
	}
	two, err := tarOf(files)
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("two archives of the same files differ, %v", err)
	}
}

func TestBinary(t *testing.T) {
	write := func(source string) (dir string) {
		dir = t.TempDir()
		for name, text := range map[string]string{"go.mod": "module x\ngo 1.26\n", "main.go": source} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	for _, row := range []struct {
		claim, source string
		says          []string
	}{
		{"every compile error is shown", "package main\nfunc main() { nothing() }\nfunc other() { neither() }\n", []string{"main.go:2:", "nothing", "main.go:3:", "neither"}},
		{"a library is no program", "package x\n", []string{"go build .: it is not a main package"}},
	} {
		_, err := Binary(t.Context(), write(row.source), ".", "linux", "amd64")
		if err == nil {
			t.Errorf("%s: it was built", row.claim)
			continue
		}
		for _, part := range row.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error does not say %q:\n%v", row.claim, part, err)
			}
		}
	}
	// The folder's name must not enter the bytes.
	const source = "package main\nfunc main() { println(\"hello\") }\n"
	one, err := Binary(t.Context(), write(source), ".", "linux", "arm64")
	if err != nil {
		t.Fatal(err)
	}
	two, err := Binary(t.Context(), write(source), ".", "linux", "arm64")
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("the same source in another folder gives other bytes, %v", err)
	}
}

// Earlier builds go, but not one that a run from another checkout may be about
// to start.
func TestOutdatedImages(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	build := func(tag string, age time.Duration) image.Summary {
		return image.Summary{RepoTags: []string{tag}, Created: now.Add(-age).Unix()}
	}
	all := []image.Summary{
		build("x:kept", 9*time.Hour), build("x:older", 5*time.Hour), build("x:newest-other", time.Minute),
		build("x:young", 30*time.Minute), build("x:oldest", 48*time.Hour), {Created: 1}, // the last has no name
	}
	var got []string
	for _, i := range outdated(all, "x:kept", now) {
		got = append(got, i.RepoTags[0])
	}
	if want := []string{"x:older", "x:oldest"}; !slices.Equal(got, want) {
		t.Errorf("%v would go, want %v", got, want)
	}
	if got := outdated([]image.Summary{build("x:kept", 0), build("x:one", 48*time.Hour)}, "x:kept", now); len(got) != 0 {
		t.Errorf("the newest other one would go: %v", got)
	}
}
