package identitytest_test

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// limited asks every route of a node that takes one failure of an address, and has had it.
func (d *driver) limited() {
	d.t.Helper()
	node := identitytest.New(d.t, identitytest.Options{
		LogLevel: slog.LevelDebug, Database: d.Database, EncryptionKey: d.EncryptionKey, Clock: d.Clock, AddressFailures: 1,
	})
	bearer := []string{"Authorization", "Bearer " + d.mark}
	bodies := map[string]string{
		"/auth/login":    object(map[string]any{"username": d.mark, "password": d.marked()}),
		"/auth/password": object(map[string]any{"username": d.mark, "password": d.marked(), "new_password": d.marked()}),
		"/auth/token":    object(map[string]any{"client_id": d.mark, "client_secret": d.marked(), "audience": d.mark}),
		"/auth/refresh":  object(map[string]any{"refresh_token": d.mark}),
		"/auth/logout":   object(map[string]any{"refresh_token": d.mark}),
	}
	d.account(node.Do("POST", "/auth/login", bodies["/auth/login"]))
	d.account(node.Get("/api/users", bearer...))
	for _, route := range node.Routes {
		if !strings.HasPrefix(route.Pattern, "/auth/") && !strings.HasPrefix(route.Pattern, "/api/") {
			continue
		}
		r := node.Do(route.Method, route.Pattern, bodies[route.Pattern], bearer...)
		if r.Status != http.StatusTooManyRequests {
			d.t.Errorf("%s %s: status %d", route.Method, route.Pattern, r.Status)
		}
		d.seen[route][r.Status] = true
		d.account(r)
	}
	d.must(node.StoreEvents(d.t.Context()))
	d.search(map[string][]byte{"the log of who is limited": []byte(node.Log.String()), "the same in text": []byte(node.TextLog.String())}, &d.nowhere, &d.inside)
}
