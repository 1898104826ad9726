package reports

import (
	"bytes"

	"proxylab/reports/record"
)

// Pages makes both pages without writing them, and without the PNGs, which
// the race detector makes twenty times as slow. Package figure tests those.
func Pages(dir string) (html, markdown string, res record.Results, err error) {
	r, err := load(dir)
	if err != nil {
		return "", "", record.Results{}, err
	}
	res = r.results()
	p, err := newPage(r, res)
	if err != nil {
		return "", "", record.Results{}, err
	}
	var h, m bytes.Buffer
	if err := p.html(&h); err != nil {
		return "", "", record.Results{}, err
	}
	err = p.markdown(&m)
	return h.String(), m.String(), res, err
}
