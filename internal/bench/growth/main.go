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
	"slices"
	"strconv"
	"strings"

	"github.com/seed-60f9e3ad/identity"
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

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("growth", flag.ContinueOnError)
	sizeList := flags.String("sizes", "1000,100000,1000000", "how many users, and as many clients, each installation has")
	rounds := flags.Int("rounds", 9, "how often all installations are asked; the table has the medians")
	samples := flags.Int("samples", 400, "how often an operation is done in a round; the slow ones less")
	jsonPath := flags.String("json", "", "also write the numbers to this file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	sizes, err := parseSizes(*sizeList)
	if err != nil {
		return err
	}
	if *rounds < 1 || *samples < 1 {
		return errors.New("-rounds and -samples: expected at least 1")
	}
	database, err := bench.DatabaseFrom(os.Getenv)
	if err != nil {
		return err
	}
	key := identity.NewSecret(os.Getenv("ENCRYPTION_KEY"))
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	results, err := measure(ctx, plan{database: database, key: key, sizes: sizes, rounds: *rounds, samples: *samples, logger: logger})
	if err != nil {
		return err
	}
	fmt.Fprint(out, table(results))
	if *jsonPath == "" {
		return nil
	}
	text, err := json.MarshalIndent(results, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(*jsonPath, append(text, '\n'), 0o600)
}

// parseSizes reads the sizes, smallest first.
func parseSizes(list string) ([]int, error) {
	var sizes []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < leastSize {
			return nil, fmt.Errorf("-sizes: expected numbers from %d on, separated by commas", leastSize)
		}
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	return slices.Compact(sizes), nil
}

// sized is the place of the installation of a size.
func sized(cfg store.Config, size int) store.Config {
	suffix := "_" + strconv.Itoa(size)
	cfg.Path += suffix
	cfg.Server.Schema += suffix
	return cfg
}
