package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The files of a run that this package reads and writes.
const (
	RunFile     = "run.json"
	ResultsFile = "results.json"
)

// Read returns the run in the folder dir, in the layout of [Schema] whichever
// earlier one it was written in. It is strict: a later schema, an unknown key or a record that contradicts itself is an error that names its
// place, all contradictions at once.
func Read(dir string) (Run, error) {
	var run Run
	if err := decode(filepath.Join(dir, RunFile), &run); err != nil {
		return Run{}, err
	}
	run.Schema = Schema
	if err := run.Check(); err != nil {
		return Run{}, fmt.Errorf("%s: %w", filepath.Join(dir, RunFile), err)
	}
	return run, nil
}

// ReadResults returns results.json of the folder dir, as strictly as Read.
func ReadResults(dir string) (Results, error) {
	var res Results
	if err := decode(filepath.Join(dir, ResultsFile), &res); err != nil {
		return Results{}, err
	}
	res.Schema = Schema
	if err := res.Check(); err != nil {
		return Results{}, fmt.Errorf("%s: %w", filepath.Join(dir, ResultsFile), err)
	}
	return res, nil
}

// decode looks at the schema alone first, so that a newer layout is called
// that and not an unknown key.
func decode(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w\n\thint: a run's folder holds %s, written when its last trial ends", err, RunFile)
	}
	var head struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return fmt.Errorf("%s: %w", place(path, data, err), err)
	}
	if head.Schema < 1 || head.Schema > Schema {
		return fmt.Errorf("%s: schema %d, want 1 to %d\n\thint: use the proxylab that wrote this run", path, head.Schema, Schema)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", place(path, data, err), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one JSON value", path)
	}
	return nil
}

// place adds the line of a JSON error to the path.
func place(path string, data []byte, err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var off int64
	switch {
	case errors.As(err, &syntax):
		off = syntax.Offset
	case errors.As(err, &kind):
		off = kind.Offset
	default:
		return path
	}
	off = min(off, int64(len(data)))
	return fmt.Sprintf("%s:%d", path, 1+bytes.Count(data[:off], []byte("\n")))
}
