package identity

import "slices"

// AnyAudience is the entry of an audience list that stands for every audience.
const AnyAudience = "*"

// CheckAudience refuses what cannot be an audience: it has 1 to 255 printable
// ASCII characters without space.
func CheckAudience(audience string) error {
	if !printableASCII(audience, 255) {
		return InvalidField("audience", "must have 1 to 255 printable ASCII characters without space")
	}
	return nil
}

// CheckAudiences refuses a principal's audience list with an entry that cannot
// be an audience. "*" stands for all and then is the only entry.
func CheckAudiences(audiences []string) error {
	const most = 4096
	total := 0
	for _, a := range audiences {
		if total += len(a); total > most {
			return InvalidField("audiences", "must have at most %d characters together", most)
		}
		if !printableASCII(a, 255) {
			return InvalidField("audiences", "each must have 1 to 255 printable ASCII characters without space")
		}
	}
	if len(audiences) > 1 && slices.Contains(audiences, AnyAudience) {
		return InvalidField("audiences", "%q stands alone: it already means every audience", AnyAudience)
	}
	return nil
}

func printableASCII(s string, most int) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= most
}
