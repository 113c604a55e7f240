package authn

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// noSecret is why none of the client's secrets can be the presented one. It says which one
// it would have been, by the id in it, but never repeats an id that the client does not
// have.
func (k *knownClient) noSecret(presented identity.Secret, now time.Time) *identity.Reason {
	id, generated := identity.ClientSecretID(presented)
	for _, s := range k.Secrets {
		if generated && s.ID == id && !s.Chosen || !generated && s.Chosen {
			return k.about(s, identity.Refuse(identity.RefusedSecretExpired, "the secret has expired").
				At("expired_at", s.ExpiresAt).For("expired_since", now.Sub(s.ExpiresAt)))
		}
	}
	var reason *identity.Reason
	switch {
	case generated:
		reason = identity.Refuse(identity.RefusedSecretUnknown, "it is a generated secret, but none of this client's: of another client, or deleted")
	case strings.HasPrefix(presented.Reveal(), "ids_"):
		reason = identity.Refuse(identity.RefusedSecretForm, "it begins like a generated secret, but its check characters are wrong: cut off or mistyped")
	default:
		reason = identity.Refuse(identity.RefusedSecretUnknown, "it is no generated secret, and the client has no other")
	}
	var live []string
	for i, s := range k.Secrets {
		if s.Live(now) {
			live = append(live, secretName(i, s))
		}
	}
	return reason.Of(k.ID).With("live_secrets", live)
}

// about adds to a reason which of the client's secrets it is about.
func (k *knownClient) about(s identity.ClientSecret, reason *identity.Reason) *identity.Reason {
	i := slices.IndexFunc(k.Secrets, func(other identity.ClientSecret) bool { return other.ID == s.ID })
	return reason.Of(k.ID).By(s.ID).With("secret", secretName(i, s))
}

// secretName names a secret as people do: by its place in the list, the newest first, its
// id and its label.
func secretName(i int, s identity.ClientSecret) string {
	name := fmt.Sprintf("number %d, %s", i+1, s.ID)
	if s.Label != "" {
		name += fmt.Sprintf(" (%s)", s.Label)
	}
	return name
}

// unreadable is why a signature has neither of the two forms.
func (s *signature) unreadable() *identity.Reason {
	text := "the signature is neither a compact JWS, with two dots, nor base64"
	if s.fault != nil {
		text = "the assertion cannot be read: " + s.fault.Error()
	}
	return identity.Refuse(identity.RefusedSignatureForm, text)
}

// notSigned is why the message does not verify with the key that was chosen for it; the
// zero key where there was none. A kid that the client does not have is not repeated: until
// a signature holds, anybody may have written it.
func (k *knownClient) notSigned(m *jose.Message, key registeredKey) *identity.Reason {
	var reason *identity.Reason
	switch {
	case len(k.keys) == 0:
		reason = identity.Refuse(identity.RefusedKeyUnknown, "the client has no key")
	case key.id == "" && m.KID() != "":
		reason = identity.Refuse(identity.RefusedKeyUnknown, "the kid of the assertion is that of none of the client's keys")
	case key.id == "" || !key.Fits(m.Algorithm()):
		reason = identity.Refuse(identity.RefusedKeyAlgorithm, "the alg of the assertion does not fit the client's key").With("alg", string(m.Algorithm()))
	default:
		reason = identity.Refuse(identity.RefusedSignatureWrong, "the key did not make the signature of the assertion").With("kid", key.KID()).With("named", m.KID() != "")
	}
	return reason.Of(k.ID).By(key.id).With("kids", k.kids())
}

// kids are those of the client's keys, the newest first.
func (k *knownClient) kids() []string {
	kids := []string{}
	for _, key := range k.keys {
		kids = append(kids, key.KID())
	}
	return kids
}
