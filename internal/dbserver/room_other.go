//go:build unix && !linux

package dbserver

import "errors"

func mountRoom(string, int64, *account) error { return errors.ErrUnsupported }

func unmountRoom(string) error { return errors.ErrUnsupported }
