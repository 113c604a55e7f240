package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// remote is a running service and how to prove oneself to it. It is what "identity
// login" stores: the tokens of a person's session, or for a machine where its key is.
type remote struct {
	Server string `json:"server"`
	Issuer string `json:"issuer,omitempty"`
	// Username and Token are a person's, until Expires; then RefreshToken is for the next
	// one, if there are any.
	Username     string    `json:"username,omitempty"`
	Token        string    `json:"token,omitempty"`
	Expires      time.Time `json:"expires,omitzero"`
	RefreshToken string    `json:"refresh_token,omitempty"`
	// ClientID and KeyFile are a machine's, which signs for each command.
	ClientID string `json:"client_id,omitempty"`
	KeyFile  string `json:"key_file,omitempty"`
	// from says where it was found.
	from string
}

// findRemote returns the service that the environment names, or the stored context,
// or nil.
func findRemote(p *program) (*remote, error) {
	server, _ := p.lookup("IDENTITY_URL")
	token, given, err := read(setting{name: "IDENTITY_TOKEN", secret: true}, p.lookup)
	switch {
	case err != nil:
		return nil, err
	case server == "" && given:
		return nil, errors.New("IDENTITY_TOKEN is set; expected the address of its service in IDENTITY_URL")
	case server != "" && !given:
		return nil, errors.New("IDENTITY_URL is set; expected a token in IDENTITY_TOKEN or IDENTITY_TOKEN_FILE")
	case server == "":
		return storedContext(p)
	}
	if server, err = checkServer(server); err != nil {
		return nil, fmt.Errorf("IDENTITY_URL: %w", err)
	}
	return &remote{Server: server, Token: token, from: "the environment"}, nil
}

// checkServer returns the address of a service without a slash at its end. What proves
// the caller may not go over a network that others can listen to.
func checkServer(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("expected an address such as https://id.example.com")
	}
	if host := u.Hostname(); u.Scheme == "http" && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return "", errors.New("expected https: over http, which is for this machine only, others could read along")
	}
	return strings.TrimRight(address, "/"), nil
}

// contextFile is where "identity login" stores the context.
func contextFile(p *program) (string, error) {
	if path, _ := p.lookup("IDENTITY_CONTEXT"); path != "" {
		return path, nil
	}
	folder, err := os.UserConfigDir()
	return filepath.Join(folder, "identity", "context.json"), err
}

// storedContext returns what "identity login" stored, or nil.
func storedContext(p *program) (*remote, error) {
	path, err := contextFile(p)
	if err != nil {
		return nil, nil //nolint:nilerr // without a home there is no context
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the stored context: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("others can reach the stored context, which proves who you are: %s has mode %04o, expected 0600; log in again", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the stored context: %w", err)
	}
	r := remote{from: path}
	if err := json.Unmarshal(text, &r); err == nil {
		if r.Server, err = checkServer(r.Server); err == nil {
			return &r, nil
		}
	}
	return nil, fmt.Errorf("the stored context in %s is damaged; log in again", path)
}

// store writes the context, for its owner only, whole or not at all. It is for whoever
// has locked it.
func (r *remote) store(p *program) (string, error) {
	path, err := contextFile(p)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "context-*") // mode 0600
	if err != nil {
		return path, err
	}
	err = printJSON(f, r)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return path, errors.Join(err, os.Remove(f.Name()))
	}
	return path, nil
}

// token returns a token for the service itself.
func (r *remote) token(ctx context.Context, p *program) (identity.Secret, error) {
	switch {
	case r.ClientID != "":
		return r.machineToken(ctx)
	case r.fresh():
		return identity.NewSecret(r.Token), nil
	case r.RefreshToken != "":
		return r.renew(ctx, p)
	}
	return identity.Secret{}, fmt.Errorf("the stored token has expired. %s", r.again())
}

// again says how to get another token.
func (r *remote) again() string {
	switch {
	case r.ClientID != "":
		return ""
	case r.Username != "":
		return fmt.Sprintf("Run %q again.", "identity login "+quote(r.Server)+" --username "+quote(r.Username))
	default:
		return "It is the one in IDENTITY_TOKEN."
	}
}

// machineToken signs an assertion with the client's key and gets a token for it.
func (r *remote) machineToken(ctx context.Context) (identity.Secret, error) {
	text, err := os.ReadFile(r.KeyFile)
	if err != nil {
		return identity.Secret{}, fmt.Errorf("the client's key: %w", err)
	}
	key, err := jose.ParsePrivateKey(text)
	if err != nil {
		return identity.Secret{}, fmt.Errorf("the client's key: %w", err)
	}
	signature, err := signAssertion(key, "", r.ClientID, r.Issuer, time.Minute)
	if err != nil {
		return identity.Secret{}, err
	}
	var answer api.TokenResponse
	request := api.TokenRequest{ClientID: r.ClientID, Signature: signature, Audience: r.Issuer}
	if err := newConnection(r.Server).do(ctx, http.MethodPost, "/auth/token", request, &answer); err != nil {
		return identity.Secret{}, fmt.Errorf("a token for the client %s: %w", r.ClientID, err)
	}
	return identity.NewSecret(answer.Token), nil
}
