package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/bench"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

// options are what the flags say.
type options struct {
	workloads, algorithm, tags, env, jsonPath, sweep, plots, bare, certificate, key string
	connections, clients, active, users, rounds, nodes                              int
	lasts                                                                           time.Duration
	rate, assertions                                                                float64
	secure                                                                          bool
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.StringVar(&o.workloads, "workloads", "", "measure only workloads whose name this regular expression finds")
	flags.StringVar(&o.algorithm, "algorithm", "ES256", "what tokens are signed by")
	flags.StringVar(&o.tags, "tags", "", "build tags of the service")
	flags.StringVar(&o.env, "env", "", "environment of the service, NAME=VALUE, separated by commas")
	flags.IntVar(&o.connections, "connections", 32, "how many ask at once")
	flags.IntVar(&o.nodes, "nodes", 1, "how many nodes there are, on one database")
	flags.IntVar(&o.clients, "clients", 1000, "how many clients of each sort there are")
	flags.IntVar(&o.active, "active", 200, "how many of them ask: each costs a hash when it asks first")
	flags.IntVar(&o.users, "users", 1000, "how many users there are")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each is measured")
	flags.DurationVar(&o.lasts, "for", 5*time.Second, "how long a round lasts")
	flags.Float64Var(&o.rate, "rate", 0, "requests per second that are due, however many are answered; 0 asks again when there is an answer")
	flags.Float64Var(&o.assertions, "assertions", 6000, "client assertions that are made beforehand for each second")
	flags.BoolVar(&o.secure, "tls", false, "with TLS")
	flags.StringVar(&o.jsonPath, "json", "", "also write the numbers to this file")
	flags.StringVar(&o.sweep, "sweep", "", "also measure the first workload that has a bare server with these numbers of connections, such as 1,2,4,8")
	flags.StringVar(&o.plots, "plots", "", "write throughput.svg and latency.svg of that into this folder")
	flags.StringVar(&o.bare, "bare", "", "be the bare server of this kind, and nothing else")
	flags.StringVar(&o.certificate, "certificate", "", "PEM file with the certificate of the bare server")
	flags.StringVar(&o.key, "key", "", "PEM file with its key")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.nodes < 1 || o.connections < 1 || o.active < 1 || o.clients < o.active || o.users < o.connections || o.rounds < 1 || o.lasts <= 0 || o.rate < 0 || o.assertions < 1 {
		return o, errors.New("expected at least one of each, no more -active than -clients, and no fewer -users than -connections")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.bare != "" {
		return serveBare(ctx, out, o.bare, o.certificate, o.key)
	}
	chosen, err := regexp.Compile(o.workloads)
	if err != nil {
		return fmt.Errorf("-workloads: %w", err)
	}
	algorithm, err := jose.ParseAlgorithm(o.algorithm)
	if err != nil {
		return fmt.Errorf("-algorithm: %w", err)
	}
	steps, err := parseSweep(o.sweep)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "identity-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is in the folder of temporary files
	database, err := databaseFrom(folder)
	if err != nil {
		return err
	}
	l := &load{
		in: &installation{database: database, key: seal.GenerateKey(), algorithm: algorithm, clients: o.clients, users: o.users}, folder: folder, services: o.nodes,
		connections: o.connections, active: o.active, rounds: o.rounds, lasts: o.lasts, openRate: o.rate, mostPerSecond: o.assertions, steps: steps, progress: progress,
	}
	if o.env != "" {
		l.env = strings.Split(o.env, ",")
	}
	if set := os.Getenv("ENCRYPTION_KEY"); set != "" {
		l.in.key = identity.NewSecret(set)
	}
	if o.secure {
		if l.certificate, l.secure, err = certify(folder); err != nil {
			return err
		}
	}
	if l.program, err = build(ctx, folder, o.tags); err != nil {
		return err
	}
	rep, err := l.run(ctx, chosen.MatchString)
	if err != nil {
		return err
	}
	fmt.Fprint(out, rep.table())
	if o.plots != "" && len(rep.Sweep) > 0 {
		if err := draw(o.plots, rep.Swept+", "+rep.Algorithm, rep.Sweep); err != nil {
			return err
		}
	}
	if o.jsonPath == "" {
		return nil
	}
	text, err := json.MarshalIndent(rep, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(o.jsonPath, append(text, '\n'), 0o600)
}

// databaseFrom is the database of the environment, or else one in the folder.
func databaseFrom(folder string) (store.Config, error) {
	if os.Getenv("DATABASE_DRIVER") == "" && os.Getenv("DATABASE_PATH") == "" {
		return store.Config{Driver: store.SQLite, Path: filepath.Join(folder, "identity.db")}, nil
	}
	return bench.DatabaseFrom(os.Getenv)
}
