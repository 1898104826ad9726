package reports

import (
	"bytes"
	_ "embed"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
)

var (
	//go:embed page.html.tmpl
	htmlSource string
	//go:embed page.css
	css string
	//go:embed report.md.tmpl
	markdownSource string
)

var htmlTemplate = htmltemplate.Must(htmltemplate.New("page").Funcs(htmltemplate.FuncMap{
	"css": func() htmltemplate.CSS { return htmltemplate.CSS(css) },
}).Parse(htmlSource))

var markdownTemplate = texttemplate.Must(texttemplate.New("report").Funcs(texttemplate.FuncMap{
	"cells": markdownCells,
	"rule":  func(n int) string { return strings.Repeat(" --- |", n) },
	"fence": fence,
}).Parse(markdownSource))

// SVG returns the i-th figure, which figure.SVG has escaped.
func (p *page) SVG(i int) htmltemplate.HTML { return htmltemplate.HTML(p.svg[i]) }

func (p *page) html(buf *bytes.Buffer) error { return htmlTemplate.Execute(buf, p) }

func (p *page) markdown(buf *bytes.Buffer) error { return markdownTemplate.Execute(buf, p) }

// markdownCells joins the cells of a table's row. A bar or a line's end in a
// cell would end it.
func markdownCells(cells []string) string {
	clean := strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;")
	var b strings.Builder
	b.WriteString("|")
	for _, c := range cells {
		b.WriteString(" " + clean.Replace(c) + " |")
	}
	return b.String()
}

// fence returns backquotes enough to enclose the text.
func fence(text string) string {
	f := "```"
	for strings.Contains(text, f) {
		f += "`"
	}
	return f
}
