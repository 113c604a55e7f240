package main

import (
	"bytes"
	"os"
	"testing"
)

// What is committed is what the generator makes.
func TestDocumentIsGenerated(t *testing.T) {
	want, err := generate("../../../api")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("internal/openapi/openapi.json is not what the generator makes; run: go generate ./internal/openapi")
	}
}

// Descriptions name members as the interface does, not as Go does.
func TestDescribed(t *testing.T) {
	names := map[string]string{"ClientID": "client_id", "E": "e", "Password": "password"}
	for text, want := range map[string]string{
		"ClientID names the client:\n1 to 128 of [A-Za-z0-9._~-].": "`client_id` names the client: 1 to 128 of [A-Za-z0-9._~-].",
		"failures are [Problem] documents":                         "failures are Problem documents",
		"A PasswordHash or /auth/Password":                         "A PasswordHash or /auth/Password",
		"N and E, Password.":                                       "N and `e`, `password`.",
	} {
		if got := described(text, names); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
