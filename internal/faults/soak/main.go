package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := faults.Run(&command{ctx, os.Args[1:], os.Stdout, os.Stderr})
	stop()
	os.Exit(code) //nolint:forbidigo // this is main
}

// command is what faults.Run takes for the tests of a package.
type command struct {
	ctx      context.Context
	args     []string
	out, err io.Writer
}

// Run returns the exit code.
func (c *command) Run() int {
	o, err := parse(c.args, c.err)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(c.err, err)
		return 2
	}
	var r *report
	h := &host{ctx: c.ctx, err: c.err}
	h.run(func() { r = soak(h, o, c.out) })
	if r == nil || h.Failed() || !r.passed() {
		return 1
	}
	return 0
}

// options are those of a run.
type options struct {
	database               dbserver.Kind // empty is SQLite
	length, chapter        time.Duration
	every, sample, longest time.Duration
	rate                   float64
	seed                   uint64
}

func parse(args []string, to io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(to)
	name := flags.String("database", "postgresql", "postgresql, mariadb or sqlite")
	flags.DurationVar(&o.length, "for", time.Hour, "how long it runs")
	flags.DurationVar(&o.chapter, "chapter", 5*time.Minute, "how often the rules are checked, 10m at most")
	flags.DurationVar(&o.every, "every", 20*time.Second, "how far faults are apart, about")
	flags.DurationVar(&o.longest, "longest", 5*time.Second, "how long a fault lasts at most")
	flags.DurationVar(&o.sample, "sample", 5*time.Second, "how often nodes are asked how they are")
	flags.Float64Var(&o.rate, "rate", 50, "how many things are done in a second at most; most are one request")
	flags.Uint64Var(&o.seed, "seed", rand.Uint64(), "of the faults' order and lengths") //nolint:gosec // it only chooses faults
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	kinds := map[string]dbserver.Kind{"postgresql": dbserver.PostgreSQL, "mariadb": dbserver.MariaDB, "sqlite": ""}
	kind, known := kinds[*name]
	o.database = kind
	// Tokens last a quarter of an hour, and must be good when they are checked.
	if !known || o.length <= 0 || o.chapter <= 0 || o.chapter > 10*time.Minute || o.every <= 0 || o.longest <= 0 || o.sample <= 0 || o.rate <= 0 {
		return o, fmt.Errorf("expected -database postgresql, mariadb or sqlite, -chapter up to 10m, and all else above 0")
	}
	return o, nil
}

// soak runs nodes for as long as the options say and writes what it does, and then the
// table, to out.
func soak(t testing.TB, o options, out io.Writer) *report {
	t.Helper()
	fmt.Fprintf(out, "seed %d: %v on %s, %v requests a second\n", o.seed, o.length, o.databaseName(), o.rate)
	w := newWorld(t, o)
	r := newReport(o)
	stop := w.watch(r)
	defer stop()
	dice := rand.New(rand.NewPCG(o.seed, 0)) //nolint:gosec // it only chooses faults
	for end, number := time.Now().Add(o.length), 1; time.Now().Before(end) && t.Context().Err() == nil; number++ {
		length := min(o.chapter, time.Until(end))
		violations := w.chapter(number, length, dice, r)
		fmt.Fprintf(out, "%s chapter %d: %d operations, %d faults so far, %d violations\n",
			time.Now().UTC().Format(time.TimeOnly), number, r.operations(), r.faults(), len(violations))
		for _, v := range violations {
			fmt.Fprintln(out, v)
		}
	}
	stop()
	fmt.Fprint(out, r.table())
	return r
}

func (o options) databaseName() string {
	if o.database == "" {
		return "SQLite"
	}
	return string(o.database)
}
