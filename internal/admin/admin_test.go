package admin_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// canary stands where secrets are; it must not come out anywhere.
const canary = "canary-do-not-show-me"

// desk is where operations are asked for, on a real installation.
type desk struct {
	*identitytest.Service
	*testing.T
	admin *admin.Service
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	s := identitytest.New(t)
	return &desk{Service: s, T: t, admin: s.Installation.Admin}
}

// caller holds just these permissions.
func caller(permissions ...string) identity.Caller {
	return identity.Caller{ID: "system:somebody", Permissions: permissions, Local: true}
}

var root = identity.LocalAdministrator("test")

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// wantUnchanged runs what must not store anything.
func (d *desk) wantUnchanged(what string, fn func()) {
	d.Helper()
	before := d.Tables()
	fn()
	if !maps.Equal(before, d.Tables()) {
		d.Errorf("%s: something was stored", what)
	}
}

// wantKind expects an error of a kind that says nothing of a secret.
func (d *desk) wantKind(what string, err error, kind identity.Kind) {
	d.Helper()
	if err == nil || identity.KindOf(err) != kind {
		d.Errorf("%s: got error %v, want %s", what, err, kind)
		return
	}
	if strings.Contains(err.Error(), canary) {
		d.Errorf("%s: the error tells the secret", what)
	}
}

// wantFields expects an InvalidRequest that names exactly these members.
func (d *desk) wantFields(what string, err error, members ...string) {
	d.Helper()
	d.wantKind(what, err, identity.InvalidRequest)
	e, ok := errors.AsType[*identity.Error](err)
	if !ok {
		return
	}
	var named []string
	for _, f := range e.Fields {
		named = append(named, f.Loc[len(f.Loc)-1])
	}
	slices.Sort(named)
	slices.Sort(members)
	if !slices.Equal(named, members) {
		d.Errorf("%s: named %v, want %v", what, named, members)
	}
}

// together runs fn n times at once and returns how many had each outcome.
func together(n int, fn func(i int) error) map[string]int {
	var mu sync.Mutex
	var done sync.WaitGroup
	outcomes := map[string]int{}
	start := make(chan struct{})
	for i := range n {
		done.Go(func() {
			<-start
			outcome := "ok"
			if err := fn(i); err != nil {
				outcome = identity.KindOf(err).String()
			}
			mu.Lock()
			defer mu.Unlock()
			outcomes[outcome]++
		})
	}
	close(start)
	done.Wait()
	return outcomes
}

// text is a value as its JSON.
func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestNewNeedsAll(t *testing.T) {
	in := identitytest.New(t).Installation
	whole := admin.Config{DB: in.DB, Follower: in.Follower, Ring: in.Ring, Pool: in.Pool}
	for name, take := range map[string]func(*admin.Config){
		"database": func(c *admin.Config) { c.DB = nil },
		"follower": func(c *admin.Config) { c.Follower = nil },
		"ring":     func(c *admin.Config) { c.Ring = nil },
		"pool":     func(c *admin.Config) { c.Pool = nil },
	} {
		cfg := whole
		take(&cfg)
		if _, err := admin.New(cfg); err == nil {
			t.Errorf("made without its %s", name)
		}
	}
}

