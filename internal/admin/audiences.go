package admin

import (
	"context"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// NewAudience is what the register is to say of an audience. Permissions nil,
// Expiration zero and Algorithm empty say nothing.
type NewAudience struct {
	Audience    string
	Name        string
	Permissions []string
	Expiration  time.Duration
	Algorithm   string
	// IntrospectionClient, unless empty, may introspect tokens for it.
	IntrospectionClient string
}

// AudiencePatch is what to change of it; nil stays as it is. The audience itself
// stays.
type AudiencePatch struct {
	Name        *string
	Permissions **[]string // a nil list says nothing of permissions
	Expiration  *time.Duration
	Algorithm   *string

	IntrospectionClient *string // empty: nobody
}

// CreateAudience registers an audience. It needs identity:audiences:write, and
// identity:admin for this service's own. Conflict when it is registered, or when its
// tokens could no longer administer this service.
func (s *Service) CreateAudience(ctx context.Context, caller identity.Caller, n NewAudience) (identity.AudiencePolicy, error) {
	if err := caller.Require(identity.PermissionAudiencesWrite); err != nil {
		return identity.AudiencePolicy{}, err
	}
	now := s.db.Now()
	a := identity.AudiencePolicy{
		ID: identity.NewID(now), Audience: n.Audience, Name: n.Name, Permissions: sortedOrNil(n.Permissions),
		Expiration: n.Expiration, Algorithm: n.Algorithm,
		IntrospectionClient: n.IntrospectionClient, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	if err := checkAudience(a); err != nil {
		return identity.AudiencePolicy{}, err
	}
	spare, err := s.spareFor(ctx, caller, a.Algorithm)
	if err != nil {
		return identity.AudiencePolicy{}, err
	}
	return a, s.change(ctx, caller, func(tx *store.DB) error {
		if err := guardOwnAudience(ctx, tx, caller, a); err != nil {
			return err
		}
		if err := checkIntrospection(ctx, tx, a.IntrospectionClient); err != nil {
			return err
		}
		makes(ctx, a.ID)
		if err := tx.CreateAudience(ctx, a); err != nil {
			return err
		}
		if err := s.signFor(ctx, tx, caller, a.Algorithm, spare); err != nil {
			return err
		}
		return audit.Record(ctx, tx, caller, audit.Change{Name: "audience.created", Target: a.ID, After: audienceState(a)})
	})
}

// guardOwnAudience refuses to let anybody but an administrator say anything of tokens
// for this service itself, and to take administration out of them: what they carry is
// who administers.
func guardOwnAudience(ctx context.Context, tx *store.DB, caller identity.Caller, a identity.AudiencePolicy) error {
	cfg, err := tx.Configuration(ctx)
	if err != nil || a.Audience != cfg.Issuer {
		return err
	}
	if err := caller.Require(identity.PermissionAdmin); err != nil {
		return err
	}
	return carriesAdministration(a)
}

func carriesAdministration(a identity.AudiencePolicy) error {
	if a.Permissions != nil && !administers(a.Permissions) {
		return identity.Errorf(identity.Conflict, "Tokens for this service itself could not carry %s: nobody could administer it.", identity.PermissionAdmin)
	}
	return nil
}

// AudiencePolicy returns what is registered of an audience. It needs
// identity:audiences:read.
func (s *Service) AudiencePolicy(ctx context.Context, caller identity.Caller, id string) (identity.AudiencePolicy, error) {
	if err := caller.Require(identity.PermissionAudiencesRead); err != nil {
		return identity.AudiencePolicy{}, err
	}
	return s.db.AudiencePolicy(ctx, id)
}

// Audiences returns up to limit registered audiences after the given one. It needs
// identity:audiences:read.
func (s *Service) Audiences(ctx context.Context, caller identity.Caller, after string, limit int) ([]identity.AudiencePolicy, error) {
	if err := caller.Require(identity.PermissionAudiencesRead); err != nil {
		return nil, err
	}
	return s.db.Audiences(ctx, after, limit)
}

// UpdateAudience changes what is registered of an audience. It needs what
// CreateAudience needs.
func (s *Service) UpdateAudience(ctx context.Context, caller identity.Caller, id string, p AudiencePatch, match func(identity.AudiencePolicy) error) (identity.AudiencePolicy, error) {
	var updated identity.AudiencePolicy
	spare, err := s.spareFor(ctx, caller, deref(p.Algorithm))
	if err != nil {
		return updated, err
	}
	change := s.alterAudience(ctx, caller, id, match)
	change.decide = func(tx *store.DB, found identity.AudiencePolicy) (identity.AudiencePolicy, error) {
		next := p.over(found)
		if err := checkAudience(next); err != nil {
			return next, err
		}
		if next.IntrospectionClient != found.IntrospectionClient {
			if err := checkIntrospection(ctx, tx, next.IntrospectionClient); err != nil {
				return next, err
			}
		}
		return next, guardOwnAudience(ctx, tx, caller, next)
	}
	change.write = func(tx *store.DB, found, next identity.AudiencePolicy) (audit.Change, error) {
		if err := tx.UpdateAudience(ctx, next); err != nil {
			return audit.Change{}, err
		}
		if next.Algorithm != found.Algorithm {
			if err := s.signFor(ctx, tx, caller, next.Algorithm, spare); err != nil {
				return audit.Change{}, err
			}
		}
		var err error
		updated, err = tx.AudiencePolicy(ctx, id)
		return audit.Change{Name: "audience.updated", Target: id, Before: audienceState(found), After: audienceState(next)}, err
	}
	err = alter(ctx, s, caller, change)
	return updated, err
}

func (p AudiencePatch) over(a identity.AudiencePolicy) identity.AudiencePolicy {
	set(&a.Name, p.Name)
	set(&a.Expiration, p.Expiration)
	set(&a.Algorithm, p.Algorithm)
	set(&a.IntrospectionClient, p.IntrospectionClient)
	if p.Permissions != nil {
		a.Permissions = nil
		if list := *p.Permissions; list != nil {
			a.Permissions = identity.SortedSet(*list)
		}
	}
	return a
}

// DeleteAudience takes an audience out of the register. It needs what CreateAudience
// needs.
func (s *Service) DeleteAudience(ctx context.Context, caller identity.Caller, id string, match func(identity.AudiencePolicy) error) error {
	change := s.alterAudience(ctx, caller, id, match)
	change.write = func(tx *store.DB, found, _ identity.AudiencePolicy) (audit.Change, error) {
		return audit.Change{Name: "audience.deleted", Target: id, Before: audienceState(found)}, tx.DeleteAudience(ctx, id)
	}
	return alter(ctx, s, caller, change)
}

func (s *Service) alterAudience(ctx context.Context, caller identity.Caller, id string, match func(identity.AudiencePolicy) error) alteration[identity.AudiencePolicy] {
	return alteration[identity.AudiencePolicy]{
		permission: identity.PermissionAudiencesWrite, match: match,
		find: func(tx *store.DB) (identity.AudiencePolicy, error) { return tx.AudiencePolicy(ctx, id) },
		may: func(tx *store.DB, found identity.AudiencePolicy) error {
			return guardOwnAudience(ctx, tx, caller, identity.AudiencePolicy{Audience: found.Audience})
		},
	}
}

func checkAudience(a identity.AudiencePolicy) error {
	return collect(identity.CheckAudience(a.Audience), identity.CheckName(a.Name), identity.CheckPermissions(a.Permissions),
		identity.CheckTokenExpiration(a.Expiration), checkAlgorithm("algorithm", a.Algorithm))
}

// checkIntrospection refuses to name a client that does not exist. One that is deleted later
// proves nothing any more, and its id is never given to another.
func checkIntrospection(ctx context.Context, tx *store.DB, client string) error {
	if client == "" {
		return nil
	}
	_, err := tx.Client(ctx, client)
	if identity.KindOf(err) == identity.NotFound {
		return identity.InvalidField("introspection_client", "must be the client_id of a client that exists")
	}
	return err
}

func sortedOrNil(list []string) []string {
	if list == nil {
		return nil
	}
	return identity.SortedSet(list)
}

type audienceView struct {
	Audience        string   `json:"audience"`
	Name            string   `json:"name"`
	Permissions     []string `json:"permissions"`
	TokenExpiration int64    `json:"token_expiration"`
	Algorithm       string   `json:"algorithm"`

	IntrospectionClient string `json:"introspection_client"`
}

func audienceState(a identity.AudiencePolicy) audienceView {
	return audienceView{a.Audience, a.Name, a.Permissions, int64(a.Expiration.Seconds()), a.Algorithm, a.IntrospectionClient}
}
