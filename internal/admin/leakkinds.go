package admin

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/token"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// search is the search for what something is.
type search struct {
	*Service
	ctx    context.Context
	caller identity.Caller
	found  Found
	revoke bool
}

// recognise finds out what it is. What was asked for by name comes first: everything else
// has a form of its own.
func (s *Service) recognise(ctx context.Context, caller identity.Caller, f Found, revoke bool) (*leaked, error) {
	look := &search{s, ctx, caller, f, revoke}
	hint := "It has the form of nothing that this service makes. A password, or a secret that a client has chosen, is only found with the name of its owner."
	for _, read := range readings(f.Secret.Reveal()) {
		for _, kind := range []func(identity.Secret) (*leaked, error){
			look.password, look.chosenSecret, look.clientSecret, look.refreshToken, look.accessToken, look.key, look.encryptionKey,
		} {
			l, err := kind(identity.NewSecret(read))
			if err != nil {
				return nil, err
			}
			if l == nil {
				continue
			}
			if l.Kind != LeakUnknown {
				return l, nil
			}
			hint = l.Says
		}
	}
	return unknown(hint), nil
}

func unknown(says string) *leaked { return &leaked{Leak: Leak{Kind: LeakUnknown, Says: says}} }

// assignment is what stands before a value in files of settings and in headers.
var assignment = regexp.MustCompile(`(?i)^(?:(?:export\s+)?[a-z_][a-z0-9_.-]*\s*[=:]\s*)?(?:bearer\s+)?`)

