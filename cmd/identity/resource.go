package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity"
)

// resource is a kind of thing that can be listed, looked at, changed and deleted, as
// T. It makes those commands, which are the same for all kinds.
type resource[T any] struct {
	p *program
	// name and path: "user", "/api/users".
	name, path string
	// arg is what names one on the command line: "USER".
	arg string
	// header and row are its table; fields is one of them in full.
	header string
	row    func(T) []string
	fields func(T) [][2]string
	// id is its name in a path, title what people call it.
	id, title func(T) string
	// named reports whether the title is something else than the id.
	named bool
	// canonical is a title in the one spelling that the service shows; nil is as it is.
	canonical func(string) string
	// prefix is the parameter of a list that filters by the beginning of the title;
	// empty if there is none.
	prefix string
	// most is how many a list shows if not told; 0 is all.
	most int
}

// at returns the path of the one that is named by its id, or else by its title.
func (r resource[T]) at(ctx context.Context, c *connection, name string) (string, error) {
	id, err := r.find(ctx, c, name)
	return r.path + "/" + segment(id), err
}

// find returns the id of the one that is named by it, or else by its title. The id comes
// first: nobody takes another's place by calling themselves so.
func (r resource[T]) find(ctx context.Context, c *connection, name string) (id string, err error) {
	missing := c.do(ctx, http.MethodGet, r.path+"/"+segment(name), nil, nil)
	switch kind := identity.KindOf(missing); {
	case kind == identity.InsufficientPermission: // to look, but perhaps not to change
		return name, nil
	case kind != identity.NotFound || !r.named:
		return name, missing
	}
	title := name
	if r.canonical != nil {
		title = r.canonical(name)
	}
	items, _, err := all[T](ctx, c, r.path, r.beginning(title), r.enough())
	if err != nil {
		return name, err
	}
	for _, item := range items {
		if r.title(item) == title {
			return r.id(item), nil
		}
	}
	return name, missing
}

// beginning is the query for those whose title begins so.
func (r resource[T]) beginning(title string) url.Values {
	if r.prefix == "" || title == "" {
		return nil
	}
	return url.Values{r.prefix: {title}}
}

// enough is how many to read in search of a title: lists have the order of titles, so
// that among those that begin with it the one itself is the first.
func (r resource[T]) enough() int {
	if r.prefix == "" {
		return 0
	}
	return 1
}

func (r resource[T]) list(query func(cmd *cobra.Command, c *connection) (url.Values, error)) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List " + r.name + "s", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions}
	limit := cmd.Flags().Int("limit", r.most, "show at most so many; 0 is all")
	format := outputFlag(cmd)
	cmd.RunE = administer(r.p, func(cmd *cobra.Command, _ []string, c *connection) error {
		if *limit < 0 {
			return errors.New("--limit: expected 0 or more")
		}
		var filters url.Values
		if query != nil {
			var err error
			if filters, err = query(cmd, c); err != nil {
				return err
			}
		}
		items, more, err := all[T](cmd.Context(), c, r.path, filters, *limit)
		if err != nil {
			return err
		}
		if more {
			fmt.Fprintf(r.p.stderr, "There are more than these %d; --limit shows them.\n", len(items))
		}
		return printTable(r.p.stdout, *format, items, r.header, rows(items, r.row))
	})
	return cmd
}

func rows[T any](items []T, row func(T) []string) [][]string {
	rows := make([][]string, len(items))
	for i, item := range items {
		rows[i] = row(item)
	}
	return rows
}

// one makes a command that works on the one that its argument names.
func (r resource[T]) one(verb, short string) *cobra.Command {
	return &cobra.Command{Use: verb + " " + r.arg, Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: complete(r.p, r.titles)}
}

func (r resource[T]) get() *cobra.Command {
	return r.send("get", "Show a "+r.name, http.MethodGet, nil)
}

func (r resource[T]) enable() *cobra.Command {
	return r.send("enable", "Enable a "+r.name, http.MethodPatch, members{"enabled": true})
}

func (r resource[T]) disable() *cobra.Command {
	return r.send("disable", "Disable a "+r.name+": it gets no more tokens", http.MethodPatch, members{"enabled": false})
}

// send is a command that always sends the same, and shows what is there then.
func (r resource[T]) send(verb, short, method string, body any) *cobra.Command {
	cmd := r.one(verb, short)
	format := outputFlag(cmd)
	cmd.RunE = administer(r.p, func(cmd *cobra.Command, args []string, c *connection) error {
		item, err := r.change(cmd.Context(), c, method, args[0], body)
		if err != nil {
			return err
		}
		return printFields(r.p.stdout, *format, item, r.fields(item))
	})
	return cmd
}

// update is a command that sends the members which its flags were given for.
func (r resource[T]) update(short, example string, flags func(*cobra.Command) func() (members, error)) *cobra.Command {
	cmd := r.one("update", short)
	cmd.Example = example
	read := flags(cmd)
	format := outputFlag(cmd)
	cmd.RunE = administer(r.p, func(cmd *cobra.Command, args []string, c *connection) error {
		patch, err := read()
		if err != nil {
			return err
		}
		item, err := r.patch(cmd.Context(), c, args[0], patch)
		if err != nil {
			return err
		}
		return printFields(r.p.stdout, *format, item, r.fields(item))
	})
	return cmd
}

func (r resource[T]) patch(ctx context.Context, c *connection, name string, patch members) (item T, err error) {
	if len(patch) == 0 {
		return item, errors.New("there is nothing to change; see --help")
	}
	return r.change(ctx, c, http.MethodPatch, name, patch)
}

func (r resource[T]) change(ctx context.Context, c *connection, method, name string, body any) (item T, err error) {
	path, err := r.at(ctx, c, name)
	if err != nil {
		return item, err
	}
	err = c.do(ctx, method, path, body, &item)
	return item, err
}

func (r resource[T]) remove(consequence string) *cobra.Command {
	cmd := r.one("delete", "Delete a "+r.name)
	yes := yesFlag(cmd)
	cmd.RunE = administer(r.p, func(cmd *cobra.Command, args []string, c *connection) error {
		path, err := r.at(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		return destroy(cmd, r.p, c, path, *yes, fmt.Sprintf("the %s %s", r.name, args[0]), consequence)
	})
	return cmd
}

func yesFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().BoolP("yes", "y", false, "do not ask")
}

// destroy deletes what is at the path, after a question.
func destroy(cmd *cobra.Command, p *program, c *connection, path string, yes bool, what, consequence string) error {
	if !yes {
		if err := confirm(p, "Delete "+what+"? "+consequence); err != nil {
			return err
		}
	}
	if err := c.do(cmd.Context(), http.MethodDelete, path, nil, nil); err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "Deleted %s.\n", plain(what))
	return nil
}
