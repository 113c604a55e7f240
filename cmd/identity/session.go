package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/api"
)

const sessionsPath = "/api/sessions"

// errNobody is for a variable of the shell that was not set.
var errNobody = errors.New("expected a name or an id, and not nothing")

// sessions is the resource of logins that can be refreshed.
func sessions(p *program) resource[api.Session] {
	return resource[api.Session]{
		p: p, name: "session", path: sessionsPath, header: "ID USER_ID AUDIENCE CREATED LAST_REFRESHED EXPIRES REFRESHES_LEFT IP USER_AGENT", most: 100,
		row: func(s api.Session) []string {
			return []string{s.ID, s.UserID, s.Audience, when(&s.CreatedAt), orNever(s.LastRefreshedAt), when(&s.ExpiresAt), fmt.Sprint(s.RefreshesLeft), s.IP, s.UserAgent}
		},
		title: func(s api.Session) string { return s.ID },
	}
}

func sessionCommand(p *program) *cobra.Command {
	return administration("session", "Look at the sessions of users and end them", sessionListCommand(p), sessionEndCommand(p))
}

func sessionListCommand(p *program) *cobra.Command {
	var user string
	cmd := sessions(p).list(func(cmd *cobra.Command, c *connection) (url.Values, error) {
		if !cmd.Flags().Changed("user") {
			return nil, nil
		}
		if user == "" {
			return nil, errNobody
		}
		id, err := users(p).find(cmd.Context(), c, user)
		return url.Values{"user_id": {id}}, err
	})
	cmd.Short = "List sessions, those that began last first"
	cmd.Long = `List the sessions that are not over, those that began last first. The address and the
user agent are those of the last refresh, else of the login; the user agent is what the
caller said of itself.`
	cmd.Example = `  identity session list --user ann`
	cmd.Flags().StringVar(&user, "user", "", "only those of this user, by name or id")
	findFlag(cmd, p, "user", users(p).titles)
	return cmd
}

func sessionEndCommand(p *program) *cobra.Command {
	var user string
	var everybody bool
	cmd := &cobra.Command{
		Use: "end [ID]", Short: "End a session, those of a user, or all", Args: cobra.MaximumNArgs(1), ValidArgsFunction: complete(p, sessions(p).titles),
		Long: `End a session, all of a user, or with --all every one that there is: their refresh tokens
are good no more. Neither are their access tokens for this service. Other services that keep
the revocation list learn it within seconds; those that do not accept them until they expire.
With --all nothing is on that list: "identity revocation create --all" is for that.

After --all everybody logs in again. It is the step after restoring a backup, in which
refresh tokens that were used or ended since would be good again; and the cure where the
secret of refresh tokens is damaged, for it makes a new one.`,
		Example: `  identity session end 0196f3a0-7d1c-7b8e-9a4e-0d6c1f2b3a49
  identity session end --user ann
  identity session end --all`,
	}
	cmd.Flags().StringVar(&user, "user", "", "end all of this user, by name or id")
	findFlag(cmd, p, "user", users(p).titles)
	cmd.Flags().BoolVar(&everybody, "all", false, "end every session of everybody")
	yes := yesFlag(cmd)
	cmd.MarkFlagsMutuallyExclusive("user", "all")
	cmd.RunE = administer(p, func(cmd *cobra.Command, args []string, c *connection) error {
		name := user
		if len(args) == 1 {
			name = args[0]
		}
		if len(args) == 1 == (everybody || cmd.Flags().Changed("user")) {
			return errors.New("expected either the id of a session, or --user, or --all")
		}
		path, said, question := sessionsPath+"/"+segment(name), "The session has ended.", "End the session "+name+"?"
		var err error
		switch {
		case everybody:
			path, said, question = sessionsPath, "Every session has ended: everybody has to log in again.", "End every session? Everybody has to log in again."
		case name == "":
			err = errNobody
		case len(args) == 0:
			path, err = users(p).at(cmd.Context(), c, name)
			path, said, question = path+"/sessions", "The sessions of "+plain(name)+" have ended.", "End every session of "+name+"?"
		}
		if err == nil && !*yes {
			err = confirm(p, question)
		}
		if err != nil {
			return err
		}
		if err := c.do(cmd.Context(), http.MethodDelete, path, nil, nil); err != nil {
			return err
		}
		fmt.Fprintln(p.stderr, said)
		return nil
	})
	return cmd
}
