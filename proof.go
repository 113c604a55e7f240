package identity

import "strings"

// Proofs is a set of the ways in which a machine client proves itself. A client
// requires a set, and every member must be proven: requirements are never
// alternatives.
type Proofs uint8

// The proofs a client can require.
const (
	ProofSecret    Proofs = 1 << iota // a client secret
	ProofSignature                    // a message signed with a registered key
)

var proofNames = []struct {
	proof Proofs
	name  string
}{{ProofSecret, "secret"}, {ProofSignature, "signature"}}

// Has reports whether every proof in p is in the set.
func (s Proofs) Has(p Proofs) bool { return s&p == p }

// Names lists the set as the interface spells it: "secret", "signature".
func (s Proofs) Names() []string {
	names := []string{}
	for _, p := range proofNames {
		if s.Has(p.proof) {
			names = append(names, p.name)
		}
	}
	return names
}

// String joins the names with a plus sign.
func (s Proofs) String() string { return strings.Join(s.Names(), "+") }

// ParseProofs reads a list of names. The set must not be empty.
func ParseProofs(names []string) (Proofs, error) {
	var set Proofs
	for _, n := range names {
		var proof Proofs
		for _, p := range proofNames {
			if p.name == n {
				proof = p.proof
			}
		}
		if proof == 0 {
			return 0, InvalidField("require", `each must be "secret" or "signature"`)
		}
		set |= proof
	}
	if set == 0 {
		return 0, InvalidField("require", "must not be empty")
	}
	return set, nil
}
