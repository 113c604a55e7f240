// Package newfile writes files that are there whole or not at all, whoever looks and
// whenever the process ends, and that never take the place of another.
package newfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write makes the file at path, for its owner only (mode 0600), with what fill puts into
// it. When Write returns without an error, the file and its name are durable. An error is
// fs.ErrExist where something of that name is there, before fill is called if it was there
// then; else what fill or the file system says, and then nothing is left behind. Only a
// process that is killed leaves a file whose name goes on with ".new-" and a number.
//
// Fill may also write to the file by its name, but it must be the same file.
func Write(path string, fill func(f *os.File) error) error {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // it has its own name by then, or none
	if err = fill(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil { // unlike a rename it replaces nothing
		return fmt.Errorf("naming the finished file: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a new name in the folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
