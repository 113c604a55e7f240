package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/api"
)

func auditCommand(p *program) *cobra.Command {
	events := resource[api.Event]{
		p: p, name: "event", path: "/api/audit", header: "AT EVENT OUTCOME ACTOR TARGET IP REQUEST_ID DETAIL", most: 100,
		row: func(e api.Event) []string {
			return []string{when(&e.At), e.Event, e.Outcome, e.Actor, e.Target, e.IP, e.RequestID, string(e.Detail)}
		},
	}
	filters := map[string]*string{}
	cmd := events.list(func(cmd *cobra.Command, c *connection) (url.Values, error) {
		query := url.Values{}
		for name, value := range filters {
			if *value == "" {
				continue
			}
			id, err := idOf(cmd.Context(), p, c, *value)
			if err != nil {
				return nil, err
			}
			query.Set(name, id)
		}
		return query, nil
	})
	cmd.Short = "List who changed what, newest first"
	cmd.Long = `List who changed what, newest first. ACTOR and TARGET are ids; an actor such as
system:cli worked on the database directly. Who a user is says "identity user get ID"; the
filters also take user:NAME for the id of a user.`
	cmd.Example = `  identity audit list --target user:ann
  identity audit list --event client.secret.created --from 2026-01-01T00:00:00Z -o json`
	for name, usage := range map[string]string{
		"from": "not before this time (RFC 3339)", "to": "before this time (RFC 3339)", "event": "such as user.created", "outcome": "success or failure",
		"actor": "who did it: an id, or user:NAME", "target": "to what it was done: an id, or user:NAME",
		"ip": "address that it came from", "request-id": "id of the request",
	} {
		filters[strings.ReplaceAll(name, "-", "_")] = cmd.Flags().String(name, "", usage)
	}
	completeFlag(cmd, "outcome", "success", "failure")
	audit := administration("audit", "Look at who changed what, and prove that nobody changed that", cmd, auditTailCommand(p, events))
	audit.AddCommand(auditExportCommand(p), auditVerifyCommand(p), auditKeyCommand(p), auditHeadCommand(p))
	return audit
}

// idOf returns what was given, but for "user:" and a name the id of that user.
func idOf(ctx context.Context, p *program, c *connection, value string) (string, error) {
	name, named := strings.CutPrefix(value, "user:")
	if !named {
		return value, nil
	}
	return users(p).find(ctx, c, name)
}