// readings are what the text may be: as it stands, without what stands around values in
// files, and without what is before them.
func readings(text string) []string {
	list := []string{text}
	add := func(text string) {
		if text != "" && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	bare := func(text string) string { return strings.Trim(text, " \t\r\n\"'`,;") }
	add(strings.TrimRight(text, "\r\n"))
	add(bare(text))
	value := bare(assignment.ReplaceAllString(bare(text), ""))
	add(value)
	add(strings.NewReplacer(`\r\n`, "\n", `\n`, "\n").Replace(value)) // of a file, written in one line
	return list
}

// password knows the password of the user who was named.
func (s *search) password(secret identity.Secret) (*leaked, error) {
	if s.found.Username == "" {
		return nil, nil //nolint:nilnil // it is not that
	}
	name, err := identity.CanonicalUsername(s.found.Username)
	if err != nil {
		return nil, err
	}
	user, err := s.db.UserByName(s.ctx, name)
	if err != nil {
		return nil, err
	}
	if user.HashImported {
		return unknown("The password of " + user.Username + " came as a hash from another system, and is not compared here before its first use. Set another one."), nil
	}
	same, err := s.verify(user.PasswordHash, identity.NormalPassword(secret))
	if err != nil || !same {
		return unknownIf(err, "It is not the password of "+user.Username+".")
	}
	l := &leaked{Leak: Leak{
		Kind: LeakedPassword, Good: user.Enabled, ID: user.ID, Owners: []LeakOwner{{true, user.ID, user.Username}}, Says: "It is the password of " + user.Username + ".",
		LastUsedAt: user.LastLoginAt,
		Ends:       []string{"the password: nobody has one for " + user.Username + " until another is set", "every session of " + user.Username + ", and their tokens here"},
		Remains:    []string{"another one is set by: identity user update --generate-password " + identity.Argument(user.Username), s.elsewhere()},
	}}
	l.uses = []store.UseFilter{{Actor: user.ID, All: true}}
	l.end, err = s.endPassword(user)
	return l, err
}

// chosenSecret knows a secret that the client which was named has chosen.
func (s *search) chosenSecret(secret identity.Secret) (*leaked, error) {
	if s.found.ClientID == "" {
		return nil, nil //nolint:nilnil // it is not that
	}
	client, err := s.db.Client(s.ctx, s.found.ClientID)
	if err != nil {
		return nil, err
	}
	for _, registered := range client.Secrets {
		if !registered.Chosen {
			continue
		}
		same, err := s.verify(registered.Hash, secret)
		if err != nil {
			return nil, err
		}
		if same {
			return s.secretOf(client, registered), nil
		}
	}
	return unknown("It is no secret that the client " + client.ID + " has chosen."), nil
}

// clientSecret knows a secret that was generated, which names its id.
func (s *search) clientSecret(secret identity.Secret) (*leaked, error) {
	if !strings.HasPrefix(secret.Reveal(), identity.SecretPrefix) {
		return nil, nil //nolint:nilnil // it is not that
	}
	id, whole := identity.ClientSecretID(secret)
	if !whole {
		return unknown("It begins like a client secret, and is cut off or mistyped: its check characters do not fit."), nil
	}
	client, err := s.db.ClientBySecret(s.ctx, id)
	if identity.KindOf(err) == identity.NotFound {
		return unknown("It has the form of a client secret, and there is none with its id: it was deleted, or is another installation's."), nil
	}
	if err != nil {
		return nil, err
	}
	registered := client.Secrets[slices.IndexFunc(client.Secrets, func(r identity.ClientSecret) bool { return r.ID == id })]
	same, err := s.verify(registered.Hash, secret)
	if err != nil || !same {
		return unknownIf(err, "It has the id of a secret of the client "+client.ID+", and is not it: somebody has made it up.")
	}
	return s.secretOf(client, registered), nil
}

func (s *search) secretOf(client identity.Client, registered identity.ClientSecret) *leaked {
	l := &leaked{Leak: Leak{
		Kind: LeakedClientSecret, ID: registered.ID, Owners: []LeakOwner{{false, client.ID, client.Name}}, Says: "It is a secret of the client " + client.ID + ".",
		Good: client.Enabled && registered.Live(s.db.Now()), CreatedAt: registered.CreatedAt, ExpiresAt: registered.ExpiresAt, LastUsedAt: registered.LastUsedAt,
		Ends: []string{"the secret", "every token of " + client.ID + " here"},
	}}
	if client.Require != identity.ProofSecret && client.Require.Has(identity.ProofSecret) {
		l.Says += " Alone it opens nothing: the client has to sign, too."
	}
	if !client.Require.Has(identity.ProofSecret) {
		l.Says += " It opens nothing: the client proves itself by a signature."
		l.Good = false
	}
	others := slices.ContainsFunc(client.Secrets, func(c identity.ClientSecret) bool { return c.ID != registered.ID && c.Live(s.db.Now()) })
	if !others && client.Require.Has(identity.ProofSecret) {
		l.Remains = append(l.Remains, "it has none then; another one is made by: identity client secret create "+identity.Argument(client.ID))
	}
	l.Remains = append(l.Remains, s.elsewhere())
	l.uses = []store.UseFilter{{Actor: client.ID, Credential: registered.ID}}
	l.end = s.endSecret(client.ID, registered.ID)
	return l
}

// refreshToken knows a refresh token, whichever of its session's.
func (s *search) refreshToken(secret identity.Secret) (*leaked, error) {
	if !strings.HasPrefix(secret.Reveal(), token.RefreshPrefix) {
		return nil, nil //nolint:nilnil // it is not that
	}
	cfg, err := s.db.Configuration(s.ctx)
	if err != nil {
		return nil, err
	}
	key, err := s.ring.RefreshKey(s.ctx)
	if err != nil {
		return nil, err
	}
	id, reason := token.SessionOf(key, secret, cfg.Epoch)
	if reason != nil {
		return unknown("It begins like a refresh token, and is none that is worth anything: " + reason.Text + "."), nil //nolint:nilerr // the reason is what is told
	}
	l := &leaked{Leak: Leak{Kind: LeakedRefreshToken, Says: "It is a refresh token."}}
	return l, s.sessionOf(l, id)
}

// accessToken knows what this service has signed.
func (s *search) accessToken(secret identity.Secret) (*leaked, error) {
	if strings.Count(secret.Reveal(), ".") != 2 {
		return nil, nil //nolint:nilnil // it is not that
	}
	claims, err := token.Read(s.ctx, s.ring, secret.Reveal())
	if err != nil {
		reason := identity.ReasonOf(err)
		if reason == nil {
			return nil, err
		}
		return unknown("It looks like a token, and is none that is worth anything here: " + reason.Text + "."), nil
	}
	l := &leaked{Leak: Leak{
		Kind: LeakedAccessToken, ID: claims.ID, Says: "It is an access token for " + identity.Shown(claims.Audience.String()) + ".",
		CreatedAt: time.Unix(claims.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(claims.Expires, 0).UTC(),
	}}
	if l.Good, err = s.counts(l, claims); err != nil {
		return nil, err
	}
	switch {
	case claims.SessionID != "":
		err = s.tokenOfSession(l, claims)
	case claims.GrantType == token.GrantUser:
		err = s.tokenOfUser(l, claims)
	default:
		err = s.tokenOfClient(l, claims)
	}
	if err == nil && s.db.Now().Before(l.ExpiresAt) {
		l.Ends = append([]string{"the token, here and on the revocation list"}, l.Ends...)
		l.Remains = append([]string{"services that keep the revocation list refuse it within seconds, others at " + l.ExpiresAt.Format(time.RFC3339)}, l.Remains...)
		l.end = s.endToken(claims, l.end)
	}
	return l, err
}

// counts reports whether a token has neither expired nor been revoked, and adds to what is
// said of it if it was.
func (s *search) counts(l *leaked, claims token.Claims) (bool, error) {
	_, err := s.db.Revoked(s.ctx, store.RevokedBy{
		Token: claims.ID, Session: claims.SessionID, Principal: claims.Subject, Key: claims.KeyID, IssuedAt: l.CreatedAt,
	})
	switch {
	case err == nil:
		l.Says += " It was revoked."
		return false, nil
	case identity.KindOf(err) == identity.NotFound:
		return s.db.Now().Before(l.ExpiresAt), nil
	}
	return false, err
}

// tokenOfSession keeps what is said of the token itself, and ends the session too.
func (s *search) tokenOfSession(l *leaked, claims token.Claims) error {
	of := &leaked{Leak: l.Leak}
	if err := s.sessionOf(of, claims.SessionID); err != nil {
		return err
	}
	of.ID, of.Good, of.CreatedAt, of.ExpiresAt = l.ID, l.Good && of.Good, l.CreatedAt, l.ExpiresAt
	*l = *of
	return nil
}

func (s *search) tokenOfUser(l *leaked, claims token.Claims) error {
	l.uses = []store.UseFilter{{Actor: claims.Subject, All: true, Since: l.CreatedAt}}
	user, err := s.db.User(s.ctx, claims.Subject)
	if identity.KindOf(err) == identity.NotFound {
		l.Says, l.Good = l.Says+" Its user is gone.", false
		return nil
	}
	if err != nil {
		return err
	}
	l.Owners = []LeakOwner{{true, user.ID, user.Username}}
	l.Good = l.Good && user.Enabled && !l.CreatedAt.Before(user.TokensFrom.Truncate(time.Second))
	l.Remains = []string{othersGoOn(user.ID, user.Username)}
	return nil
}

func (s *search) tokenOfClient(l *leaked, claims token.Claims) error {
	l.uses = []store.UseFilter{{Actor: claims.Subject, All: true, Since: l.CreatedAt}}
	client, err := s.db.Client(s.ctx, claims.Subject)
	if identity.KindOf(err) == identity.NotFound {
		l.Says, l.Good = l.Says+" Its client is gone.", false
		return nil
	}
	if err != nil {
		return err
	}
	l.Owners = []LeakOwner{{false, client.ID, client.Name}}
	l.Good = l.Good && client.Enabled && !l.CreatedAt.Before(client.TokensFrom.Truncate(time.Second))
	l.Remains = []string{othersGoOn(client.ID, client.ID)}
	return nil
}

// othersGoOn says what to do where more than one token may have leaked.
func othersGoOn(id, name string) string {
	return "other tokens of " + name + " go on; all are revoked by: identity revocation create --principal " + identity.Argument(id)
}

// sessionOf adds what is known of the session of a token.
func (s *search) sessionOf(l *leaked, id string) error {
	l.ID, l.Ends = id, []string{"the session, with its refresh token and its access tokens here"}
	l.uses = []store.UseFilter{{Session: id}}
	standing, err := s.db.Standing(s.ctx, id)
	if identity.KindOf(err) == identity.NotFound {
		l.Says, l.Good, l.uses, l.Ends = l.Says+" Its session ended a while ago, or its user is gone.", false, nil, nil
		return nil
	}
	if err != nil {
		return err
	}
	l.Owners = []LeakOwner{{true, standing.User.ID, standing.User.Username}}
	l.uses[0].Actor, l.uses[0].Since = standing.User.ID, standing.CreatedAt
	l.CreatedAt, l.ExpiresAt, l.LastUsedAt = standing.CreatedAt, standing.ExpiresAt, standing.RefreshedAt
	l.Good = !standing.Over(s.db.Now(), standing.InstallationEpoch) && standing.User.Enabled && standing.User.TokensFrom.Equal(standing.TokensFrom)
	if !l.Good {
		l.Says += " Its session is over."
	}
	if l.Kind == LeakedRefreshToken {
		l.Remains = append(l.Remains, s.elsewhere())
	}
	l.end = s.endSession(id)
	return nil
}

// elsewhere says for how long tokens that are out are taken by others.
func (s *search) elsewhere() string {
	longest, err := s.db.LongestLifetime(s.ctx)
	if err != nil {
		return "services that keep the revocation list refuse tokens that are out within seconds, others when they expire"
	}
	return "services that keep the revocation list refuse tokens that are out within seconds, others when they expire: in " + longest.String() + " at the latest"
}

// key knows private keys, and public ones, by their thumbprint.
func (s *search) key(secret identity.Secret) (*leaked, error) {
	public, private, ok := readKey(secret.Reveal())
	if !ok {
		return nil, nil //nolint:nilnil // it is not that
	}
	half := "the public half, which is no secret, "
	if private {
		half = "the private half "
	}
	kid := public.KID()
	for _, of := range []func(kid, half string) (*leaked, error){s.signingKey, s.auditKey, s.clientKey} {
		if l, err := of(kid, half); err != nil || l != nil {
			return l, err
		}
	}
	return unknown("It is " + half + "of a key that neither this service nor any of its clients has: " + kid + "."), nil
}

// readKey reads a private key as PEM, a public one as PEM or JWK, and of a private JWK the
// public half.
func readKey(text string) (public jose.PublicKey, private, ok bool) {
	if key, err := jose.ParsePrivateKey([]byte(text)); err == nil {
		return key.Public(), true, true
	}
	if key, err := jose.ParsePublicKey([]byte(text)); err == nil {
		return key, false, true
	}
	var members map[string]any
	if json.Unmarshal([]byte(text), &members) != nil {
		return public, false, false
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "use", "key_ops"} {
		_, there := members[name]
		private = private || there && name == "d"
		delete(members, name)
	}
	half, err := json.Marshal(members)
	if err == nil {
		public, err = jose.ParsePublicKey(half)
	}
	return public, private, err == nil
}

func (s *search) signingKey(kid, half string) (*leaked, error) {
	stored, err := s.db.SigningKeys(s.ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(stored, func(k identity.SigningKey) bool { return k.KID == kid })
	if at < 0 {
		return nil, nil //nolint:nilnil // it is not that
	}
	k, now := stored[at], s.db.Now()
	l := &leaked{Leak: Leak{
		Kind: LeakedSigningKey, Good: k.State(now) != identity.KeyExpired, ID: kid, CreatedAt: k.CreatedAt, ExpiresAt: k.RetiresAt,
		Says: "It is " + half + "of a key that signs tokens (" + string(k.State(now)) + ").",
		Ends: []string{"the key, and with it every token under it, here and elsewhere: everybody has to prove themselves again"},
		Remains: []string{
			"verifiers take what it has signed, whoever signed it, until they ask for the keys again: within 5 minutes",
			"what was signed with it by others is in no audit of this service",
		},
	}}
	if k.State(now) == identity.KeyActive || k.State(now) == identity.KeyNext {
		l.Ends = append(l.Ends, "a new key signs from then on")
	}
	l.end, err = s.endSigningKey(l, k)
	return l, err
}

func (s *search) auditKey(kid, half string) (*leaked, error) {
	signer, err := s.ring.AuditSigner(s.ctx)
	if identity.KindOf(err) == identity.Unavailable {
		return nil, nil //nolint:nilnil // there is none that could have leaked from here
	}
	if err != nil || signer.Public().KID() != kid {
		return nil, err
	}
	return &leaked{Leak: Leak{
		Kind: LeakedAuditKey, Good: true, ID: kid, Says: "It is " + half + "of the key that seals the audit.",
		Remains: []string{
			"it cannot be replaced: keep the newest statement elsewhere (identity audit head), which proves all up to there",
			"whoever has the private half has had ENCRYPTION_KEY and the database, or a backup: the runbook says what to do about that",
		},
	}}, nil
}

func (s *search) clientKey(kid, half string) (*leaked, error) {
	ids, err := s.db.ClientsWithKey(s.ctx, kid)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	l := &leaked{Leak: Leak{
		Kind: LeakedClientKey, ID: kid, Says: "It is " + half + "of a key with which " + strings.Join(ids, ", ") + " can sign.",
		Ends: []string{"the key, at each client that has it", "every token of these clients here"}, Remains: []string{"identity client key create CLIENT --public-key FILE registers another one"},
	}}
	for _, id := range ids {
		client, err := s.db.Client(s.ctx, id)
		if identity.KindOf(err) == identity.NotFound {
			continue // just deleted
		}
		if err != nil {
			return nil, err
		}
		for _, k := range client.Keys {
			if k.KID != kid {
				continue
			}
			l.Owners = append(l.Owners, LeakOwner{false, client.ID, client.Name})
			l.uses = append(l.uses, store.UseFilter{Actor: client.ID, Credential: k.ID})
			l.Good = l.Good || client.Enabled && client.Require.Has(identity.ProofSignature)
			if l.CreatedAt.IsZero() || k.CreatedAt.Before(l.CreatedAt) {
				l.CreatedAt = k.CreatedAt
			}
			if k.LastUsedAt.After(l.LastUsedAt) {
				l.LastUsedAt = k.LastUsedAt
			}
		}
	}
	l.Remains = append(l.Remains, s.elsewhere())
	l.end = s.endClientKey(ids, kid)
	return l, nil
}

// encryptionKey knows the keys under which this process reads what is sealed.
func (s *search) encryptionKey(secret identity.Secret) (*leaked, error) {
	keys, err := seal.ParseKeys(secret.Reveal())
	if err != nil {
		return nil, nil //nolint:nilnil,nilerr // it is not that
	}
	listed := s.ring.EncryptionKeys()
	for _, k := range keys {
		if !slices.Contains(listed, k.ID()) {
			continue
		}
		return &leaked{Leak: Leak{
			Kind: LeakedEncryptionKey, Good: true, ID: k.ID(), Says: "It is an encryption key of this service: ENCRYPTION_KEY has it.",
			Remains: []string{
				"with a copy of the database it gives away the signing keys: make a new encryption key, put it first and run identity key rewrap (docs/runbook.md)",
				"whoever may also have had the database, or a backup, has the signing keys: find them with identity key list, and end each with identity leak --revoke",
				"identity session end --all makes the secret of refresh tokens anew",
			},
		}}, nil
	}
	return unknown("It has the form of an encryption key, and is none that ENCRYPTION_KEY lists."), nil
}

// verify reports whether hash is one of the secret. It takes its turn among all who hash.
func (s *search) verify(hash string, secret identity.Secret) (bool, error) {
	same, err := s.pool.Verify(s.ctx, argon2.Party{Class: argon2.Administration, Source: web.Source(s.ctx)}, hash, []byte(secret.Reveal()))
	return same, authn.HashingError(err)
}

func unknownIf(err error, says string) (*leaked, error) {
	if err != nil {
		return nil, err
	}
	return unknown(says), nil
}
