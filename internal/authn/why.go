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
	const none = "the client has no live secret of this form or id: "
	id, generated := identity.ClientSecretID(presented)
	for _, s := range k.Secrets {
		if generated && s.ID == id && !s.Chosen || !generated && s.Chosen {
			return k.about(s, identity.Refuse(identity.RefusedSecretExpired, none+"it has expired").
				At("expired_at", s.ExpiresAt).For("expired_since", now.Sub(s.ExpiresAt)))
		}
	}
	var reason *identity.Reason
	switch {
	case generated:
		reason = identity.Refuse(identity.RefusedSecretUnknown, none+"it is a generated one, of another client or deleted")
	case strings.HasPrefix(presented.Reveal(), "ids_"):
		reason = identity.Refuse(identity.RefusedSecretForm, none+"it begins like a generated one, but its check characters are wrong: cut off or mistyped")
	default:
		reason = identity.Refuse(identity.RefusedSecretUnknown, none+"it is no generated one, and the client has no other")
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
	text := "it is no compact JWS, which has two dots, and no base64"
	if s.fault != nil {
		text = s.fault.Error()
	}
	return identity.Refuse(identity.RefusedSignatureForm, "the signature has neither of the two forms: "+text)
}

// notSigned is why the message does not verify with the key that was chosen for it; the
// zero key where there was none. A kid that the client does not have is not repeated: until
// a signature holds, anybody may have written it.
func (k *knownClient) notSigned(m *jose.Message, key registeredKey, kids []string) *identity.Reason {
	const unsigned = "the assertion of the client is not signed by a key of its own that fits: "
	var reason *identity.Reason
	switch {
	case len(kids) == 0:
		reason = identity.Refuse(identity.RefusedKeyUnknown, unsigned+"it has none")
	case key.id == "" && m.KID() != "":
		reason = identity.Refuse(identity.RefusedKeyUnknown, unsigned+"none has the kid")
	case key.id == "" || !key.Fits(m.Algorithm()):
		reason = identity.Refuse(identity.RefusedKeyAlgorithm, unsigned+"the alg is for another kind of key").With("alg", string(m.Algorithm()))
	default:
		reason = identity.Refuse(identity.RefusedSignatureWrong, unsigned+"the signature does not verify").With("kid", key.KID()).With("named", m.KID() != "")
	}
	return reason.Of(k.ID).By(key.id).With("kids", kids)
}

// kids are those of the client's keys, the newest first.
func (k *knownClient) kids() []string {
	kids := []string{}
	for _, key := range k.keys {
		kids = append(kids, key.KID())
	}
	return kids
}
