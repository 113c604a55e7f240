package authn_test

import (
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/authn"
)

func TestCheckNewPassword(t *testing.T) {
	const (
		length = "must have 8 to 1024 characters"
		common = "most common"
		name   = "too similar to the username"
		ok     = ""
	)
	for _, c := range []struct{ name, username, password, want string }{
		{"7 characters", "alice", "Xq7!zk2", length},
		{"8 characters", "alice", "Xq7!zk2v", ok},
		{"7 characters, 14 bytes", "alice", "ŵẍŷẑčďě", length},
		{"8 characters of 4 bytes", "alice", strings.Repeat("🂡🂢", 4), ok},
		{"7 after NFC, 14 before", "alice", strings.Repeat("e\u0301", 7), length},
		{"8 after NFC, 16 before", "alice", strings.Repeat("e\u0301", 8), ok},
		{"1024 characters", "alice", strings.Repeat("x", 1024), ok},
		{"1024 characters of 4 bytes", "alice", strings.Repeat("🂡", 1024), ok},
		{"1024 after NFC, 2048 before", "alice", strings.Repeat("e\u0301", 1024), ok},
		{"1025 characters", "alice", strings.Repeat("x", 1025), length},
		{"empty", "alice", "", length},
		{"spaces only, long", "alice", "            ", ok},
		{"no composition rule", "alice", "plainlowercasewords", ok},
		{"spaces are kept", "alice", " x y z w ", ok},

		{"common", "alice", "password", common},
		{"common with digits", "alice", "password1", common},
		{"common with a substitution", "alice", "p@ssw0rd", common},
		{"common in full width", "alice", "ｐａｓｓｗｏｒｄ", common},
		{"common in upper case", "alice", "PASSWORD", common},
		{"common in mixed case", "alice", "PassWord", common},
		{"common with more", "alice", "password-of-mine", ok},

		{"the username", "alice.liddell", "alice.liddell", name},
		{"the username in other case", "alice.liddell", "Alice.LIDDELL", name},
		{"the username in full width", "alice.liddell", "ａlice.liddell", name},
		{"the username and more", "alice.liddell", "alice.liddell!", name},
		{"the username in disguise", "alice.liddell", "4l1c3-l1dd3ll", name},
		{"the username among others", "alice", "alice has a red horse", ok},
		{"no username", "", "alice.liddell", ok},
		{"the username decomposed", "andr\u00e9-breton", "andre\u0301-breton", name},

		{"invalid UTF-8", "alice", "abcdefgh\xff", "valid UTF-8"},
		{"invalid UTF-8, short", "alice", "\xff", "valid UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := authn.CheckNewPassword(c.username, identity.NewSecret(c.password))
			switch {
			case c.want == ok && err != nil:
				t.Errorf("refused: %v", err)
			case c.want == ok:
			case identity.KindOf(err) != identity.InvalidRequest || !strings.Contains(err.Error(), c.want):
				t.Errorf("got %v, want %q", err, c.want)
			case c.password != "" && c.password != "password" && strings.Contains(err.Error(), c.password):
				t.Error("the refusal repeats the password")
			}
		})
	}
}
