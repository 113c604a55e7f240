package admin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

const (
	// maxChanges is how many things one declaration may change: all of it is one
	// transaction, for which everybody else who changes something waits.
	maxChanges = 1000
	// maxFaults is how many mistakes are told at once.
	maxFaults = 50
	// maxExported is how many things a declaration is written of.
	maxExported = 10_000
)

// ApplyOptions say how a declaration is applied.
type ApplyOptions struct {
	// DryRun only says what would be done.
	DryRun bool
	// Prune deletes what is not in the sections that the declaration has.
	Prune bool
}

// errUndone has a transaction undone that did what it should.
var errUndone = errors.New("undone")

// Apply makes the installation what the declaration says, all of it in one transaction or
// nothing, by the operations that make each single change: their rules and their events
// are the same. A dry run does the same and undoes it. It needs identity:admin. Errors:
// InvalidRequest that names each member at fault, Conflict for what an operation refuses
// or for more than 1000 changes.
func (s *Service) Apply(ctx context.Context, caller identity.Caller, d api.Declaration, o ApplyOptions) (api.Plan, error) {
	if err := caller.Require(identity.PermissionAdmin); err != nil {
		return api.Plan{}, err
	}
	if err := checkDeclaration(d); err != nil {
		return api.Plan{}, err
	}
	a := &application{ctx: ctx, caller: caller, declaration: d, prune: o.Prune}
	var err error
	if d.Users != nil && len(*d.Users) > 0 { // one that nobody knows, for those who are new
		if a.nobodys, err = s.hash(ctx, argon2.Administration, identity.NewSecret(rand.Text())); err != nil {
			return api.Plan{}, err
		}
	}
	err = s.change(ctx, caller, func(tx *store.DB) error {
		a.Service, a.tx = s.within(tx), tx
		a.plan, a.faults = api.Plan{Changes: api.List[api.PlannedChange]{}, MustMake: api.List[api.MustMake]{}}, nil
		if err := a.run(); err != nil {
			return err
		}
		if a.plan.Applied = !o.DryRun && len(a.plan.Changes) > 0; !a.plan.Applied {
			return errUndone
		}
		return nil
	})
	if errors.Is(err, errUndone) {
		err = nil
	}
	return a.plan, err
}

// within is the Service inside a transaction: what it changes is part of that.
func (s *Service) within(tx *store.DB) *Service {
	inner := *s
	inner.db, inner.nested = tx, true
	return &inner
}

// application is one declaration that is being applied.
type application struct {
	*Service
	ctx         context.Context
	caller      identity.Caller
	tx          *store.DB
	declaration api.Declaration
	prune       bool
	nobodys     string // the hash of a password that nobody knows
	plan        api.Plan
	faults      []identity.FieldError
}

// run makes the changes in an order in which what others refer to comes first, and goes
// last.
func (a *application) run() error {
	steps := []func() error{a.configured, a.roles, a.clients, a.audiences, a.users}
	if a.prune {
		steps = append(steps, a.pruneUsers, a.pruneClients, a.pruneAudiences, a.pruneRoles)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
		if len(a.faults) > 0 {
			return &identity.Error{Kind: identity.InvalidRequest, Message: "The declaration has invalid members.", Fields: a.faults}
		}
	}
	return nil
}

// changed adds a change to the plan.
func (a *application) changed(action, kind, name string, before, after map[string]json.RawMessage) error {
	a.plan.Changes = append(a.plan.Changes, api.PlannedChange{Action: action, Kind: kind, Name: name, Before: orEmpty(before), After: orEmpty(after)})
	if len(a.plan.Changes) > maxChanges {
		return identity.Errorf(identity.Conflict, "The declaration changes more than %d things at once; apply it in parts.", maxChanges)
	}
	return nil
}

func orEmpty(members map[string]json.RawMessage) map[string]json.RawMessage {
	if members == nil {
		return map[string]json.RawMessage{}
	}
	return members
}

// fault says of an error in which entry it is. What is wrong with several entries is told
// together.
func (a *application) fault(err error, name string, at ...string) error {
	e, ok := errors.AsType[*identity.Error](err)
	if !ok {
		return err
	}
	if e.Kind == identity.InvalidRequest && len(e.Fields) > 0 {
		for _, f := range e.Fields {
			f.Loc = slices.Concat([]string{"body"}, at, f.Loc[min(1, len(f.Loc)):])
			if len(a.faults) < maxFaults {
				a.faults = append(a.faults, f)
			}
		}
		return nil
	}
	located := *e
	located.Message = at[0] + " " + identity.Shown(name) + ": " + e.Message
	return &located
}

