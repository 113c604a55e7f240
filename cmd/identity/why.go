package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
)

func whyCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use: "why REQUEST_ID", Short: "Say why a request was refused", Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Say why a request was refused: which check failed, the facts, who it was, where from, and
what to do. The id is the request_id of the answer, and its X-Request-Id. Whoever was refused was told
the generic answer only.

If nothing is known of the request, the exit code is 2, and what may be the reason is said.`,
		Example: `  identity why 01a217ba-c88c-7a3a-9074-aeea7d364284
  identity why 01a217ba-c88c-7a3a-9074-aeea7d364284 -o json`,
	}
	cmd.Flags().Bool("local", false, "work on the database directly, also where a context is stored")
	format := outputFlag(cmd)
	cmd.RunE = administer(p, func(cmd *cobra.Command, args []string, c *connection) error {
		w, err := lookWhy(cmd.Context(), p, c, args[0])
		if err != nil {
			return err
		}
		if err := w.print(p, *format); err != nil {
			return err
		}
		if !w.Found {
			return identity.Errorf(identity.NotFound, "Nothing is known of the request.").Because(errRefused)
		}
		return nil
	})
	return cmd
}

// why is what is known of a request.
type why struct {
	RequestID string `json:"request_id"`
	Found     bool   `json:"found"`
	// Refused reports whether it was refused: the rest is about that.
	Refused    bool           `json:"refused"`
	Conclusion string         `json:"conclusion"`
	Do         string         `json:"what_to_do,omitempty"`
	Check      string         `json:"check,omitempty"`
	Reason     string         `json:"reason,omitempty"`
	Answer     string         `json:"answer,omitempty"`
	Route      string         `json:"route,omitempty"`
	Who        string         `json:"who,omitempty"`
	Name       string         `json:"name,omitempty"`
	From       string         `json:"from,omitempty"`
	At         *time.Time     `json:"at,omitempty"`
	Credential string         `json:"credential,omitempty"`
	Facts      map[string]any `json:"facts,omitempty"`
	// Before are earlier refusals that explain this one: where from, or which.
	Before []string `json:"before,omitempty"`
	// Perhaps says why nothing is known.
	Perhaps []string    `json:"perhaps,omitempty"`
	Events  []api.Event `json:"events"`
}

// atMostBehind is how long an event may take until it is stored.
const atMostBehind = 300 * time.Millisecond

// lookWhy finds out what is known of a request.
func lookWhy(ctx context.Context, p *program, c *connection, id string) (why, error) {
	w := why{RequestID: id}
	var err error
	query := func() (events []api.Event, err error) {
		events, _, err = all[api.Event](ctx, c, "/api/audit", url.Values{"request_id": {id}}, 0)
		return events, err
	}
	if w.Events, err = query(); err == nil && len(w.Events) == 0 {
		select {
		case <-time.After(atMostBehind):
		case <-ctx.Done():
			return w, ctx.Err()
		}
		w.Events, err = query()
	}
	if err != nil {
		return w, err
	}
	w.Found = len(w.Events) > 0
	refusals := slices.DeleteFunc(slices.Clone(w.Events), func(e api.Event) bool { return e.Event != "request.refused" })
	switch {
	case !w.Found:
		w.Conclusion = "Nothing is known of the request."
		w.Perhaps, err = perhaps(ctx, c, id, time.Now())
	case len(refusals) == 0:
		w.Conclusion = "The request was not refused."
	default:
		err = w.explain(ctx, p, c, refusals[0])
	}
	return w, err
}

// explain takes over what is known of a refusal.
func (w *why) explain(ctx context.Context, p *program, c *connection, e api.Event) error {
	var d api.EventDetail
	if err := json.Unmarshal(e.Detail, &d); err != nil {
		return fmt.Errorf("the event of the refusal: %w", err)
	}
	if len(d.Facts) > 0 {
		if err := json.Unmarshal(d.Facts, &w.Facts); err != nil {
			return fmt.Errorf("the facts of the refusal: %w", err)
		}
	}
	w.Refused, w.Check, w.Reason, w.Credential = true, d.Check, d.Reason, d.Credential
	w.Answer, w.Route = fmt.Sprintf("%d %s", d.Status, d.Code), d.Method+" "+d.Route
	w.Who, w.From, w.At = e.Actor, e.IP, &e.At
	w.Conclusion, w.Do = d.Reason, "The answer said so too."
	if d.Status >= http.StatusInternalServerError {
		w.Do = "It is not the caller's fault: the log has more, under this request_id."
	}
	if a, known := adviceOn[identity.Check(d.Check)]; known {
		w.Conclusion, w.Do = filled(a.says, w.Facts), filled(a.do, w.Facts)
	}
	w.Name = nameOf(ctx, c, w.Who)
	w.do()
	return w.lookBack(ctx, p, c)
}

// do puts who it was into what to do.
func (w *why) do() {
	if w.Who == "" {
		return
	}
	for _, placeholder := range []string{"CLIENT", "USER", "ID"} {
		for _, end := range []string{`"`, " --"} {
			w.Do = strings.ReplaceAll(w.Do, " "+placeholder+end, " "+w.Who+end)
		}
	}
}

// nameOf returns the name of a user or client, or "" where it cannot be found out.
func nameOf(ctx context.Context, c *connection, id string) string {
	if id == "" {
		return ""
	}
	var user api.User
	if c.do(ctx, http.MethodGet, "/api/users/"+segment(id), nil, &user) == nil {
		return user.Username
	}
	var client api.Client
	if c.do(ctx, http.MethodGet, "/api/clients/"+segment(id), nil, &client) == nil {
		return client.Name
	}
	return ""
}

// refusedAs is another refusal under the same id, which the caller may choose, in a line.
func refusedAs(e api.Event) string {
	var d api.EventDetail
	_ = json.Unmarshal(e.Detail, &d) // what cannot be read is left out
	return strings.TrimSpace(fmt.Sprintf("%s %s %s (%s) %s", when(&e.At), d.Method, d.Route, d.Check, e.IP))
}

// print writes what is known.
func (w *why) print(p *program, format string) error {
	if format == "json" {
		return printJSON(p.stdout, w)
	}
	fmt.Fprintln(p.stdout, plain(w.Conclusion))
	for _, because := range w.Perhaps {
		fmt.Fprintln(p.stdout, "  Perhaps "+plain(because))
	}
	fields := [][2]string{}
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, [2]string{name, value})
		}
	}
	if w.Refused {
		fmt.Fprintln(p.stdout, plain(w.Do))
		add("request", w.Route)
		add("answer", w.Answer)
		add("check", w.Check)
		add("found", w.Reason)
		who := w.Who
		if w.Name != "" {
			who += " (" + w.Name + ")"
		}
		add("who", who)
		add("from", w.From)
		add("at", when(w.At))
		add("credential", w.Credential)
		for _, name := range sortedKeys(w.Facts) {
			add(strings.ReplaceAll(name, "_", " "), factText(w.Facts[name]))
		}
		for _, before := range w.Before {
			add("before", before)
		}
	}
	explained := false // the first refusal
	for _, e := range w.Events {
		switch {
		case e.Event != "request.refused":
			add("also", e.Event+" "+e.Outcome+" "+e.Target)
		case explained:
			add("also refused", refusedAs(e))
		}
		explained = explained || e.Event == "request.refused"
	}
	if len(fields) == 0 {
		return nil
	}
	fmt.Fprintln(p.stdout)
	return printFields(p.stdout, "table", nil, fields)
}
