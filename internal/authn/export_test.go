package authn

// Verifications returns how many signatures have been verified, with whatever key.
func Verifications(a *Authenticator) uint64 { return a.verifier.Verifications() }

// Unhurried is unhurried.
var Unhurried = unhurried
