package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

// connection is a way to the administration interface: over the network to a running
// service, or within this process to a database that is at hand. Commands do not know
// which.
type connection struct {
	client *http.Client
	base   string
	// token returns the bearer token; nil where none is needed. It is asked once, and
	// bearer keeps what it said.
	token  func(context.Context) (identity.Secret, error)
	bearer identity.Secret
	// renew returns another token in place of one that was refused; nil if there is none.
	renew func(context.Context) (identity.Secret, error)
	// again says what to do about a token that is refused.
	again string
	close func() error
}

// newConnection makes a connection to a running service.
func newConnection(server string) *connection {
	return &connection{
		client: &http.Client{
			Timeout: time.Minute,
			// What proves the caller goes to the address that they gave, and to no other.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		base: server, close: func() error { return nil },
	}
}

// administration makes a command that has others, all of which work through a
// connection.
func administration(name, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := group(name, short, commands...)
	cmd.Long = short + `.

This works on the service that "identity login" or IDENTITY_URL names, or else on the
database of the environment; --local is always the database.`
	cmd.PersistentFlags().Bool("local", false, "work on the database directly, also where a context is stored")
	return cmd
}

// administer is a command that works through the administration interface.
func administer(p *program, do func(cmd *cobra.Command, args []string, c *connection) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		c, err := connect(cmd, p)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.close()) }()
		return do(cmd, args, c)
	}
}

// connect finds the way: --local, or the environment, or the stored context, or else
// the local database.
func connect(cmd *cobra.Command, p *program) (*connection, error) {
	local, err := cmd.Flags().GetBool("local")
	if err != nil || local {
		return connectLocal(cmd.Context(), p, caller)
	}
	remote, err := findRemote(p)
	if err != nil {
		return nil, err
	}
	if remote == nil {
		return connectLocal(cmd.Context(), p, caller)
	}
	c := newConnection(remote.Server)
	c.token = func(ctx context.Context) (identity.Secret, error) { return remote.token(ctx, p) }
	if remote.RefreshToken != "" {
		c.renew = func(ctx context.Context) (identity.Secret, error) { return remote.renew(ctx, p) }
	}
	c.again = remote.again()
	return c, nil
}

// do sends a request and decodes the answer into out, unless that is nil. An answer
// that is an error becomes an identity.Error.
func (c *connection) do(ctx context.Context, method, path string, body, out any) error {
	err := c.try(ctx, method, path, body, out)
	if c.renew == nil || identity.KindOf(err) != identity.InvalidToken {
		return err
	}
	// A token ends before its time when the key that signed it is deleted.
	if c.bearer, err = c.renew(ctx); err != nil {
		return err
	}
	c.renew = nil
	return c.try(ctx, method, path, body, out)
}

func (c *connection) try(ctx context.Context, method, path string, body, out any) error {
	r, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	response, err := c.client.Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return fmt.Errorf("%s does not answer: %w", c.base, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", c.base, err)
	}
	switch {
	case response.StatusCode >= http.StatusBadRequest:
		return c.refusal(response.StatusCode, answer)
	case response.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("%s answers with a redirect to %s, which is not followed; give the address of the service itself", c.base, plain(response.Header.Get("Location")))
	case out == nil:
		return nil
	}
	if json.Unmarshal(answer, out) != nil {
		return c.strange(response.StatusCode)
	}
	return nil
}

func (c *connection) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "identity/"+strings.ReplaceAll(version(), " ", "-"))
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != nil {
		if c.bearer.Empty() {
			if c.bearer, err = c.token(ctx); err != nil {
				return nil, err
			}
		}
		r.Header.Set("Authorization", "Bearer "+c.bearer.Reveal())
	}
	return r, nil
}

// errRefused is within every error that says what the service refused.
var errRefused = errors.New("refused by the service")

// refusal turns a problem document into an error that says the same.
func (c *connection) refusal(status int, answer []byte) error {
	var problem api.Problem
	if json.Unmarshal(answer, &problem) != nil || problem.Code == "" {
		return c.strange(status)
	}
	e := identity.Errorf(identity.KindNamed(problem.Code), "%s", plain(problem.Detail))
	for _, f := range problem.Errors {
		if len(f.Loc) > 0 {
			loc := make([]string, len(f.Loc))
			for i, step := range f.Loc {
				loc[i] = plain(step)
			}
			e.Fields = append(e.Fields, identity.FieldError{Loc: loc, Message: plain(f.Msg), Type: identity.FieldErrorType(f.Type)})
		}
	}
	if status >= http.StatusInternalServerError {
		return e.Because(fmt.Errorf("request id %s", plain(problem.RequestID)))
	}
	if e.Kind == identity.InvalidToken && c.again != "" {
		e.Message += " " + c.again
	}
	return e.Because(errRefused)
}

// strange is an answer that the service would not give.
func (c *connection) strange(status int) error {
	return fmt.Errorf("%s does not answer as an identity service does (status %d); is the address right?", c.base, status)
}

// all reads a list, page by page: most of it at most, unless that is 0. more reports
// whether there is more.
func all[T any](ctx context.Context, c *connection, path string, query url.Values, most int) (items []T, more bool, err error) {
	const pageSize = 200
	items = []T{}
	if query == nil {
		query = url.Values{}
	}
	for {
		size := pageSize
		if most > 0 {
			size = min(size, most-len(items))
		}
		query.Set("limit", strconv.Itoa(size))
		var page api.Page[T]
		if err := c.do(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return nil, false, err
		}
		items = append(items, page.Data...)
		if page.NextCursor == nil {
			return items, false, nil
		}
		if most > 0 && len(items) >= most {
			return items, true, nil
		}
		query.Set("cursor", *page.NextCursor)
	}
}

// segment is a value as one segment of a path.
func segment(value string) string {
	return strings.ReplaceAll(url.PathEscape(value), "+", "%2B")
}
