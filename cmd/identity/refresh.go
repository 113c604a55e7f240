package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

// margin is how long before its end a token that can be refreshed is.
const margin = 10 * time.Second

// refreshTimeout is shorter than the usual grace of a service, so that a refresh whose
// answer does not come can be repeated.
const refreshTimeout = 8 * time.Second

// fresh reports whether the token can be used as it is.
func (r *remote) fresh() bool {
	if r.Expires.IsZero() {
		return true
	}
	left := time.Until(r.Expires)
	if r.RefreshToken != "" {
		left -= margin
	}
	return left > 0
}

// take keeps what a login or a refresh answered.
func (r *remote) take(answer api.SessionResponse) {
	r.Token, r.RefreshToken = answer.Token, answer.RefreshToken
	r.Expires = time.Now().Add(time.Duration(answer.ExpiresIn) * time.Second).UTC()
}

// renew refreshes the session and stores what comes of it, before it is used. Of several
// commands at the same time one does, for a refresh token that is used twice ends the
// session; the others find what that one has stored. One that dies in between has the
// grace of the service to be repeated in.
func (r *remote) renew(ctx context.Context, p *program) (identity.Secret, error) {
	unlock, err := lockContext(p)
	if err != nil {
		return identity.Secret{}, err
	}
	defer unlock()
	stored, err := storedContext(p)
	switch {
	case err != nil:
		return identity.Secret{}, err
	case stored == nil || stored.Server != r.Server || stored.Username != r.Username:
		return identity.Secret{}, errors.New("the stored context has become another one meanwhile; run the command again")
	case stored.Token != r.Token && stored.fresh():
		*r = *stored
		return identity.NewSecret(r.Token), nil
	}
	// What the service answers must be kept: interrupting this would leave a token that was
	// used, and the next command would end the session with it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	var answer api.SessionResponse
	err = newConnection(r.Server).do(ctx, http.MethodPost, "/auth/refresh", api.RefreshRequest{RefreshToken: stored.RefreshToken}, &answer)
	if identity.KindOf(err) == identity.InvalidRefreshToken {
		return identity.Secret{}, identity.Errorf(identity.InvalidRefreshToken, "The session is over. %s", r.again()).Because(errRefused)
	}
	if err != nil {
		return identity.Secret{}, fmt.Errorf("refreshing the session: %w", err)
	}
	*r = *stored
	r.take(answer)
	if _, err := r.store(p); err != nil {
		return identity.Secret{}, fmt.Errorf("storing the refreshed session: %w", err)
	}
	return identity.NewSecret(r.Token), nil
}

// lockContext has this process alone change the stored context until unlock. The lock ends
// with the process too.
func lockContext(p *program) (unlock func(), err error) {
	path, err := contextFile(p)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	path += ".lock"                                           // beside it, for the context itself is replaced
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // for its owner only: who opens it can hold it
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		unlock, err = lockedfile.MutexAt(path).Lock()
	}
	if err != nil {
		return nil, fmt.Errorf("locking the stored context: %w", err)
	}
	return unlock, nil
}
