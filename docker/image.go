package docker

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

//go:embed *.Dockerfile
var dockerfiles embed.FS

// Image is one that the engine has.
type Image struct {
	Ref   string // proxylab/origin:1f0c2d3e4a5b
	ID    string // sha256:…
	Built bool   // by the call that returned it
}

// File is a file's content on its way into an image or a container.
type File struct {
	Data []byte
	Mode fs.FileMode // permissions; 0 is 0644
}

func (f File) mode() int64 {
	if p := f.Mode.Perm(); p != 0 {
		return int64(p)
	}
	return 0o644
}

// BuildSpec is all that decides an image's content.
type BuildSpec struct {
	Name       string          // the image is proxylab/<Name>
	Dockerfile string          // one of this package's: "static.Dockerfile"
	Own        []byte          // a Dockerfile in the place of those
	Files      map[string]File // path in the build's context
	Base       *Image          // passed as the build argument BASE
}

// Build makes the image unless the engine has it. Its tag is a hash over every
// input (Dockerfile, files with their modes, base image ID, platform), so a
// changed input is another image and an unchanged one costs a look-up.
func (e *Engine) Build(ctx context.Context, s BuildSpec) (Image, error) {
	dockerfile := s.Own
	if dockerfile == nil {
		var err error
		if dockerfile, err = dockerfiles.ReadFile(s.Dockerfile); err != nil {
			return Image{}, fmt.Errorf("image %s: no such Dockerfile: %w", s.Name, err)
		}
	}
	ref := repository(s.Name) + ":" + s.hash(dockerfile, e.os+"/"+e.arch)
	if img, ok, err := e.image(ctx, ref); err != nil || ok {
		return img, err
	}
	e.say("building image %s", ref)
	if err := e.build(ctx, s, dockerfile, ref); err != nil {
		return Image{}, err
	}
	img, ok, err := e.image(ctx, ref)
	if err != nil {
		return Image{}, err
	}
	if !ok {
		return Image{}, fmt.Errorf("image %s: the engine built it but does not have it\n\thint: is another process removing images?", ref)
	}
	img.Built = true
	e.removeOld(ctx, s.Name, ref, time.Now())
	return img, nil
}

func repository(name string) string { return "proxylab/" + name }

// hash is the tag: 12 hex digits over every input, each with its length before
// it, so that no two sets of inputs read alike.
func (s BuildSpec) hash(dockerfile []byte, platform string) string {
	h := sha256.New()
	put := func(parts ...[]byte) {
		for _, p := range parts {
			fmt.Fprintf(h, "%d:", len(p))
			h.Write(p)
		}
	}
	put([]byte(s.Name), []byte(platform), dockerfile)
	if s.Base != nil {
		put([]byte("base"), []byte(s.Base.ID))
	}
	for _, path := range slices.Sorted(maps.Keys(s.Files)) {
		f := s.Files[path]
		put([]byte(path), []byte(strconv.FormatInt(f.mode(), 8)), f.Data)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// Find looks for an image that somebody else made; nothing is pulled.
func (e *Engine) Find(ctx context.Context, ref string) (Image, error) {
	img, ok, err := e.image(ctx, ref)
	if err == nil && !ok {
		err = fmt.Errorf("the engine has no image %s\n\thint: docker pull or docker build makes it", ref)
	}
	return img, err
}

// image looks for a reference in the engine.
func (e *Engine) image(ctx context.Context, ref string) (Image, bool, error) {
	r, err := e.cli.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return Image{}, false, nil
	}
	if err != nil {
		return Image{}, false, fmt.Errorf("image %s: %w", ref, err)
	}
	return Image{Ref: ref, ID: r.ID}, true, nil
}

// build sends the context to the engine's classic builder, which every engine
// has without a plug-in.
func (e *Engine) build(ctx context.Context, s BuildSpec, dockerfile []byte, ref string) error {
	files := maps.Clone(s.Files)
	if files == nil {
		files = map[string]File{}
	}
	files["Dockerfile"] = File{Data: dockerfile, Mode: 0o644}
	archive, err := tarOf(files)
	if err != nil {
		return fmt.Errorf("image %s: %w", ref, err)
	}
	repo, tag, _ := strings.Cut(ref, ":")
	var log bytes.Buffer
	from := testcontainers.FromDockerfile{
		ContextArchive: bytes.NewReader(archive), Repo: repo, Tag: tag, KeepImage: true, BuildLogWriter: &log,
		BuildOptionsModifier: func(o *client.ImageBuildOptions) { o.Labels = map[string]string{labelImage: s.Name} },
	}
	if s.Base != nil {
		from.BuildArgs = map[string]*string{"BASE": &s.Base.Ref}
	}
	if _, err := e.provider.BuildImage(ctx, &testcontainers.ContainerRequest{FromDockerfile: from}); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		hint := ""
		if s.Base != nil {
			hint = "\n\thint: it installs packages: can this machine reach a Debian mirror, and is there space on the engine's disk?"
		}
		return fmt.Errorf("image %s: %w\nlast lines of the build:\n%s%s", ref, err, indent(lastLines(buildText(log.String()), 25)), hint)
	}
	return nil
}

// buildText takes the terminal's colours and the engine's JSON out of a build log.
func buildText(log string) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		var m struct{ Stream string }
		if json.Unmarshal([]byte(line), &m) == nil && m.Stream != "" {
			line = m.Stream
		}
		b.WriteString(line)
	}
	return b.String()
}

// tarOf makes an archive whose bytes depend on the files alone: sorted, with one
// fixed time, owned by root.
func tarOf(files map[string]File) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		f := files[path]
		h := &tar.Header{Name: path, Mode: f.mode(), Size: int64(len(f.Data)), ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.Data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// removeOld takes away earlier builds of one name, so that disks do not fill.
// Those that a container uses stay, since nothing is forced.
func (e *Engine) removeOld(ctx context.Context, name, keep string, now time.Time) {
	list, err := e.cli.ImageList(ctx, client.ImageListOptions{Filters: client.Filters{}.Add("label", labelImage+"="+name)})
	if err != nil {
		return // an image too many harms nobody
	}
	for _, i := range outdated(list.Items, keep, now) {
		for _, tag := range i.RepoTags {
			if strings.HasPrefix(tag, repository(name)+":") {
				_, _ = e.cli.ImageRemove(ctx, tag, client.ImageRemoveOptions{PruneChildren: true})
			}
		}
	}
}

// inUse is the age up to which a build may be one that another process, from
// another checkout, is about to start.
const inUse = time.Hour

// outdated are the builds that may go: not keep, not the newest of the others,
// and none that is young.
func outdated(all []image.Summary, keep string, now time.Time) []image.Summary {
	var old []image.Summary
	for _, i := range all {
		if len(i.RepoTags) > 0 && !slices.Contains(i.RepoTags, keep) {
			old = append(old, i)
		}
	}
	slices.SortFunc(old, func(a, b image.Summary) int { return cmp.Compare(b.Created, a.Created) })
	return slices.DeleteFunc(old[min(1, len(old)):], func(i image.Summary) bool {
		return now.Sub(time.Unix(i.Created, 0)) < inUse
	})
}
