package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/client/clienttest"
)

// A service that shows orders to whoever has the permission "orders:read".
func ExampleVerifier_Require() {
	issuer := clienttest.New(example{}) // outside of tests: an Identity Service
	verifier, err := client.NewVerifier(client.VerifierConfig{Issuer: issuer.URL(), Audience: "orders-api"})
	if err != nil {
		panic(err)
	}
	defer verifier.Close()

	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "the orders, for %s", client.TokenOf(r.Context()).Subject())
	})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", verifier.Require("orders:read")(orders))

	for _, token := range []string{
		issuer.Token("orders-api", clienttest.Machine("billing"), clienttest.Permissions("orders:read")),
		issuer.Token("orders-api", clienttest.Machine("guest")),
		issuer.Token("orders-api", clienttest.Expired()),
	} {
		r := httptest.NewRequest(http.MethodGet, "/orders", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 the orders, for billing
	// 403 {"type":"about:blank","title":"Forbidden","status":403,"detail":"The token lacks a permission.","code":"insufficient_permission"}
	// 401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"The token has expired.","code":"invalid_token"}
}

// A verifier without net/http, as for messages of a queue.
func ExampleVerifier_Verify() {
	issuer := clienttest.New(example{}) // outside of tests: an Identity Service
	verifier, err := client.NewVerifier(client.VerifierConfig{Issuer: issuer.URL(), Audience: "orders-api"})
	if err != nil {
		panic(err)
	}
	defer verifier.Close()

	_, err = verifier.Verify(context.Background(), issuer.Token("billing-api"))
	switch {
	case errors.Is(err, client.ErrInvalid):
		fmt.Println("drop it:", err)
	case err != nil:
		fmt.Println("try again later:", err)
	}
	// Output: drop it: the token is for another audience
}

// A program that calls the service above as the machine "billing".
func ExampleSource_Transport() {
	issuer := clienttest.New(example{}) // outside of tests: an Identity Service
	issuer.AddClient(clienttest.Client{ID: "billing", Secret: identity.NewSecret("its secret")})
	orders := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := client.BearerToken(r)
		_, _ = fmt.Fprintf(w, "%v", err == nil)
	}))
	defer orders.Close()

	source, err := client.NewSource(client.SourceConfig{
		Issuer: issuer.URL(), Audience: "orders-api", ClientID: "billing", Secret: identity.NewSecret("its secret"),
	})
	if err != nil {
		panic(err)
	}
	transport, err := source.Transport(nil, orders.URL)
	if err != nil {
		panic(err)
	}
	response, err := (&http.Client{Transport: transport}).Get(orders.URL + "/orders")
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	// Output: 200 OK
}

// example stands where a *testing.T would be; its issuer ends with the program.
type example struct{}

func (example) Helper()        {}
func (example) Cleanup(func()) {}
