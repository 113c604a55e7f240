// Package clienttest is an issuer for the tests of services that use package client. It
// runs in the process of the test, signs real tokens, and publishes keys, metadata and a
// revocation list as an Identity Service does, so that a service is tested as it is, with
// nothing replaced by a mock.
//
//	issuer := clienttest.New(t)
//	service := newService(issuer.URL(), "orders-api") // makes a client.Verifier
//	token := issuer.Token("orders-api", clienttest.Permissions("orders:read"))
//
// Its tokens can have everything wrong that a token can have: [Expired], [From] another
// issuer, [UnknownKey], [Forged], [Claim]. The issuer itself can rotate its key, withdraw
// one, revoke, have its clock set, be slow, and fail.
//
// With [InProcess] nothing goes over a network, which is for tests in a bubble of
// testing/synctest.
package clienttest
