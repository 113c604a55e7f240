package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("refresh", flag.ContinueOnError)
	refreshes := flags.Int("refreshes", identity.MaxMaxRefreshes, "how often one session is refreshed")
	samples := flags.Int("samples", 2000, "how many refreshes are timed, and a tenth as many logins")
	callers := flags.Int("callers", 8, "how many ask at once, each for a session of its own")
	jsonPath := flags.String("json", "", "also write the numbers to this file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *refreshes < 1 || *refreshes > identity.MaxMaxRefreshes || *samples < 10 || *callers < 1 {
		return fmt.Errorf("expected -refreshes 1 to %d, -samples from 10 and -callers from 1 on", identity.MaxMaxRefreshes)
	}
	database, err := bench.DatabaseFrom(os.Getenv)
	if err != nil {
		return err
	}
	s, err := open(ctx, database, identity.NewSecret(os.Getenv("ENCRYPTION_KEY")), slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer s.close()
	var r results
	for _, n := range []int{1, *callers} {
		speeds, err := s.speeds(ctx, n, *samples)
		if err != nil {
			return err
		}
		r.Speeds = append(r.Speeds, speeds...)
	}
	if r.Sizes, err = s.wear(ctx, *refreshes); err != nil {
		return err
	}
	fmt.Fprint(out, r.table())
	if *jsonPath == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(*jsonPath, append(text, '\n'), 0o600)
}
