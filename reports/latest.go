package reports

import (
	"fmt"
	"os"
	"path/filepath"
)

// Latest makes out/latest point at the run's folder dir, which lies in out.
// Readers find the old run or the new one, never neither.
func Latest(out, dir string) error {
	target, err := filepath.Rel(out, dir)
	if err != nil {
		return err
	}
	if err := CheckLatest(out); err != nil {
		return err
	}
	link := filepath.Join(out, "latest")
	// rename(2) replaces in one step, symlink(2) does not.
	fresh := filepath.Join(out, fmt.Sprintf(".latest-%d", os.Getpid()))
	if err := os.Remove(fresh); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.Symlink(target, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, link)
}

// CheckLatest tells what would keep Latest from doing so: something else of
// that name.
func CheckLatest(out string) error {
	link := filepath.Join(out, "latest")
	if info, err := os.Lstat(link); err == nil && info.Mode()&os.ModeSymlink == 0 {
		return fmt.Errorf("%s: is no symbolic link\n\thint: move it away, reports puts a link there", link)
	}
	return nil
}