// declared is one section: what is wanted, and how it is made so.
type declared[T any] struct {
	kind, section string
	wanted        *[]T
	name          func(T) string
	// settle returns the entry as it is written when it is exported.
	settle func(T) (T, error)
	// find returns what there is of this name, as it is exported; NotFound if there is
	// nothing.
	find func(name string) (T, error)
	// strip, if not nil, leaves what is compared.
	strip  func(T) T
	create func(T) error
	// update makes it what is wanted; changed has the members that differ.
	update func(wanted T, changed map[string]json.RawMessage) error
	// after, if not nil, looks at each entry once it is what is wanted.
	after func(T, bool) error
}

// apply makes each entry so.
func apply[T any](a *application, d declared[T]) error {
	if d.wanted == nil {
		return nil
	}
	for i, entry := range *d.wanted {
		if err := one(a, d, entry); err != nil {
			if err := a.fault(err, d.name(entry), d.section, strconv.Itoa(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func one[T any](a *application, d declared[T], entry T) error {
	wanted, err := d.settle(entry)
	if err != nil {
		return err
	}
	name := d.name(wanted)
	found, err := d.find(name)
	created := identity.KindOf(err) == identity.NotFound
	switch {
	case created:
		if err := d.create(wanted); err != nil {
			return err
		}
		if err := a.changed("create", d.kind, name, nil, membersOf(wanted)); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		was, is := found, wanted
		if d.strip != nil {
			was, is = d.strip(found), d.strip(wanted)
		}
		before, after := differing(membersOf(was), membersOf(is))
		if len(before) == 0 {
			break
		}
		if err := d.update(wanted, after); err != nil {
			return err
		}
		if err := a.changed("update", d.kind, name, before, after); err != nil {
			return err
		}
	}
	if d.after == nil {
		return nil
	}
	return d.after(wanted, created)
}

// membersOf renders a value as the members of a JSON object.
func membersOf(v any) map[string]json.RawMessage {
	members := map[string]json.RawMessage{}
	if text, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(text, &members) // what was just written
	}
	return members
}

// differing returns the members that differ, null where one side has none.
func differing(before, after map[string]json.RawMessage) (b, a map[string]json.RawMessage) {
	b, a = map[string]json.RawMessage{}, map[string]json.RawMessage{}
	null := json.RawMessage("null")
	for _, side := range []map[string]json.RawMessage{before, after} {
		for name := range side {
			was, is := before[name], after[name]
			if was == nil {
				was = null
			}
			if is == nil {
				is = null
			}
			if !reflect.DeepEqual(was, is) {
				b[name], a[name] = was, is
			}
		}
	}
	return b, a
}

// checkDeclaration refuses what can be seen without the database: another version, and two
// entries of one name.
func checkDeclaration(d api.Declaration) error {
	var faults []identity.FieldError
	bad := func(message string, loc ...string) {
		if len(faults) < maxFaults {
			faults = append(faults, identity.FieldError{Loc: append([]string{"body"}, loc...), Message: message, Type: identity.FieldInvalidValue})
		}
	}
	if d.Version != 1 {
		bad("must be 1", "version")
	}
	twice(d.Roles, "roles", "name", func(r api.DeclaredRole) string { return r.Name }, bad)
	twice(d.Audiences, "audiences", "audience", func(a api.DeclaredAudience) string { return a.Audience }, bad)
	twice(d.Clients, "clients", "client_id", func(c api.DeclaredClient) string { return c.ClientID }, bad)
	twice(d.Users, "users", "username", func(u api.DeclaredUser) string {
		if name, err := identity.CanonicalUsername(u.Username); err == nil {
			return name
		}
		return u.Username
	}, bad)
	if len(faults) == 0 {
		return nil
	}
	return &identity.Error{Kind: identity.InvalidRequest, Message: "The declaration has invalid members.", Fields: faults}
}

func twice[T any](list *[]T, section, member string, name func(T) string, bad func(message string, loc ...string)) {
	if list == nil {
		return
	}
	seen := map[string]bool{}
	for i, entry := range *list {
		if n := name(entry); seen[n] {
			bad("is declared twice", section, strconv.Itoa(i), member)
		} else {
			seen[n] = true
		}
	}
}

// pages calls each for all of a list that comes in pages.
func pages[T any](read func(after string, limit int) ([]T, error), key func(T) string, each func(T) error) error {
	const limit = 200
	for after := ""; ; {
		page, err := read(after, limit)
		if err != nil {
			return err
		}
		for _, item := range page {
			if err := each(item); err != nil {
				return err
			}
		}
		if len(page) < limit {
			return nil
		}
		after = key(page[len(page)-1])
	}
}
