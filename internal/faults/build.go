package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is the program that was built. It is the one thing that the tests of a binary share, and
// Run removes it.
var built struct {
	sync.Mutex
	folder string // empty outside of Run
	path   string
	err    error
}

// Run runs the tests of a package that uses Build, and cleans up. It is for TestMain, where
// m is a *testing.M, or something around it that cleans up more:
//
//	func TestMain(m *testing.M) { os.Exit(faults.Run(m)) }
func Run(m interface{ Run() int }) int {
	folder, err := os.MkdirTemp("", "identity-faults-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is in the temporary folder
	built.Lock()
	built.folder = folder
	built.Unlock()
	return m.Run()
}

// Build builds the identity program of this module, once, and returns its path.
func Build(t testing.TB) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.path == "" && built.err == nil {
		built.path, built.err = build(t.Context(), built.folder)
	}
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

func build(ctx context.Context, folder string) (string, error) {
	if folder == "" {
		return "", errors.New("faults.Build without faults.Run: call it in TestMain, so that what is built is removed")
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "identity")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/identity") //nolint:gosec // paths of our own
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return path, nil
}

// moduleRoot is the folder of go.mod, here or above.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		above := filepath.Dir(folder)
		if above == folder {
			return "", errors.New("no go.mod here or above")
		}
		folder = above
	}
}
