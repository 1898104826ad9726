package origin

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"
)

// The pictures are drawn by internal/draw; the texts are written by hand.
//
//go:generate go run ./internal/draw pages
//go:embed pages
var pageFiles embed.FS

// Resource is a file of the test pages, as it must arrive.
type Resource struct {
	Path  string // /pages/1, or of a part /pages/1/dusk.jpg
	Type  string // Content-Type
	Size  int64
	XXH64 string // xxHash64 of the bytes, 16 hex digits
}

// Pages is all four pages with all their parts, each page before its parts.
func Pages() []Resource {
	var all []Resource
	for _, f := range loaded() {
		all = append(all, f.Resource)
	}
	slices.SortFunc(all, func(a, b Resource) int { return strings.Compare(a.Path, b.Path) })
	return all
}

type file struct {
	Resource
	body []byte
	etag string
}

// types by extension: the table of the operating system is not there in an
// image made from scratch, and differs where it is.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".png":  "image/png",
	".jpg":  "image/jpeg",
}

// loaded is the files by path.
var loaded = sync.OnceValue(func() map[string]file {
	files := map[string]file{}
	err := fs.WalkDir(pageFiles, "pages", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := pageFiles.ReadFile(name)
		if err != nil {
			return err
		}
		hash := fmt.Sprintf("%016x", xxhash.Sum64(body))
		at := "/" + strings.TrimSuffix(name, ".html")
		files[at] = file{
			Resource: Resource{Path: at, Type: types[path.Ext(name)], Size: int64(len(body)), XXH64: hash},
			body:     body,
			etag:     `"` + hash + `"`,
		}
		return nil
	})
	if err != nil {
		panic("the embedded pages cannot be read: " + err.Error())
	}
	return files
})

func page(s *Server, w http.ResponseWriter, r *http.Request, rest string) {
	f, ok := loaded()["/pages/"+rest]
	if !ok {
		unknown(s, w, r, rest)
		return
	}
	if !allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	w.Header().Set("Content-Type", f.Type)
	w.Header().Set("ETag", f.etag)
	http.ServeContent(w, r, "", Modified, bytes.NewReader(f.body))
}
