// Package main lets OAuth libraries that this project had no hand in get tokens from a
// running service, use them, and be refused where they must be. It is a program and no
// test, because scripts/foreign-clients.sh starts the service and registers who asks;
// what it needs to know comes from the environment, and each check that holds is a line.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// setting is the value of a variable of the environment that must be there.
func setting(name string) string {
	value := os.Getenv(name)
	if value == "" {
		fmt.Fprintf(os.Stderr, "%s is not set\n", name)
		os.Exit(1)
	}
	return value
}

// file is the content of the file that a variable names.
func file(name string) []byte {
	content, err := os.ReadFile(setting(name))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return content
}

var (
	issuer        = setting("ISSUER")
	audience      = setting("AUDIENCE")
	otherAudience = setting("OTHER_AUDIENCE")
	clientID      = setting("SECRET_CLIENT") // may have both audiences, and read clients at the service itself
	clientSecret  = setting("SECRET")
	keyClientID   = setting("KEY_CLIENT") // has one audience, and so need not name it
	privateKey    = file("KEY_FILE")
	foreignKey    = file("FOREIGN_KEY_FILE")
	keyID         = setting("KEY_ID")
	serverID      = setting("SERVER_CLIENT") // introspects for the audience
	serverSecret  = setting("SERVER_SECRET")
)

const permission = "orders:read" // of both clients

// check is one thing that a library must manage; what says it for people.
type check struct {
	what string
	do   func(context.Context) error
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, c := range append(append(oauth2Checks, oidcChecks...), zitadelChecks...) {
		if err := c.do(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "FAILED %s: %v\n", c.what, err)
			os.Exit(1)
		}
		fmt.Printf("ok     %s\n", c.what)
	}
}

// refused demands an error that says a word, so that one for another reason is not taken
// for the refusal that is meant.
func refused(err error, word string) error {
	switch {
	case err == nil:
		return errors.New("it was not refused")
	case !strings.Contains(err.Error(), word):
		return fmt.Errorf("refused, but without %q: %w", word, err)
	}
	return nil
}
