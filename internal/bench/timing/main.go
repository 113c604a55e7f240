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
	"path/filepath"
	"regexp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/bench"
	"github.com/seed-60f9e3ad/identity/internal/store"
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

const leastSamples = 4

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("timing", flag.ContinueOnError)
	samples := flags.Int("samples", 1000, "how often each request of a pair is made")
	only := flags.String("pairs", "", "measure only pairs whose name this regular expression finds")
	memory := flags.Uint("hash-memory", uint(argon2.DefaultParams().Memory), "KiB that a hash takes; with less than the default the table says nothing about the real service")
	jsonPath := flags.String("json", "", "also write the numbers to this file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := regexp.Compile(*only)
	if err != nil || *samples < leastSamples || *memory < 64 || *memory > argon2.MaxMemory {
		return fmt.Errorf("expected -samples from %d on, -hash-memory 64 to %d and for -pairs a regular expression", leastSamples, argon2.MaxMemory)
	}
	database, err := databaseFrom(os.Getenv)
	if err != nil {
		return err
	}
	if database.Path == "" && database.Driver == "" {
		folder, err := os.MkdirTemp("", "identity-timing-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder) //nolint:errcheck // it is in the folder of temporary files
		database.Path = filepath.Join(folder, "identity.db")
	}
	hashing := argon2.DefaultParams()
	hashing.Memory = uint32(*memory)
	s, err := open(ctx, config{
		database: database, key: identity.NewSecret(os.Getenv("ENCRYPTION_KEY")), hashing: hashing,
		logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	defer s.close()
	results, err := s.measure(ctx, chosen, *samples)
	if err != nil {
		return err
	}
	fmt.Fprint(out, table(results))
	if *jsonPath != "" {
		text, err := json.MarshalIndent(results, "", "\t")
		if err != nil {
			return err
		}
		if err := os.WriteFile(*jsonPath, append(text, '\n'), 0o600); err != nil {
			return err
		}
	}
	return verdict(results)
}

// databaseFrom is bench.DatabaseFrom, but nothing set is the zero Config.
func databaseFrom(getenv func(string) string) (store.Config, error) {
	if getenv("DATABASE_DRIVER") == "" && getenv("DATABASE_PATH") == "" {
		return store.Config{}, nil
	}
	return bench.DatabaseFrom(getenv)
}
