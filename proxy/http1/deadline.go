package http1

import (
	"errors"
	"os"
)

// IsTimeout says whether err comes from a deadline.
func IsTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
