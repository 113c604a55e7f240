package original

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
)

// Plan is what the move stores.
type Plan struct {
	Configuration identity.Configuration
	Users         []identity.User
	Clients       []identity.Client
	// KID is the key id of the signing key.
	KID string
	// Notes say what stays behind.
	Notes []string

	from Tables
	key  jose.PrivateKey
}

// Options say how to plan.
type Options struct {
	// Keys are those of ENCRYPTION_KEY, the original's among them.
	Keys []*seal.FernetKey
	// Rename gives users another name, by the name or the id that they have.
	Rename map[string]string
}

// planning gathers what stands in the way.
type planning struct {
	Plan
	Options
	problems []string
}

func (p *planning) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// Plan works out what to store. Its error is an InvalidRequest that lists everything that
// stands in the way.
func (t Tables) Plan(o Options) (Plan, error) {
	p := &planning{Plan: Plan{from: t}, Options: o}
	p.configuration()
	ids := map[string]string{}
	p.users(ids)
	p.clients(ids)
	if len(p.problems) > 0 {
		return Plan{}, identity.Errorf(identity.InvalidRequest, "Nothing was imported. In the way are:\n  %s", strings.Join(p.problems, "\n  "))
	}
	return p.Plan, nil
}

func (p *planning) configuration() {
	if n := len(p.from.configuration); n != 1 {
		p.problem("%s: it has %d rows, 1 is expected", p.from.Configuration, n)
		return
	}
	c := p.from.configuration[0]
	p.Configuration = identity.DefaultConfiguration(c.issuer)
	// A number that overflows a Duration must not come back within the bounds.
	p.Configuration.Expiration = time.Duration(min(max(c.expiration.Int64, -1), 1<<31)) * time.Second
	p.Configuration.MaxRefreshes = int(min(max(c.refreshes.Int64, -1), 1<<31))
	if !c.refreshes.Valid {
		p.Configuration.MaxRefreshes = -1
	}
	if err := p.Configuration.Check(); err != nil {
		p.problem("%s: %s", p.from.Configuration, reason(err))
	}
	text, err := seal.OpenOriginal([]byte(c.privateKey.Reveal()), p.Keys)
	if err != nil {
		if errors.Is(err, seal.ErrUnknownKey) {
			err = errors.New("no key of ENCRYPTION_KEY opens it; list the original's there")
		}
		p.problem("%s: private_key: %s", p.from.Configuration, err)
		return
	}
	defer clear(text)
	if p.key, err = jose.ParsePrivateKey(text); err != nil {
		p.problem("%s: private_key: %s", p.from.Configuration, err)
		return
	}
	p.KID = p.key.Public().KID()
	if c.publicKey != "" {
		if public, err := jose.ParsePublicKey([]byte(c.publicKey)); err != nil || !public.Equal(p.key.Public()) {
			p.problem("%s: public_key is not the public half of private_key", p.from.Configuration)
		}
	}
}

func (p *planning) users(ids map[string]string) {
	renamed, holders, root := map[string]bool{}, map[string]string{}, false
	for _, u := range p.from.users {
		who := fmt.Sprintf("user %s (%.64q)", u.id, u.username)
		name, its := u.username, "its name"
		for _, by := range []string{u.username, u.id} {
			if to, ok := p.Rename[by]; ok {
				name, its, renamed[by] = to, fmt.Sprintf("its new name %.64q", to), true
			}
		}
		canonical, err := identity.CanonicalUsername(name)
		if err != nil {
			p.problem("%s: %s %s", who, its, reason(err))
		} else if other, taken := holders[canonical]; taken {
			p.problem("%s: %s would be that of %s", who, its, other)
		} else {
			holders[canonical] = who
		}
		hash, _, err := authn.ImportedHash(identity.NewSecret(u.passwordHash))
		if err != nil {
			p.problem("%s: its password hash %s", who, reason(err))
		}
		p.take(ids, u.id, who)
		permissions := p.permissions(who, u.permissions)
		if u.root {
			root, permissions = true, identity.SortedSet(append(permissions, identity.PermissionAdmin))
		}
		p.Users = append(p.Users, identity.User{
			ID: u.id, Username: canonical, PasswordHash: hash, HashImported: true, Enabled: true, Permissions: permissions,
			Audiences: []string{identity.AnyAudience}, Version: 1,
		})
	}
	for _, from := range slices.Sorted(maps.Keys(p.Rename)) {
		if !renamed[from] {
			p.problem("the rename file has %.64q, which is no user's name or id", from)
		}
	}
	if !root {
		p.Notes = append(p.Notes, `no user is root: make an administrator with "identity bootstrap admin"`)
	}
}

func (p *planning) clients(ids map[string]string) {
	for _, c := range p.from.clients {
		who := "client " + c.id
		if c.secretHash == "" && c.publicKey == "" {
			p.Notes = append(p.Notes, who+" has neither a secret nor a key, so nobody could be it: it stays behind")
			continue
		}
		p.take(ids, c.id, who)
		made := identity.Client{
			ID: c.id, Name: c.id, Enabled: true, Permissions: p.permissions(who, c.permissions),
			Audiences: []string{identity.AnyAudience}, Version: 1,
		}
		if c.secretHash != "" {
			if _, err := argon2.Parse(c.secretHash); err != nil {
				p.problem("%s: its secret hash cannot be used: %s", who, err)
			}
			made.Require |= identity.ProofSecret
			made.Secrets = []identity.ClientSecret{{ID: identity.NewSecretID(), Hash: c.secretHash, Chosen: true}}
		}
		if c.publicKey != "" {
			key, err := jose.ParsePublicKey([]byte(c.publicKey))
			if err == nil && !key.Fits(jose.PS256) {
				err = errors.New("it is not an RSA key")
			}
			if err != nil {
				p.problem("%s: its public key: %s", who, err)
				continue
			}
			made.Require |= identity.ProofSignature
			made.StaticSignature = true
			made.Keys = []identity.ClientKey{{KID: key.KID(), JWK: key.JWK()}}
		}
		p.Clients = append(p.Clients, made)
	}
}

// take takes an id in the one namespace of users and clients.
func (p *planning) take(ids map[string]string, id, who string) {
	if other, taken := ids[id]; taken {
		p.problem("%s: it has the id of %s", who, other)
	}
	ids[id] = who
}

// permissions returns those that move. Permissions of this service, in any spelling, do
// not: nobody gets power by the move.
func (p *planning) permissions(who string, list []string) []string {
	kept := []string{}
	for _, permission := range list {
		if identity.OwnPermission(strings.ToLower(permission)) {
			p.Notes = append(p.Notes, fmt.Sprintf("%s: the permission %.128q would be one of this service: it stays behind", who, permission))
			continue
		}
		kept = append(kept, permission)
	}
	if err := identity.CheckPermissions(kept); err != nil {
		p.problem("%s: its permissions: %s", who, reason(err))
	}
	return identity.SortedSet(kept)
}

// reason is what an error says is wrong, without the words of a request.
func reason(err error) string {
	e, ok := errors.AsType[*identity.Error](err)
	if !ok || len(e.Fields) == 0 {
		return err.Error()
	}
	var parts []string
	for _, f := range e.Fields {
		text := f.Message
		if len(e.Fields) > 1 || strings.HasPrefix(f.Loc[len(f.Loc)-1], "jwt_") {
			text = f.Loc[len(f.Loc)-1] + " " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}
