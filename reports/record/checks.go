package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ChecksFile is what a lab's self-check found, in the run's folder. A run of a lab
// without checks has none.
const ChecksFile = "checks.json"

// Checks is checks.json.
type Checks struct {
	Lab    string  `json:"lab"`
	Points int     `json:"points"`
	Of     int     `json:"of"`
	Checks []Check `json:"checks"`
}

// Check is one claim held against the records.
type Check struct {
	Claim  string   `json:"claim"`
	Passed bool     `json:"passed"`
	Points int      `json:"points"`
	Of     int      `json:"of"`
	Expr   string   `json:"expr"`
	Shows  []string `json:"shows,omitempty"` // the evidence, or why it cannot be told
	Reason string   `json:"reason"`
	Hint   string   `json:"hint"`
}

// WriteChecks puts checks.json into the folder dir, whole or not at all.
func WriteChecks(dir string, c Checks) error { return encode(filepath.Join(dir, ChecksFile), c) }

// ReadChecks reads checks.json of a run's folder; the zero Checks where there is none.
func ReadChecks(dir string) (Checks, error) {
	var c Checks
	data, err := os.ReadFile(filepath.Join(dir, ChecksFile))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", filepath.Join(dir, ChecksFile), err)
	}
	return c, nil
}
