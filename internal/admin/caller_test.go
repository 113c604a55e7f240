package admin_test

import (
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
)

// A request may wait for a slot to hash in. Who loses what they may meanwhile, or is
// disabled or deleted, changes nothing any more.
func TestCallersWhoLostItMeanwhile(t *testing.T) {
	d := newDesk(t)
	all := []string{
		identity.PermissionUsersWrite, identity.PermissionClientsWrite, identity.PermissionRolesWrite, identity.PermissionAudiencesWrite,
		identity.PermissionConfigurationWrite,
	}
	_, err := d.admin.CreateRole(t.Context(), root, "all", all)
	d.must(err)
	update := func(id string, p admin.UserPatch) {
		_, err := d.admin.UpdateUser(t.Context(), root, id, p, nil)
		d.must(err)
	}
	for _, tc := range []struct {
		name string
		lose func(id string)
		kind identity.Kind
	}{
		{"disabled", func(id string) { update(id, admin.UserPatch{Enabled: ptr(false)}) }, identity.InvalidToken},
		{"marked", func(id string) { update(id, admin.UserPatch{OneTime: ptr(true)}) }, identity.InvalidToken},
		{"deleted", func(id string) { d.must(d.admin.DeleteUser(t.Context(), root, id, nil)) }, identity.InvalidToken},
		{"demoted", func(id string) { update(id, admin.UserPatch{Roles: ptr([]string{})}) }, identity.InsufficientPermission},
		{"demoted in part", func(id string) { update(id, admin.UserPatch{Roles: ptr([]string{}), Permissions: ptr(all[1:])}) }, identity.InsufficientPermission},
	} {
		user, err := d.admin.CreateUser(t.Context(), root, admin.NewUser{Username: "u-" + tc.name[:3] + tc.name[len(tc.name)-1:], Password: identity.NewSecret(canary), Roles: []string{"all"}})
		d.must(err)
		c := identity.Caller{ID: user.ID, Permissions: all}
		_, err = d.admin.CreateRole(t.Context(), c, "r-"+user.Username, nil)
		d.must(err)
		tc.lose(user.ID)
		d.wantUnchanged(tc.name, func() {
			_, err := d.admin.CreateUser(t.Context(), c, admin.NewUser{Username: "new", Password: identity.NewSecret(canary), Permissions: all})
			d.wantKind(tc.name+" makes a user", err, tc.kind)
			_, _, err = d.admin.CreateClient(t.Context(), c, admin.NewClient{ID: "new", Name: "new", Permissions: all})
			d.wantKind(tc.name+" makes a client", err, tc.kind)
			_, err = d.admin.CreateRole(t.Context(), c, "new", all)
			d.wantKind(tc.name+" makes a role", err, tc.kind)
			_, err = d.admin.CreateAudience(t.Context(), c, admin.NewAudience{Audience: "new", Name: "new"})
			d.wantKind(tc.name+" makes an audience", err, tc.kind)
			_, err = d.admin.UpdateConfiguration(t.Context(), c, admin.ConfigurationUpdate{MaxRefreshes: ptr(7)}, nil)
			d.wantKind(tc.name+" changes the configuration", err, tc.kind)
		})
	}
}
