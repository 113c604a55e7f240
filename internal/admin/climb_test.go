package admin_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Random callers do random things. A model that knows nothing of the code says what
// each may, who then holds what, and what is recorded; and whatever the model says,
// nobody climbs.
func TestNobodyClimbs(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	if checks.Value.String() == checks.DefValue { // an installation for each check costs most of the time
		if err := flag.Set("rapid.checks", "10"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set("rapid.checks", checks.DefValue) })
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt)
		rt.Repeat(map[string]func(*rapid.T){
			"create a user":     w.createUser,
			"update a user":     w.updateUser,
			"update a user ":    w.updateUser, // twice as often
			"delete a user":     w.deleteUser,
			"create a client":   w.createClient,
			"update a client":   where(w.hasClients, w.updateClient),
			"delete a client":   where(w.hasClients, w.deleteClient),
			"add a secret":      where(w.hasClients, w.addSecret),
			"create a role":     w.createRole,
			"update a role":     where(w.hasRoles, w.updateRole),
			"update a role ":    where(w.hasRoles, w.updateRole),
			"delete a role":     where(w.hasRoles, w.deleteRole),
			"own password":      w.ownPassword,
			"with an old token": where(w.hasTokens, w.withOldToken),
		})
		if strings.Contains(w.Log.String(), canary) {
			rt.Error("a secret is in the log")
		}
		w.Stop()
	})
}

// holder is a user or client of the model.
type holder struct {
	user, enabled      bool
	permissions, roles []string // roles by id
}

// model is who holds what, by the book.
type model struct {
	holders map[string]holder
	roles   map[string][]string
}

func (m model) clone() model {
	return model{maps.Clone(m.holders), maps.Clone(m.roles)}
}

// all is what the holder holds of this service's own permissions, by whatever way.
func (m model) all(id string) []string {
	h := m.holders[id]
	held := slices.Clone(h.permissions)
	for _, role := range h.roles {
		held = append(held, m.roles[role]...)
	}
	return own(held)
}

func (m model) administered() bool {
	for id, h := range m.holders {
		if h.user && h.enabled && slices.Contains(m.all(id), "identity:admin") {
			return true
		}
	}
	return false
}

func own(list []string) []string {
	kept := slices.DeleteFunc(slices.Clone(list), func(p string) bool { return !strings.HasPrefix(p, "identity:") })
	slices.Sort(kept)
	return slices.Compact(kept)
}

// covers reports whether who holds the first list holds the second.
func covers(held, wanted []string) bool {
	if slices.Contains(held, "identity:admin") {
		return true
	}
	for _, p := range own(wanted) {
		if !slices.Contains(held, p) {
			return false
		}
	}
	return true
}

// world is an installation and its model.
type world struct {
	*desk
	rt     *rapid.T
	model  model
	tokens []identity.Caller // who could ever do what
	count  int
}

func newWorld(t *testing.T, rt *rapid.T) *world {
	w := &world{desk: newDesk(t), rt: rt, model: model{map[string]holder{}, map[string][]string{}}}
	users, err := w.admin.Users(rt.Context(), root, store.UserFilter{Limit: 10})
	w.check(err)
	w.model.holders[users[0].ID] = holder{user: true, enabled: true, permissions: []string{"identity:admin"}}
	for range 3 {
		w.Clock.Move(time.Millisecond) // so that ids are in order, and a failure can be had again
		user, err := w.admin.CreateUser(rt.Context(), root, admin.NewUser{Username: w.name("u"), Password: identity.NewSecret(canary), Permissions: w.drawPermissions(rt)})
		w.check(err)
		w.model.holders[user.ID] = holder{user: true, enabled: true, permissions: user.Permissions}
	}
	return w
}

func (w *world) check(err error) {
	if err != nil {
		w.rt.Fatal(err)
	}
}

// name is one that was never used.
func (w *world) name(prefix string) string {
	w.count++
	return fmt.Sprintf("%s%d", prefix, w.count)
}