// Every operation, with what it needs.
func TestPermissions(t *testing.T) {
	d := newDesk(t)
	operations := map[string]struct {
		needs string
		run   func(c identity.Caller) error
	}{
		"read the configuration": {identity.PermissionConfigurationRead, func(c identity.Caller) error {
			_, err := d.admin.Configuration(t.Context(), c)
			return err
		}},
		"change the configuration": {identity.PermissionConfigurationWrite, func(c identity.Caller) error {
			n := 7
			_, err := d.admin.UpdateConfiguration(t.Context(), c, admin.ConfigurationUpdate{MaxRefreshes: &n}, nil)
			return err
		}},
		"list users": {identity.PermissionUsersRead, func(c identity.Caller) error {
			_, err := d.admin.Users(t.Context(), c, store.UserFilter{Limit: 10})
			return err
		}},
		"make a user": {identity.PermissionUsersWrite, func(c identity.Caller) error {
			_, err := d.admin.CreateUser(t.Context(), c, admin.NewUser{Username: "u", Password: identity.NewSecret("a long password")})
			return err
		}},
		"list clients": {identity.PermissionClientsRead, func(c identity.Caller) error {
			_, err := d.admin.Clients(t.Context(), c, "", 10)
			return err
		}},
		"make a client": {identity.PermissionClientsWrite, func(c identity.Caller) error {
			_, _, err := d.admin.CreateClient(t.Context(), c, admin.NewClient{ID: "c", Name: "c"})
			return err
		}},
	}
	all := []string{
		identity.PermissionConfigurationRead, identity.PermissionConfigurationWrite, identity.PermissionUsersRead,
		identity.PermissionUsersWrite, identity.PermissionClientsRead, identity.PermissionClientsWrite,
	}
	for name, op := range operations {
		others := slices.DeleteFunc(slices.Clone(all), func(p string) bool { return p == op.needs })
		// What only looks like the permission is none.
		others = append(others, strings.ToUpper(op.needs), op.needs+":", "identity:*", "*", "admin", "identity:users", "")
		d.wantUnchanged(name, func() {
			d.wantKind(name+" without any", op.run(caller()), identity.InsufficientPermission)
			d.wantKind(name+" with every other", op.run(caller(others...)), identity.InsufficientPermission)
		})
		if err := op.run(caller(op.needs)); err != nil {
			t.Errorf("%s with %s: %v", name, op.needs, err)
		}
	}
	for _, name := range []string{"read the configuration", "change the configuration", "list users", "list clients"} {
		if err := operations[name].run(caller(identity.PermissionAdmin)); err != nil {
			t.Errorf("%s as administrator: %v", name, err)
		}
	}
}

// Nobody can grant a permission of this service that they do not hold.
func TestNobodyGrantsWhatTheyLack(t *testing.T) {
	d := newDesk(t)
	user := func(c identity.Caller, name string, permissions ...string) error {
		_, err := d.admin.CreateUser(t.Context(), c, admin.NewUser{
			Username: name, Password: identity.NewSecret("a long password"), Permissions: permissions,
		})
		return err
	}
	client := func(c identity.Caller, name string, permissions ...string) error {
		_, _, err := d.admin.CreateClient(t.Context(), c, admin.NewClient{ID: name, Name: name, Permissions: permissions})
		return err
	}
	for what, grant := range map[string]struct {
		own string
		run func(c identity.Caller, name string, permissions ...string) error
	}{
		"user":   {identity.PermissionUsersWrite, user},
		"client": {identity.PermissionClientsWrite, client},
	} {
		helper := caller(grant.own)
		d.wantUnchanged(what, func() {
			for _, p := range []string{identity.PermissionAdmin, identity.PermissionConfigurationWrite, "identity:keys:write", "identity:unknown"} {
				d.wantKind(what+" with "+p, grant.run(helper, "escalated", p), identity.InsufficientPermission)
				d.wantKind(what+" with "+p+" among others", grant.run(helper, "escalated", "orders:read", grant.own, p), identity.InsufficientPermission)
			}
			d.wantFields(what+" with a permission nobody has", grant.run(root, "escalated", "identity:unknown"), "permissions")
			d.wantFields(what+" with one in another case", grant.run(root, "escalated", "Identity:Admin"), "permissions")
		})
		if err := grant.run(helper, what+"-a", grant.own, "orders:read", "identity.admin"); err != nil {
			t.Errorf("%s with what the caller holds and what is not ours: %v", what, err)
		}
		if err := grant.run(root, what+"-b", identity.PermissionAdmin, "identity:keys:write"); err != nil {
			t.Errorf("%s by an administrator: %v", what, err)
		}
	}
}
