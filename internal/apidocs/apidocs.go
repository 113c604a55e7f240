// Package apidocs serves two pages for people that show the description of the API:
// /docs by Swagger UI, which can also try it, and /redoc by Redoc. Everything they
// need is in the binary (see assets, made by scripts/docs-assets.sh), and a content
// security policy forbids them to load anything from anywhere else, to run a script
// that is not a file of ours, and to be framed.
package apidocs

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

//go:embed assets
var assets embed.FS

// policy is the pages' Content-Security-Policy, to which each adds the styles that it
// needs. Connections go to our own host only: for the description, and for what Swagger
// UI tries. data: is for icons in the style sheets. Scripts are files of ours; there is
// no unsafe-inline and no unsafe-eval for anything.
const policy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'self'"

// Both programs set styles by the object model, which needs no permission. Redoc in
// addition makes style elements: those of styled-components are empty when they enter
// the document, and one has the style sheet of perfect-scrollbar. Their hashes (CSP
// level 3, section 2.3.1) let in just these. A new version of Redoc may have another
// second one, which the test in a browser then names.
const redocStyles = " 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='" +
	" 'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"

// page is a page with the files that it loads from the folder of the same name.
type page struct {
	policy string
	html   *web.Static
	files  map[string]*web.Static
}

// Routes registers the pages and their files.
func Routes(r *web.Router) error {
	for _, p := range []struct {
		name, styles string
		files        []string
	}{
		{"docs", "", []string{"swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui.LICENSE.txt", "docs.css", "docs.js"}},
		{"redoc", redocStyles, []string{"redoc.standalone.js", "redoc.LICENSE.txt", "docs.css", "redoc.js"}},
	} {
		made, err := newPage(p.name, p.files)
		if err != nil {
			return fmt.Errorf("reading the page /%s: %w", p.name, err)
		}
		made.policy = policy + p.styles
		r.Handle("GET", "/"+p.name, made.serve)
		r.Handle("GET", "/"+p.name+"/{file}", made.serveFile)
	}
	return nil
}

func newPage(name string, files []string) (p *page, err error) {
	p = &page{files: map[string]*web.Static{}}
	if p.html, err = static(name + ".html"); err != nil {
		return nil, err
	}
	for _, file := range files {
		if p.files[file], err = static(file); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// static returns an asset, which may be there compressed.
func static(name string) (*web.Static, error) {
	mediaType := map[string]string{
		".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	}[path.Ext(name)]
	if zipped, err := fs.ReadFile(assets, "assets/"+name+".gz"); err == nil {
		return web.NewZipped(mediaType, zipped), nil
	}
	content, err := fs.ReadFile(assets, "assets/"+name)
	return web.NewStatic(mediaType, content), err
}

func (p *page) serve(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Security-Policy", p.policy)
	return p.html.Serve(w, r)
}

func (p *page) serveFile(w http.ResponseWriter, r *http.Request) error {
	file, ok := p.files[r.PathValue("file")]
	if !ok {
		return identity.Errorf(identity.NotFound, "There is no such file.")
	}
	return file.Serve(w, r)
}
