package identitytest_test

import (
	"fmt"
	"net/http"

	"pgregory.net/rapid"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
)

// change changes a user on a node. All but the audiences ends the sessions.
func (w *world) change(rt *rapid.T, p *person, patch admin.UserPatch) {
	_, err := w.nodes[drawNode(rt)].Installation.Admin.UpdateUser(w.t.Context(), master, p.id, patch, nil)
	w.must(err)
	if patch.Audiences == nil {
		w.endSessionsOf(p)
	}
}

func (w *world) endSessionsOf(p *person) {
	p.begin(w.rules().now)
	for _, f := range w.sessions {
		if f.of == p {
			f.end(w.rules().now)
		}
	}
}

func (w *world) disable(rt *rapid.T) {
	p, no := w.drawPerson(rt), false
	if !p.enabled {
		return
	}
	p.enabled = false
	w.change(rt, p, admin.UserPatch{Enabled: &no})
}

func (w *world) enable(rt *rapid.T) {
	p, yes := w.drawPerson(rt), true
	if p.enabled {
		return
	}
	p.enabled = true
	w.change(rt, p, admin.UserPatch{Enabled: &yes})
}

func (w *world) changeAudiences(rt *rapid.T) {
	p := w.drawPerson(rt)
	p.allowed = !p.allowed
	audiences := []string{identity.AnyAudience}
	if !p.allowed {
		audiences = []string{"another"}
	}
	w.change(rt, p, admin.UserPatch{Audiences: &audiences})
}

func (w *world) changePassword(rt *rapid.T) {
	p := w.drawPerson(rt)
	former := p.password
	w.made++
	p.password = fmt.Sprintf("a long enough password, number %d", w.made)
	if !p.enabled || rapid.Bool().Draw(rt, "by an administrator") {
		password := identity.NewSecret(p.password)
		w.change(rt, p, admin.UserPatch{Password: &password})
		return
	}
	a := w.post(drawNode(rt), "/auth/password", map[string]string{"username": p.name, "password": former, "new_password": p.password})
	if a.status != http.StatusNoContent {
		rt.Fatalf("the password was not changed: status %d %s", a.status, a.Code)
	}
	w.endSessionsOf(p)
}
