// Package client is for services that accept access tokens of an Identity Service, and for
// programs that get them.
//
// # Accepting tokens
//
// A [Verifier] decides by itself, in memory, whether a token is good: it finds and keeps
// the service's keys and its list of revoked tokens, and asks for nothing while a request
// waits, but for the first and for a key that it has not seen yet.
//
//	verifier, err := client.NewVerifier(client.VerifierConfig{
//		Issuer:   "https://id.example.com",
//		Audience: "orders-api",
//	})
//	if err != nil {
//		return err
//	}
//	defer verifier.Close()
//	mux.Handle("GET /orders", verifier.Require("orders:read")(orders))
//
// [Verifier.Require] is net/http middleware; behind it [TokenOf] is the verified [Token].
// What it promises:
//
//   - Only signatures by a published key count, under an asymmetric algorithm that is on
//     the list of those allowed and fits the key (RFC 8725 section 3). Keys and addresses
//     in a token are never used.
//   - A token is of type at+jwt, from this issuer, for this audience, in its time, and has
//     all that RFC 9068 section 2.2 requires.
//   - A token that was revoked is refused as soon as the list says so, which is 15 seconds
//     old at most while the service can be reached. When nothing was heard of the service
//     for [VerifierConfig.MaxStale], no token is accepted: the answer is 503, not a guess.
//   - While the service is away, the keys that it had last count on.
//   - Requests cannot make it ask the service more often than a dozen times a minute,
//     whatever tokens they bring, and do not wait for a service that does not answer.
//
// # Getting tokens
//
// A [Source] gets the tokens of a machine: by its secret, by signatures of its private
// key, or both. It shares one token among all that ask, gets the next before it expires,
// and waits where the service says so.
//
//	source, err := client.NewSource(client.SourceConfig{
//		Issuer:   "https://id.example.com",
//		Audience: "orders-api",
//		ClientID: "billing",
//		Secret:   identity.NewSecret(os.Getenv("CLIENT_SECRET")),
//	})
//	if err != nil {
//		return err
//	}
//	transport, err := source.Transport(nil, "https://orders.example.com")
//	if err != nil {
//		return err
//	}
//	orders := &http.Client{Transport: transport}
//
// # Tests
//
// Package clienttest is an issuer in the process of a test, which makes good tokens and
// bad ones, rotates, revokes, and fails on demand.
package client
