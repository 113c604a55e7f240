// Command orders is a service that accepts access tokens: GET /orders is for whoever has the
// permission orders:read. It is meant to be copied: what it needs of this module is package
// client, which finds the issuer's keys and its list of revoked tokens and keeps them.
//
// ISSUER and AUDIENCE say whose tokens count, and for whom they must be; HOST and PORT where it
// listens. REVOCATION_INTERVAL is how often the list is fetched, and REVOCATION_MAX_AGE after how
// long without one nobody is let in, both in seconds.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/seed-60f9e3ad/identity/client"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, logger *slog.Logger) error {
	every, errEvery := seconds("REVOCATION_INTERVAL", "15")
	maxStale, errStale := seconds("REVOCATION_MAX_AGE", "60")
	if err := errors.Join(errEvery, errStale); err != nil {
		return err
	}
	verifier, err := client.NewVerifier(client.VerifierConfig{
		Issuer: os.Getenv("ISSUER"), Audience: os.Getenv("AUDIENCE"),
		RevocationsEvery: every, MaxStale: maxStale,
		Logger: logger,
	})
	if err != nil {
		return err
	}
	defer verifier.Close()

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(or("HOST", "127.0.0.1"), or("PORT", "8000")))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: routes(verifier), ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintf(os.Stdout, "listening on http://%s\n", listener.Addr())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return server.Shutdown(last)
	}
}

// routes are all that the service has.
func routes(verifier *client.Verifier) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]string{"status": "ok"}) })
	// Whoever comes without a good token, or without the permission, does not come further: the
	// answers are those of RFC 6750 section 3.
	mux.Handle("GET /orders", verifier.Require("orders:read")(http.HandlerFunc(orders)))
	return mux
}

func orders(w http.ResponseWriter, r *http.Request) {
	caller := client.TokenOf(r.Context())
	answer(w, map[string]any{"orders": []string{}, "for": caller.Subject(), "user": caller.IsUser()})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) //nolint:errchkjson // the caller has gone: no error of ours
}

// or is the variable of the environment, or what stands for it.
func or(name, without string) string {
	if set := os.Getenv(name); set != "" {
		return set
	}
	return without
}

// seconds is a variable that may have a fraction.
func seconds(name, without string) (time.Duration, error) {
	n, err := strconv.ParseFloat(or(name, without), 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%s must be a number of seconds", name)
	}
	return time.Duration(n * float64(time.Second)), nil
}
