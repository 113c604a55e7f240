package rest

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

const (
	declarationPattern = "/api/declaration"
	// maxDeclaration is how many bytes a declaration may have: that is room for some ten
	// thousand things.
	maxDeclaration    = 4 << 20
	maxDeclaredValues = 500_000
)

func (h *Handler) declaration() []Route {
	return []Route{
		{"GET", declarationPattern, identity.PermissionAdmin, h.exportDeclaration},
		{"POST", declarationPattern, identity.PermissionAdmin, h.applyDeclaration},
	}
}

func (h *Handler) exportDeclaration(w http.ResponseWriter, r request) error {
	if err := web.NoQuery(r.Request); err != nil {
		return err
	}
	d, err := h.admin.Declaration(r.Context(), r.caller)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, d)
}

func (h *Handler) applyDeclaration(w http.ResponseWriter, r request) error {
	if err := web.RequireJSON(r.Request); err != nil {
		return err
	}
	query, err := web.Query(r.Request, "dry_run", "prune")
	if err != nil {
		return err
	}
	var o admin.ApplyOptions
	for name, to := range map[string]*bool{"dry_run": &o.DryRun, "prune": &o.Prune} {
		if !query.Has(name) {
			continue
		}
		if text := query.Get(name); text != "true" && text != "false" {
			return badParameter(name, "must be true or false")
		}
		*to = query.Get(name) == "true"
	}
	d, err := readDeclaration(r.body)
	if err != nil {
		return err
	}
	plan, err := h.admin.Apply(r.Context(), r.caller, d, o)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, plan)
}

// readDeclaration reads a declaration strictly: what it does not know is a mistake.
func readDeclaration(body []byte) (d api.Declaration, err error) {
	o, err := web.ParseLargeObject(body, maxDeclaredValues)
	if err != nil {
		return d, err
	}
	for _, section := range []string{"version", "configuration", "roles", "audiences", "clients", "users"} {
		o.Has(section)
	}
	if err := o.Err(); err != nil {
		return d, err
	}
	if err := refuseNulls(body); err != nil {
		return d, err
	}
	err = json.Unmarshal(body, &d, json.RejectUnknownMembers(true))
	if err == nil {
		return d, nil
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return d, identity.Errorf(identity.InvalidJSON, "The body must be one JSON object.")
	}
	// The inner error is dropped: it may quote the input.
	field := identity.FieldError{Loc: []string{"body"}, Message: "has the wrong type", Type: identity.FieldWrongType}
	if errors.Is(err, json.ErrUnknownName) {
		field.Message, field.Type = "is not expected", identity.FieldUnknown
	}
	field.Loc = append(field.Loc, location(semantic.JSONPointer)...)
	return d, &identity.Error{Kind: identity.InvalidRequest, Message: "The declaration has invalid members.", Fields: []identity.FieldError{field}}
}

// location is where a JSON pointer (RFC 6901) leads, as far as it may be repeated: a name
// that nobody knows may be anything.
func location(pointer jsontext.Pointer) []string {
	var loc []string
	for token := range pointer.Tokens() {
		if len(token) > 32 || strings.Trim(token, "abcdefghijklmnopqrstuvwxyz_0123456789") != "" {
			token = "(not shown)"
		}
		loc = append(loc, token)
	}
	return loc
}

// refuseNulls refuses null but in metadata: it would be taken for absent, which is the
// default, and that may be more than somebody meant who left a value out.
func refuseNulls(body []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			return nil //nolint:nilerr // the end: all of it was read before
		}
		if token.Kind() != 'n' {
			continue
		}
		if loc := location(decoder.StackPointer()); len(loc) < 4 || loc[2] != "metadata" {
			return &identity.Error{Kind: identity.InvalidRequest, Message: "The declaration has invalid members.", Fields: []identity.FieldError{{
				Loc: append([]string{"body"}, loc...), Message: "must not be null: leave it out", Type: identity.FieldWrongType,
			}}}
		}
	}
}
