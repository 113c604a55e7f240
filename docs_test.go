package identity_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
)

// namedTest is a test named in a page: alone, or with the end of its package's folder
// before it, as in `rest.TestMatrix` and `cmd/identity.TestScripts`.
var namedTest = regexp.MustCompile(`(?:([a-z0-9/]+)\.)?\b((?:Test|Fuzz|Benchmark)[A-Z0-9]\w*)`)

const conformance = "docs/conformance.md"

// TestPagesNameTestsThatExist holds the tables of docs/security and docs/conformance.md to
// the tests: each that is named there exists, in the package that is named, and whatever
// concerns this service has one.
func TestPagesNameTestsThatExist(t *testing.T) {
	folders := testFolders(t)
	pages, err := filepath.Glob("docs/security/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("docs/security: %v, %d pages", err, len(pages))
	}
	for _, page := range append(pages, conformance) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !namedTest.Match(text) {
			t.Errorf("%s names no test: what holds what it says?", page)
		}
		for i, line := range strings.Split(string(text), "\n") {
			named := namedTest.FindAllStringSubmatch(line, -1)
			for _, n := range named {
				if !slices.ContainsFunc(folders[n[2]], func(folder string) bool { return endsIn(folder, n[1]) }) {
					t.Errorf("%s:%d: there is no test %s; tests of this name: %q", page, i+1, n[0], folders[n[2]])
				}
			}
			if (concerns(line) || page == conformance && isRow(line)) && len(named) == 0 {
				t.Errorf("%s:%d: it concerns this service, and no test is named: %s", page, i+1, line)
			}
		}
	}
}

// isRow reports whether a line is the row of a table, and not its head.
func isRow(line string) bool {
	return strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "|---") && !strings.HasPrefix(line, "| section")
}

// concerns reports whether a line is the row of a table with a cell that says yes.
func concerns(line string) bool {
	return slices.ContainsFunc(strings.Split(line, "|"), func(cell string) bool { return strings.TrimSpace(cell) == "yes" })
}

// endsIn reports whether the import path of a folder ends in the name of a package.
func endsIn(folder, name string) bool {
	return name == "" || strings.HasSuffix("/"+path.Join(module, folder), "/"+name)
}

// testFolders says for each test, fuzz target and benchmark in which folders there is one
// of its name.
func testFolders(t *testing.T) map[string][]string {
	t.Helper()
	folders := map[string][]string{}
	for name, file := range goFiles(t, parser.SkipObjectResolution) {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				folders[f.Name.Name] = append(folders[f.Name.Name], filepath.ToSlash(filepath.Dir(name)))
			}
		}
	}
	return folders
}

// TestChecksAreDocumented holds the list of checks in docs/why.md to the checks.
func TestChecksAreDocumented(t *testing.T) {
	text, err := os.ReadFile("docs/why.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## The checks\n")
	listed := map[string]bool{}
	for row := range strings.Lines(table) {
		if cells := strings.Split(row, "|"); len(cells) > 2 {
			for _, name := range regexp.MustCompile("`([a-z_]+\\.[a-z_]+)`").FindAllStringSubmatch(cells[1], -1) {
				listed[name[1]] = true
			}
		}
	}
	for _, check := range identity.Checks() {
		if !listed[string(check)] {
			t.Errorf("docs/why.md does not list %s", check)
		}
		delete(listed, string(check))
	}
	for name := range listed {
		t.Errorf("docs/why.md lists %s, which is no check", name)
	}
}

// pinned says where the version of a library in the table of docs/interop.md is pinned,
// and how it is written there.
var pinned = map[string]struct{ file, form string }{
	"golang.org/x/oauth2":           {"interop/go/go.mod", "\tgolang.org/x/oauth2 v%s\n"},
	"github.com/coreos/go-oidc/v3":  {"interop/go/go.mod", "\tgithub.com/coreos/go-oidc/v3 v%s\n"},
	"github.com/zitadel/oidc/v3":    {"interop/go/go.mod", "\tgithub.com/zitadel/oidc/v3 v%s\n"},
	"openid-client (Node.js 20)":    {"interop/node/package.json", "\"openid-client\": \"%s\""},
	"oauth4webapi (Node.js 20)":     {"interop/node/package.json", "\"oauth4webapi\": \"%s\""},
	"Authlib (Python)":              {"interop/python/standard_authlib.txt", "Authlib==%s\n"},
	"k8s.io/apiserver":              {"interop/kubernetes/go.mod", "\tk8s.io/apiserver v%s\n"},
	"mod_oauth2 (Apache, Debian's)": {}, // what Debian has
}

// TestInteropVersions holds the versions in docs/interop.md to those that are tried.
func TestInteropVersions(t *testing.T) {
	text, err := os.ReadFile("docs/interop.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for row := range strings.Lines(string(text)) {
		cells := strings.Split(row, "|")
		if len(cells) != 5 || strings.TrimSpace(cells[1]) == "library" || strings.HasPrefix(cells[1], "---") {
			continue
		}
		library, version := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])
		seen[library] = true
		where, ok := pinned[library]
		if !ok {
			t.Errorf("where is the version of %s pinned?", library)
		}
		if where.file == "" {
			continue
		}
		manifest, err := os.ReadFile(where.file)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(where.form, version); !strings.Contains(string(manifest), want) {
			t.Errorf("docs/interop.md says %s %s; %s does not have %q", library, version, where.file, want)
		}
	}
	for library := range pinned {
		if !seen[library] {
			t.Errorf("docs/interop.md does not list %s", library)
		}
	}
}
