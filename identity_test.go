package identity_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

func TestSecretNeverPrints(t *testing.T) {
	const canary = "canary-7f3a"
	type nested struct {
		Shown  identity.Secret
		hidden identity.Secret
		list   []identity.Secret
		ref    *identity.Secret
		m      map[string]identity.Secret
	}
	s := identity.NewSecret(canary)
	values := map[string]any{
		"value": s, "pointer": &s,
		"nested":         nested{s, s, []identity.Secret{s}, &s, map[string]identity.Secret{"k": s}},
		"nested pointer": &nested{s, s, []identity.Secret{s}, &s, map[string]identity.Secret{"k": s}},
		"in an error":    fmt.Errorf("about %v", s),
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v", "%10.3s"} {
			args := []any{v}
			if verb == "%T %v" {
				args = []any{v, v}
			}
			if out := fmt.Sprintf(verb, args...); strings.Contains(out, canary) || strings.Contains(out, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s with %s shows the secret", name, verb)
			}
		}
		if out, err := json.Marshal(v); err != nil || bytes.Contains(out, []byte(canary)) {
			t.Errorf("%s in JSON shows the secret (%v)", name, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "k", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "k", v)
		if strings.Contains(log.String(), canary) {
			t.Errorf("%s in slog shows the secret", name)
		}
	}
	if out := fmt.Sprint(s); out != "[redacted]" {
		t.Errorf("a secret prints as %q", out)
	}
	if s.Reveal() != canary {
		t.Error("Reveal does not return the value")
	}
	if (identity.Secret{}).Reveal() != "" || !(identity.Secret{}).Empty() {
		t.Error("the zero secret is not empty")
	}
	if !s.Equal(identity.NewSecret(canary)) || s.Equal(identity.NewSecret(canary+"x")) || s.Equal(identity.Secret{}) {
		t.Error("Equal is wrong")
	}
}

func TestCanonicalUsername(t *testing.T) {
	same := map[string]string{
		"alice": "alice", "Alice": "alice", "ＡLICE": "alice", "müller": "müller", "mu\u0308ller": "müller",
		"MÜLLER": "müller", "alice@example.com": "alice@example.com", "o'brien": "o'brien", "\u212a": "k",
	}
	for in, want := range same {
		if got, err := identity.CanonicalUsername(in); err != nil || got != want {
			t.Errorf("%q became %q (%v), want %q", in, got, err, want)
		}
	}
	refused := []string{
		"", " ", "alice ", " alice", "al ice", "a\tb", "a\x00b", "a\r\nb", "a\u200db", "\u200balice", "ﬁ", "Ⅷ", "👍",
		"\xff\xfe", strings.Repeat("a", 256), "a\u202eb",
	}
	for _, in := range refused {
		got, err := identity.CanonicalUsername(in)
		if identity.KindOf(err) != identity.InvalidRequest {
			t.Errorf("%q was accepted as %q (%v)", in, got, err)
		} else if in != "" && in != " " && strings.Contains(err.Error(), in) {
			t.Errorf("the refusal of %q repeats it", in)
		}
	}
}

