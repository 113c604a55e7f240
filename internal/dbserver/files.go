package dbserver

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Files returns what is in the files of the server's data, by their names: tables, logs of
// what was written, all that is not empty. What is committed is in them. There are none
// where the server is not ours.
func (s *Server) Files(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	if s.dir == "" {
		return files
	}
	data := filepath.Join(s.dir, "data")
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // the server has just removed it
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // the server's own files
		if err != nil {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		name, err := filepath.Rel(data, path)
		if len(text) > 0 {
			files[name] = text
		}
		return err
	})
	if err != nil {
		t.Fatalf("the files of %s: %v", s.Kind, err)
	}
	return files
}
