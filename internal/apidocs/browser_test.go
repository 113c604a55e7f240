package apidocs_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// browser returns the path of Chromium. With IDENTITY_INTEROP=require it must be here.
func browser(t *testing.T) (path string, here bool) {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	if os.Getenv("IDENTITY_INTEROP") == "require" {
		t.Fatal("Chromium is required and not here")
	}
	t.Log("did not run: Chromium is not here")
	return "", false
}

// observed is what a page did.
type observed struct {
	mu       sync.Mutex
	requests []string
	problems []string
}

func (o *observed) listen(event any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		o.requests = append(o.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		o.problems = append(o.problems, "exception: "+e.ExceptionDetails.Text)
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			o.problems = append(o.problems, thrown.Description)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			for _, arg := range e.Args {
				o.problems = append(o.problems, "console: "+string(arg.Value)+arg.Description)
			}
		}
	case *log.EventEntryAdded: // the content security policy complains here
		if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
			o.problems = append(o.problems, "log: "+e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// open starts a browser that ends with the test and finds no host but this one, and
// watches what it does.
func open(t *testing.T) (context.Context, *observed, bool) {
	t.Helper()
	chromium, here := browser(t)
	if !here {
		return nil, nil, false
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 1200), chromedp.UserDataDir(profile(t)),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"))...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, cancelTimeout := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancelTimeout)
	seen := &observed{}
	chromedp.ListenTarget(ctx, seen.listen)
	return ctx, seen, true
}

// profile makes a folder for the browser. Its children may still write to it while it
// ends, so that removing it takes a few tries, and in the end does not matter.
func profile(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "apidocs-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 50 {
			if os.RemoveAll(folder) == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	return folder
}

// The pages show the API in a real browser, ask nobody but our own host for anything,
// and do nothing that their policy forbids.
func TestPagesInBrowser(t *testing.T) {
	for _, tc := range []struct {
		name, login string // login selects the operation POST /auth/login
		unfold      string // what to click on to see all of it
		detail      string // what is seen then
	}{
		{"docs", "#operations-Authentication-login", "#operations-Authentication-login .opblock-summary-control", "#operations-Authentication-login .examples-select"},
		{"redoc", `[id="tag/Authentication/operation/login"]`, `[id="tag/Authentication/operation/login"] button`, `[id="tag/Authentication/operation/login"] [role=tabpanel]`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, seen, here := open(t)
			if !here {
				return
			}
			s := identitytest.New(t)
			var shown string
			var top, detail []byte
			err := chromedp.Run(ctx,
				log.Enable(), network.Enable(),
				chromedp.Navigate(s.URL+"/"+tc.name),
				chromedp.WaitVisible(tc.login, chromedp.ByQuery),
				chromedp.Text(tc.login, &shown, chromedp.ByQuery),
				chromedp.CaptureScreenshot(&top),
				chromedp.Click(tc.unfold, chromedp.ByQuery),
				chromedp.WaitVisible(tc.detail, chromedp.ByQuery),
				chromedp.ScrollIntoView(tc.detail, chromedp.ByQuery),
				chromedp.Sleep(500*time.Millisecond), // for whatever comes late
				chromedp.CaptureScreenshot(&detail),
			)
			save(t, tc.name, top)
			save(t, tc.name+"-login", detail)
			if err != nil {
				t.Errorf("the page did not come up: %v", err)
			}
			if !strings.Contains(shown, "/auth/login") {
				t.Errorf("the operation is shown as %q", shown)
			}
			seen.want(t, s.URL)
		})
	}
}

// Swagger UI sends what somebody tries to our own host, with the token that they gave.
func TestTryItOut(t *testing.T) {
	ctx, seen, here := open(t)
	if !here {
		return
	}
	s := identitytest.New(t)
	const operation = "#operations-Configuration-getConfiguration"
	var status string
	var picture []byte
	err := chromedp.Run(ctx,
		log.Enable(), network.Enable(),
		chromedp.Navigate(s.URL+"/docs"),
		chromedp.WaitVisible(operation, chromedp.ByQuery),
		chromedp.Click(".auth-wrapper .authorize", chromedp.ByQuery),
		chromedp.SendKeys(".auth-container input", s.AdminToken(), chromedp.ByQuery),
		chromedp.Click(".auth-btn-wrapper .authorize", chromedp.ByQuery),
		chromedp.Click(".close-modal", chromedp.ByQuery),
		chromedp.Click(operation+" .opblock-summary-control", chromedp.ByQuery),
		chromedp.Click(operation+" .try-out__btn", chromedp.ByQuery),
		chromedp.Click(operation+" .execute", chromedp.ByQuery),
		chromedp.Text(operation+" .live-responses-table tbody .response-col_status", &status, chromedp.ByQuery, chromedp.NodeVisible),
		chromedp.CaptureScreenshot(&picture),
	)
	save(t, "try-it-out", picture)
	if err != nil || !strings.HasPrefix(status, "200") {
		t.Errorf("status %q, %v", status, err)
	}
	seen.want(t, s.URL)
}

// want fails the test if the page had a problem, or asked another host than ours.
func (o *observed) want(t *testing.T, host string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, problem := range o.problems {
		t.Error(problem)
	}
	described := false
	for _, request := range o.requests {
		t.Log(short(request))
		u, err := url.Parse(request)
		ours := err == nil && u.Scheme+"://"+u.Host == host
		if !ours && (err != nil || u.Scheme != "data") { // data: is nowhere
			t.Errorf("the page asked for %s", request)
		}
		described = described || ours && u.Path == "/openapi.json"
	}
	if !described {
		t.Error("the page did not ask for the description")
	}
}

// save keeps a screenshot for whoever wants to look.
func save(t *testing.T, name string, picture []byte) {
	t.Helper()
	folder := os.Getenv("IDENTITY_SCREENSHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600); err != nil {
		t.Error(err)
	}
}

func short(request string) string {
	if len(request) > 100 {
		return request[:100] + "…"
	}
	return request
}
