//go:build !openssl || !cgo

package jose

import "crypto/rsa"

func newRSASigner(key *rsa.PrivateKey, _ []byte) rsaSigner { return goRSA{key} }

// RSA names what makes RSA signatures: crypto/rsa, or libcrypto with its version in a program
// that was built with the tag openssl. Its error says why such a program goes without
// libcrypto.
func RSA() (string, error) { return goRSAName, nil }