func (w *world) drawPermissions(rt *rapid.T) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"identity:admin", "identity:users:write", "identity:users:write", "identity:clients:write", "identity:roles:write", "identity:keys:write", "orders:read",
	}), 0, 4, rapid.ID).Draw(rt, "permissions")
}

// drawRoles returns roles by id and by name; the name of a role of the model is its id
// in the order of making.
func (w *world) drawRoles(rt *rapid.T) []string {
	if len(w.model.roles) == 0 {
		return nil
	}
	return rapid.SliceOfNDistinct(rapid.SampledFrom(slices.Sorted(maps.Keys(w.model.roles))), 0, min(2, len(w.model.roles)), rapid.ID).Draw(rt, "roles")
}

func (w *world) names(ids []string) []string {
	names := []string{}
	for _, id := range ids {
		role, err := w.admin.Role(w.rt.Context(), root, id)
		w.check(err)
		names = append(names, role.Name)
	}
	return names
}

// drawHolder returns the id of a user or client that there is.
func (w *world) drawHolder(rt *rapid.T, what string, keep func(holder) bool) string {
	ids := []string{}
	for id, h := range w.model.holders {
		if keep(h) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return rapid.SampledFrom(ids).Draw(rt, what)
}

// where does an operation only where there is what it is about. Of users there always is one
// that is enabled: the last administrator stays.
func where(there func() bool, do func(*rapid.T)) func(*rapid.T) {
	return func(rt *rapid.T) {
		if there() {
			do(rt)
		}
	}
}

func (w *world) hasRoles() bool  { return len(w.model.roles) > 0 }
func (w *world) hasTokens() bool { return len(w.tokens) > 0 }

func (w *world) hasClients() bool {
	for _, h := range w.model.holders {
		if isClient(h) {
			return true
		}
	}
	return false
}

func isUser(h holder) bool   { return h.user }
func isClient(h holder) bool { return !h.user }
func isOn(h holder) bool     { return h.enabled }

func (w *world) drawCaller(rt *rapid.T) identity.Caller {
	id := w.drawHolder(rt, "caller", isOn)
	caller := identity.Caller{ID: id, Permissions: w.model.all(id)}
	w.tokens = append(w.tokens, caller)
	return caller
}

// operation is what a caller tries.
type operation struct {
	needs   string
	event   string
	targets []string // ids of all holders that it changes
	grants  []string
	// apply makes the change in the model, of a thing with this id.
	apply func(m model, id string)
	// run makes it, and returns the id of the thing.
	run func(identity.Caller) (string, error)
}

// try runs the operation and compares all that follows with the model.
func (w *world) try(rt *rapid.T, caller identity.Caller, op operation) {
	w.Clock.Move(time.Millisecond) // so that events are in order
	held := caller.Permissions
	allowed := covers(held, []string{op.needs}) && covers(held, op.grants)
	for _, target := range op.targets {
		allowed = allowed && covers(held, w.model.all(target))
	}
	next := w.model.clone()
	op.apply(next, "new")
	events, want := w.events(), "ok"
	switch {
	case !allowed:
		want = identity.InsufficientPermission.String()
	case !next.administered():
		want = identity.Conflict.String()
	}
	var before map[string]string
	if want != "ok" {
		before = w.Tables()
	}
	id, err := op.run(caller)
	got := "ok"
	if err != nil {
		got = identity.KindOf(err).String()
	}
	if got != want {
		rt.Fatalf("%s by %v: %s (%v), want %s", op.event, caller, got, err, want)
	}
	if err != nil {
		if !maps.Equal(before, w.Tables()) {
			rt.Fatalf("%s by %v was refused and stored something", op.event, caller)
		}
		return
	}
	former := w.model.clone()
	op.apply(w.model, id)
	w.wantModel(rt)
	w.wantNobodyClimbed(rt, caller, former)
	w.wantEvent(rt, events, caller, op.event, id)
}

// wantNobodyClimbed does not ask the rules: whoever holds more than before got it from
// who has it, and whoever held more than the caller is as before.
func (w *world) wantNobodyClimbed(rt *rapid.T, caller identity.Caller, former model) {
	for id := range w.model.holders {
		was, is := former.all(id), w.model.all(id)
		more := slices.DeleteFunc(slices.Clone(is), func(p string) bool { return slices.Contains(was, p) })
		if !covers(caller.Permissions, more) {
			rt.Fatalf("%v made %s hold %v", caller, id, more)
		}
		if !covers(caller.Permissions, was) && (!slices.Equal(was, is) || former.holders[id].enabled != w.model.holders[id].enabled) {
			rt.Fatalf("%v changed %s, who held %v", caller, id, was)
		}
	}
	for id := range former.holders {
		if _, there := w.model.holders[id]; !there && !covers(caller.Permissions, former.all(id)) {
			rt.Fatalf("%v deleted %s, who held more", caller, id)
		}
	}
	if !w.model.administered() {
		rt.Fatal("nobody administers")
	}
}

// wantModel compares what is stored with the model.
func (w *world) wantModel(rt *rapid.T) {
	roles, err := w.admin.Roles(rt.Context(), root, "", 1000)
	w.check(err)
	users, err := w.admin.Users(rt.Context(), root, store.UserFilter{Limit: 1000})
	w.check(err)
	clients, err := w.admin.Clients(rt.Context(), root, "", 1000)
	w.check(err)
	byName := map[string]string{}
	got := model{map[string]holder{}, map[string][]string{}}
	for _, r := range roles {
		got.roles[r.ID], byName[r.Name] = r.Permissions, r.ID
	}
	hold := func(id string, user, enabled bool, permissions, names []string) {
		h := holder{user: user, enabled: enabled, permissions: permissions}
		for _, n := range names {
			h.roles = append(h.roles, byName[n])
		}
		got.holders[id] = h
	}
	for _, u := range users {
		hold(u.ID, true, u.Enabled, u.Permissions, u.Roles.Names)
	}
	for _, c := range clients {
		hold(c.ID, false, c.Enabled, c.Permissions, c.Roles.Names)
	}
	if diff := cmp.Diff(w.model.sorted(), got.sorted()); diff != "" {
		rt.Fatalf("stored is another state (-model +stored)\n%s", diff)
	}
}

// sorted is the model in a form that compares.
func (m model) sorted() map[string]string {
	text := func(list []string) string {
		set := slices.Clone(list)
		slices.Sort(set)
		return strings.Join(slices.Compact(set), " ")
	}
	all := map[string]string{}
	for id, h := range m.holders {
		all[id] = fmt.Sprintf("user %v, enabled %v, permissions %s, roles %s", h.user, h.enabled, text(h.permissions), text(h.roles))
	}
	for id, permissions := range m.roles {
		all[id] = text(permissions)
	}
	return all
}

func (w *world) events() int {
	events, err := w.Installation.DB.Events(w.rt.Context(), store.EventFilter{Limit: 10000})
	w.check(err)
	return len(events)
}

func (w *world) wantEvent(rt *rapid.T, before int, caller identity.Caller, name, target string) {
	events, err := w.Installation.DB.Events(rt.Context(), store.EventFilter{Limit: 10000})
	w.check(err)
	if len(events) != before+1 {
		rt.Fatalf("%s left %d events", name, len(events)-before)
	}
	e := events[0]
	if e.Name != name || e.Actor != caller.ID || e.Target != target || e.Outcome != identity.OutcomeSuccess || !e.At.Equal(w.Clock.Now()) {
		rt.Fatalf("%s of %s by %s was recorded as %+v", name, target, caller.ID, e)
	}
	for _, secret := range []string{canary, "$argon2", "ids_"} {
		if strings.Contains(string(e.Detail), secret) {
			rt.Fatalf("%s: a secret is in the audit: %s", name, e.Detail)
		}
	}
}
