package record

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Write puts the run into the folder dir. The file appears whole or not at
// all.
func Write(dir string, run Run) error {
	if err := run.Check(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, RunFile), err)
	}
	return encode(filepath.Join(dir, RunFile), run)
}

// WriteResults puts results.json into the folder dir, whole or not at all.
func WriteResults(dir string, res Results) error {
	return encode(filepath.Join(dir, ResultsFile), res)
}

func encode(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return WriteFile(path, append(data, '\n'))
}

// WriteFile writes a file of a run's folder whole or not at all: a disk that
// is full, or a kill, leaves no half page.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
