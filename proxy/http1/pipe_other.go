//go:build !linux

package http1

import "errors"

// Pipe is for kernels with splice(2).
type Pipe struct{}

// TakePipe fails: bodies are copied.
func TakePipe() (*Pipe, error) { return nil, errors.ErrUnsupported }

// Free does nothing.
func (*Pipe) Free() {}

// Held is nothing.
func (*Pipe) Held() int { return 0 }

// Fill is not reached.
func (*Pipe) Fill(*Conn, int) (int, error) { return 0, errors.ErrUnsupported }

// Empty is not reached.
func (*Pipe) Empty(*Conn) (int, error) { return 0, errors.ErrUnsupported }