func TestNormalPasswordMapsNothingElse(t *testing.T) {
	for in, want := range map[string]string{
		"pa\u0308ss": "päss", " pass ": " pass ", "PASS": "PASS", "ＰＡＳＳ": "ＰＡＳＳ", "a\x00b": "a\x00b", "": "",
	} {
		if got := identity.NormalPassword(identity.NewSecret(in)).Reveal(); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestClientSecretForm(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		id, secret := identity.NewClientSecret()
		text := secret.Reveal()
		if len(text) != 62 || !strings.HasPrefix(text, "ids_"+id+"_") || seen[text] {
			t.Fatal("a generated secret has a wrong form or is not new")
		}
		seen[text] = true
		if got, ok := identity.ClientSecretID(secret); !ok || got != id {
			t.Fatal("a generated secret does not name its id")
		}
		for i := range text { // any one changed character is noticed
			changed := text[:i] + string(text[i]^1) + text[i+1:]
			if _, ok := identity.ClientSecretID(identity.NewSecret(changed)); ok {
				t.Fatalf("a change at %d was not noticed", i)
			}
		}
	}
	for _, bad := range []string{"", "ids_", "ids_abcdefgh_", strings.Repeat("x", 62), "ids_abcdefgh_" + strings.Repeat("A", 49)} {
		if _, ok := identity.ClientSecretID(identity.NewSecret(bad)); ok {
			t.Errorf("%q passed", bad)
		}
	}
}

// The check characters are worked out here by hand, so that a change of the
// form, which scanners rely on, does not go unnoticed.
func TestClientSecretCheckIsTheDocumentedOne(t *testing.T) {
	const text = "ids_abcd0123_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	const crc = "iKDeLg" // python3: base64.urlsafe_b64encode(zlib.crc32(text).to_bytes(4, "big"))
	if id, ok := identity.ClientSecretID(identity.NewSecret(text + crc)); !ok || id != "abcd0123" {
		t.Fatalf("got %q, %v", id, ok)
	}
}

func TestCheckChosenSecret(t *testing.T) {
	for secret, ok := range map[string]bool{
		strings.Repeat("x", 15): false, strings.Repeat("x", 16): true, strings.Repeat("é", 512): true,
		strings.Repeat("x", 513): false, "a secret with \x00 in it": false, "a secret with \xff in it": false, "ids_looks_like_generated": false, "": false,
	} {
		if err := identity.CheckChosenSecret(identity.NewSecret(secret)); (err == nil) != ok {
			t.Errorf("a secret of %d bytes: %v", len(secret), err)
		}
	}
}

func TestProofs(t *testing.T) {
	both, err := identity.ParseProofs([]string{"signature", "secret", "secret"})
	if err != nil || both != identity.ProofSecret|identity.ProofSignature || both.String() != "secret+signature" {
		t.Fatalf("got %v (%v)", both, err)
	}
	if !both.Has(identity.ProofSecret) || identity.ProofSecret.Has(both) {
		t.Error("Has is wrong")
	}
	for _, bad := range [][]string{nil, {}, {""}, {"Secret"}, {"secret", "none"}} {
		if _, err := identity.ParseProofs(bad); identity.KindOf(err) != identity.InvalidRequest {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestAudiencesAndPermissions(t *testing.T) {
	for a, ok := range map[string]bool{"a": true, "https://x.test/y?z": true, "": false, "a b": false, "é": false, "a\x7f": false, strings.Repeat("a", 255): true, strings.Repeat("a", 256): false} {
		if err := identity.CheckAudience(a); (err == nil) != ok {
			t.Errorf("audience %q: %v", a, err)
		}
	}
	if identity.CheckAudiences([]string{"*", "a"}) == nil || identity.CheckAudiences([]string{"*"}) != nil || identity.CheckAudiences(nil) != nil {
		t.Error("the any-audience is checked wrongly")
	}
	long := func(n int) []string { // n distinct ones of 128 characters
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf("%0128d", i)
		}
		return list
	}
	if identity.CheckPermissions(long(32)) != nil || identity.CheckPermissions(long(33)) == nil {
		t.Error("permissions may have 4096 characters together, or a token that carries them is too large")
	}
	for p, ok := range map[string]bool{
		"read": true, "identity:admin": true, "identity:users:read": true, "identity:users:delete": false, "identity:": false,
		"identity:Admin": false, `a"b`: false, `a\b`: false, "a b": false, "": false, strings.Repeat("p", 129): false,
	} {
		if err := identity.CheckPermissions([]string{p}); (err == nil) != ok {
			t.Errorf("permission %q: %v", p, err)
		}
	}
}

func TestCaller(t *testing.T) {
	admin := identity.LocalAdministrator("test")
	if !admin.Can(identity.PermissionUsersWrite) || admin.Can("billing:write") {
		t.Error("an administrator holds all identity: permissions and no others")
	}
	reader := identity.Caller{Permissions: []string{identity.PermissionUsersRead}}
	if reader.Can(identity.PermissionUsersWrite) || reader.Can(identity.PermissionAdmin) {
		t.Error("reading is not writing")
	}
	if err := reader.Require(identity.PermissionAdmin); identity.KindOf(err) != identity.InsufficientPermission {
		t.Errorf("got %v", err)
	}
}

func TestNewID(t *testing.T) {
	now := time.UnixMilli(0x0123456789ab)
	id := identity.NewID(now)
	if len(id) != 36 || id[:13] != "01234567-89ab" || id[14] != '7' || !strings.Contains("89ab", id[19:20]) {
		t.Fatalf("%s is no UUIDv7 of that time", id)
	}
	if identity.NewID(now) == id {
		t.Fatal("two ids are the same")
	}
	if later := identity.NewID(now.Add(time.Millisecond)); later <= id {
		t.Fatal("a later id does not sort later")
	}
}

func TestMetadataMerge(t *testing.T) {
	var m identity.Metadata
	for _, step := range []struct{ patch, want string }{
		{`{"a":1,"b":{"c":2,"d":[1,2]}}`, `{"a":1,"b":{"c":2,"d":[1,2]}}`},
		{`{"b":{"c":null,"e":"<&>"}}`, `{"a":1,"b":{"d":[1,2],"e":"<&>"}}`},
		{`{"a":null,"b":7,"n":12345678901234567890123}`, `{"b":7,"n":12345678901234567890123}`},
		{`{"b":{"x":{"y":null}}}`, `{"b":{"x":{}},"n":12345678901234567890123}`},
		{``, `{"b":{"x":{}},"n":12345678901234567890123}`},
	} {
		var err error
		if m, err = m.Merge([]byte(step.patch)); err != nil || string(m) != step.want {
			t.Fatalf("%s gives %s, want %s (%v)", step.patch, m, step.want, err)
		}
	}
	most := strings.Repeat("<", identity.MaxMetadata-len(`{"a":""}`))
	if m, err := identity.Metadata("").Merge([]byte(`{"a":"` + most + `"}`)); err != nil || len(m) != identity.MaxMetadata {
		t.Errorf("%d bytes: %v", len(m), err)
	}
	if _, err := identity.Metadata("").Merge([]byte(`{"a":"` + most + `<"}`)); identity.KindOf(err) != identity.InvalidRequest {
		t.Errorf("one byte more: %v", err)
	}
}

func TestKeyStateFollowsFromTimes(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	k := identity.SigningKey{ActivatesAt: at(10)}
	if k.State(at(9)) != identity.KeyNext || k.State(at(10)) != identity.KeyActive || k.State(at(1e9)) != identity.KeyActive {
		t.Error("a key without successor")
	}
	k.SupersededAt, k.RetiresAt = at(20), at(30)
	for s, want := range map[int]identity.KeyState{19: identity.KeyActive, 20: identity.KeyRetired, 29: identity.KeyRetired, 30: identity.KeyExpired} {
		if got := k.State(at(s)); got != want {
			t.Errorf("at %d: %s, want %s", s, got, want)
		}
	}
}

func TestSealedRefusesPlaintext(t *testing.T) {
	for _, plain := range []string{"-----BEGIN PRIVATE KEY-----", "x", strings.Repeat("0", 64)} {
		if _, err := identity.NewSealed("id", plain, []byte(plain)); err == nil {
			t.Error("a plaintext passed as sealed")
		}
	}
	if _, err := identity.NewSealed("id", "gAAAAABr", make([]byte, 27)); err == nil {
		t.Error("a ciphertext without room for nonce and tag passed")
	}
	if s, err := identity.NewSealed("", "", nil); err != nil || !s.Empty() {
		t.Error("nothing is not the zero Sealed")
	}
}

func TestConfigurationCheckNamesEveryFault(t *testing.T) {
	if err := identity.DefaultConfiguration("https://id.test").Check(); err != nil {
		t.Fatal(err)
	}
	err := identity.Configuration{
		Issuer: "a b", Expiration: 29 * time.Second, MaxRefreshes: -1, RefreshGrace: 61 * time.Second,
		SessionMaxAge: 59 * time.Second, KeyRotationInterval: 59 * time.Minute,
	}.Check()
	e, ok := errors.AsType[*identity.Error](err)
	if !ok || e.Kind != identity.InvalidRequest || len(e.Fields) != 6 {
		t.Fatalf("got %v, want six faults", err)
	}
}

func TestErrorKinds(t *testing.T) {
	inner := errors.New("the reason")
	err := fmt.Errorf("doing: %w", identity.Errorf(identity.Conflict, "Taken.").Because(inner))
	if identity.KindOf(err) != identity.Conflict || !errors.Is(err, inner) || identity.KindOf(inner) != identity.Internal {
		t.Fatal("kinds or reasons are lost in wrapping")
	}
	if identity.Kind(99).String() != "internal" || identity.Kind(-1).String() != "internal" {
		t.Fatal("an unknown kind must be internal")
	}
}
