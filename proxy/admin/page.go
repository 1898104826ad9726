package admin

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"net/http"
	"strings"
)

//go:embed page
var pageFiles embed.FS

// pageHTML is page/page.html with the style and the script in it: one file, so that
// an operator who saves it has all of it.
var pageHTML = strings.NewReplacer(
	"<style></style>", "<style>\n"+pageFile("page.css")+"</style>",
	"<script></script>", "<script>\n"+pageFile("common.js")+"\n"+pageFile("balancers.js")+"\n"+pageFile("cache.js")+"\n"+pageFile("live.js")+"</script>",
).Replace(pageFile("page.html"))

func pageFile(name string) string {
	text, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(text)
}

// page serves the page. Only the script and the style that
// stand in it may run, and it may only ask us.
func (s *Server) page() http.Handler {
	policy := "default-src 'none'; script-src " + hashOf("script") + "; style-src " + hashOf("style") +
		"; connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	return only(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.Method != http.MethodHead {
			w.Write([]byte(pageHTML)) // who does not read it to the end has gone
		}
	}), http.MethodGet, http.MethodHead)
}

// hashOf is the source expression of an element's content (CSP Level 3 §2.3.1).
func hashOf(element string) string {
	_, rest, _ := strings.Cut(pageHTML, "<"+element+">")
	content, _, _ := strings.Cut(rest, "</"+element+">")
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
