package argon2

import "net/netip"

// Party is on whose behalf a hash is computed. Where slots are scarce, parties
// take turns: see queue.
type Party struct {
	Class Class
	// Source is where the request comes from: a network that one party has to
	// itself. The zero Prefix is this machine.
	Source netip.Prefix
}

// Class is a kind of party. Each has its own line, so that none waits for
// another one's storm.
type Class int

// The classes.
const (
	People         Class = iota // who log in with a password
	Machines                    // clients that present a secret
	Administration              // new hashes, for whoever administers
	Imported                    // verification of hashes of other systems, at most one at once
	classes
)

// String returns the class as metrics call it.
func (c Class) String() string {
	return [classes]string{"people", "machines", "administration", "imported"}[c]
}

// Classes lists the classes.
func Classes() []Class { return []Class{People, Machines, Administration, Imported} }
