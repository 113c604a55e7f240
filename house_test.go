package identity_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seed-60f9e3ad/identity"

// floors is the house from the ground up, as docs/architecture.md draws it. A
// package imports only from floors below its own; packages on one floor do not
// know each other. A new package has no place until it is given one here.
var floors = [][]string{
	{".", "api", "internal/argon2", "internal/dbserver", "internal/foreignhash", "internal/guessable", "internal/jose", "internal/newfile", "internal/ratelimit"},
	{"client", "internal/breach", "internal/chain", "internal/clientkeys", "internal/doctor", "internal/seal", "internal/web", "internal/store"},
	{"client/clienttest", "examples/go", "internal/keyring", "internal/transfer", "internal/store/storetest", "internal/guessable/generate", "internal/bench", "internal/openapi", "internal/apidocs"},
	{"internal/audit"},
	{"internal/authn", "internal/token"},
	{"internal/admin", "internal/bearer", "internal/original"},
	{"internal/oauth", "internal/admin/rest"},
	{"internal/server", "internal/openapi/generate"},
	{"internal/identitytest", "internal/faults", "internal/bench/growth", "internal/bench/load", "internal/bench/refresh", "internal/bench/timing", "cmd/identity"},
	{"internal/faults/soak"},
}

// onlyStandard lists packages that import nothing but the standard library, and
// golang.org/x/text where that is said.
var onlyStandard = map[string][]string{
	".":   {"golang.org/x/text/"},
	"api": {},
}

// TestHouse holds the floors. It reads the import lines itself: a cached answer
// of the go command could be stale.
func TestHouse(t *testing.T) {
	floorOf := map[string]int{}
	for floor, packages := range floors {
		for _, p := range packages {
			floorOf[p] = floor
		}
	}
	found := map[string]bool{}
	for path, file := range goFiles(t, parser.ImportsOnly) {
		folder := filepath.ToSlash(filepath.Dir(path))
		found[folder] = true
		floor, ok := floorOf[folder]
		if !ok {
			t.Errorf("%s: package %s has no floor; which room of the house is it?", path, folder)
			continue
		}
		if strings.HasSuffix(file.Name.Name, "_test") {
			continue // external tests may use whatever helps them
		}
		for _, imported := range file.Imports {
			name := strings.Trim(imported.Path.Value, `"`)
			if allowed, ok := onlyStandard[folder]; ok && !ours(name) && outside(name) && !slices.ContainsFunc(allowed, func(a string) bool { return strings.HasPrefix(name, a) }) {
				t.Errorf("%s imports %s; %s keeps to the standard library", path, name, folder)
			}
			if !ours(name) {
				continue
			}
			below := strings.TrimPrefix(strings.TrimPrefix(name, module), "/")
			if below == "" {
				below = "."
			}
			if to, ok := floorOf[below]; ok && to >= floor && below != "." {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down", path, floor+1, below, to+1)
			}
			if below == "." && floor == 0 {
				t.Errorf("%s (floor 1) imports the root: packages on one floor do not know each other", path)
			}
		}
	}
	for p := range floorOf {
		if !found[p] {
			t.Errorf("package %s has a floor and no code", p)
		}
	}
}

// TestPackageDocs demands one package comment per package, of more than a line.
func TestPackageDocs(t *testing.T) {
	docs := map[string][]string{}
	for path, file := range goFiles(t, parser.ParseComments|parser.PackageClauseOnly) {
		folder := filepath.ToSlash(filepath.Dir(path))
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		docs[folder] = append(docs[folder], "")
		if file.Doc != nil {
			docs[folder] = append(docs[folder], file.Doc.Text())
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(docs)) {
		texts := slices.DeleteFunc(docs[folder], func(s string) bool { return s == "" })
		if len(texts) != 1 {
			t.Errorf("package %s has %d package comments, want one", folder, len(texts))
			continue
		}
		if len(strings.Fields(texts[0])) < 20 {
			t.Errorf("package %s says too little of itself: what does it hide, and what does it promise?", folder)
		}
	}
}

// TestFilesStayReadable holds files to a few screenfuls.
func TestFilesStayReadable(t *testing.T) {
	const most = 500
	for path := range goFiles(t, parser.PackageClauseOnly) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(text), "\n"); lines > most {
			t.Errorf("%s has %d lines; does it still do one thing?", path, lines)
		}
	}
}

func ours(name string) bool { return name == module || strings.HasPrefix(name, module+"/") }

// outside reports whether an import path is not the standard library's: its
// first element has a dot.
func outside(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return strings.Contains(first, ".")
}

// goFiles parses every Go file of the module.
func goFiles(t *testing.T, mode parser.Mode) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, nested := os.Stat(filepath.Join(path, "go.mod"))
			if path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || nested == nil) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		files[path], err = parser.ParseFile(token.NewFileSet(), path, nil, mode)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 5 {
		t.Fatalf("only %d Go files found: the walk is broken", len(files))
	}
	return files
}
