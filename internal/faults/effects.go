package faults

import (
	"strings"
	"time"
)

// Names of operations that the rules understand. Others may be in a ledger; the rules
// pass over them.
const (
	OpLogin        = "login"         // POST /auth/login; key: username
	OpToken        = "token"         // POST /auth/token; key: client id
	OpUserCreate   = "user.create"   // key: username
	OpUserPatch    = "user.patch"    // key: username
	OpUserDelete   = "user.delete"   // key: username
	OpUserPassword = "user.password" // POST /auth/password; key: username
	OpClientCreate = "client.create" // key: client id
	OpClientPatch  = "client.patch"  // key: client id
	OpClientDelete = "client.delete" // key: client id
	OpSecretAdd    = "secret.add"    // key: client id
	OpSecretDelete = "secret.delete" // key: client id
	OpKeyAdd       = "key.add"       // key: client id
	OpKeyDelete    = "key.delete"    // key: client id

	OpRefresh        = "refresh"          // POST /auth/refresh; key: session id
	OpLogout         = "logout"           // POST /auth/logout; key: session id
	OpSessionEnd     = "session.end"      // key: session id
	OpUserSessionEnd = "user.session.end" // all of a user; key: username
	OpAllSessionsEnd = "session.end.all"  // key: "*"
)

// Members of Detail that the rules look at.
const (
	DetailEnabled    = "enabled"    // "true" or "false": what a create or patch sets
	DetailCredential = "credential" // Ledger.Credential of the password or secret that was set or shown
	DetailPrevious   = "previous"   // Ledger.Credential of the password that OpUserPassword proves
	DetailSecret     = "secret"     // id of the secret that was added or deleted
	DetailLabel      = "label"      // label of that secret
	DetailKID        = "kid"        // of the key that was registered, removed or used to sign
	DetailJTI        = "jti"        // of the assertion that was shown
	DetailSession    = "session"    // id of the session that OpLogin began
	DetailLeft       = "left"       // how often a session could be refreshed, after OpLogin and OpRefresh
	DetailUsed       = "used"       // Ledger.Credential of the refresh token that was used
	DetailSuccessor  = "successor"  // Ledger.Credential of the one that came back
)

// register is one thing that has one value at a time: whether alice exists, say.
type register struct{ kind, key, part string }

// The kinds of principals, and the parts that every one of them has.
const (
	user, client = "user", "client"
	exists       = "exists"
	enabled      = "enabled"
	password     = "password"
	yes, no      = "true", "false"
)

func (r register) String() string { return r.kind + " " + r.key + " " + r.part }

// binary reports whether the register begins as "false": it says that something exists.
func (r register) binary() bool { return r.part != enabled && r.part != password }

// credential reports whether the register is about a proof and not the principal.
func (r register) credential() bool { return r.part != enabled && r.part != exists }

// effect is a value that an operation writes to a register, or needs there to succeed.
type effect struct {
	register
	value string
}

// effects are the values that an operation writes, if it happens.
func (o Operation) effects() []effect {
	b := builder{Operation: o}
	switch o.Op {
	case OpUserCreate:
		b.add(user, exists, yes)
		b.add(user, enabled, o.detailOr(DetailEnabled, yes))
		b.addFrom(user, password, DetailCredential)
	case OpClientCreate:
		b.add(client, exists, yes)
		b.add(client, enabled, o.detailOr(DetailEnabled, yes))
		b.addPart("secret", DetailSecret, yes)
		b.addPart("key", DetailKID, yes)
	case OpUserPatch, OpUserPassword:
		b.addFrom(user, enabled, DetailEnabled)
		b.addFrom(user, password, DetailCredential)
	case OpClientPatch:
		b.addFrom(client, enabled, DetailEnabled)
	case OpUserDelete:
		b.add(user, exists, no)
	case OpClientDelete:
		b.add(client, exists, no)
	case OpSecretAdd, OpSecretDelete:
		value := no
		if o.Op == OpSecretAdd {
			value = yes
		}
		b.addPart("secret", DetailSecret, value)
		b.addPart("label", DetailLabel, value)
	case OpKeyAdd:
		b.addPart("key", DetailKID, yes)
	case OpKeyDelete:
		b.addPart("key", DetailKID, no)
	}
	return b.found
}

// needs are the values without which an operation must not succeed.
func (o Operation) needs() []effect {
	b := builder{Operation: o}
	switch o.Op {
	case OpLogin:
		b.add(user, exists, yes)
		b.add(user, enabled, yes)
		b.addFrom(user, password, DetailCredential)
	case OpUserPassword:
		b.add(user, exists, yes)
		b.add(user, enabled, yes)
		b.addFrom(user, password, DetailPrevious)
	case OpToken:
		b.add(client, exists, yes)
		b.add(client, enabled, yes)
		if id := o.Detail[DetailCredential]; id != "" && !strings.HasPrefix(id, "hmac-") {
			b.add(client, "secret "+id, yes)
		}
		b.addPart("key", DetailKID, yes)
	}
	return b.found
}

// builder collects the effects of an operation, all on the principal that is its key.
type builder struct {
	Operation
	found []effect
}

func (b *builder) add(kind, part, value string) {
	b.found = append(b.found, effect{register{kind, b.Key, part}, value})
}

// addFrom adds a value that a member of the detail tells, if it does.
func (b *builder) addFrom(kind, part, member string) {
	if value := b.Detail[member]; value != "" {
		b.add(kind, part, value)
	}
}

// addPart adds a value for the part of a client that a member of the detail names, if it
// does.
func (b *builder) addPart(what, member, value string) {
	if name := b.Detail[member]; name != "" {
		b.add(client, what+" "+name, value)
	}
}

func (o Operation) detailOr(member, fallback string) string {
	if value := o.Detail[member]; value != "" {
		return value
	}
	return fallback
}

// State is what the service says at the end, when nothing is wrong with it any more.
type State struct {
	// Users by username.
	Users map[string]UserState
	// Clients by client id.
	Clients map[string]ClientState
	// Sessions are those that go on, and how often each can be refreshed still, by id; nil
	// where nobody asked.
	Sessions map[string]int
	// Grace is refresh_grace.
	Grace time.Duration
}

// UserState is a user at the end.
type UserState struct {
	Enabled bool
	// Credential is what Ledger.Credential gives for the password that works; "none" where
	// none of those that were tried does, and empty where nobody tried.
	Credential string
}

// ClientState is a client at the end: its secrets by id and by label, its keys by kid.
type ClientState struct {
	Enabled               bool
	Secrets, Labels, Keys map[string]bool
}

// value is what a register holds, and reports whether the state tells.
func (s State) value(r register) (string, bool) {
	u, isUser := s.Users[r.key]
	c, isClient := s.Clients[r.key]
	there := r.kind == user && isUser || r.kind == client && isClient
	if r.part == exists {
		return word(there), true
	}
	if !there {
		return "", false
	}
	switch what, name, _ := strings.Cut(r.part, " "); what {
	case enabled:
		return word(isUser && r.kind == user && u.Enabled || r.kind == client && c.Enabled), true
	case password:
		return u.Credential, u.Credential != ""
	case "secret":
		return word(c.Secrets[name]), true
	case "label":
		return word(c.Labels[name]), true
	case "key":
		return word(c.Keys[name]), true
	}
	return "", false
}

func word(b bool) string {
	if b {
		return yes
	}
	return no
}
