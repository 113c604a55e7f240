package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/internal/server"
)

func serveCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the service", Args: cobra.NoArgs,
		Long: `Run the service, configured by the environment: the README lists the variables under
"Settings".

On an empty database it makes a signing key and an administrator: ADMIN_USERNAME
with ADMIN_PASSWORD, or with a password that is generated and shown once. A later
start changes nothing.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := loadSettings(p.lookup)
			if err != nil {
				return err
			}
			straight := newLogger(s, p.stderr, "json")
			log := newLogWriter(p.stderr, func(records int64) {
				straight.Error("log records were lost: nobody read the log for a while", "count", records)
			})
			defer log.Close()
			return serve(cmd.Context(), s, newLogger(s, log, "json"), log)
		},
	}
}

// serve opens, prepares and serves the installation until ctx ends.
func serve(ctx context.Context, s settings, logger *slog.Logger, log *logWriter) (err error) {
	limitMemory(s)
	public, ops, err := listen(ctx, s) // first, because it can fail and leaves nothing
	if err != nil {
		return err
	}
	in, err := openInstallation(ctx, s, logger, true)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := in.Close(); err == nil {
			err = closeErr
		}
	}()
	in.Pool.MakeRoom()
	srv, err := newServer(in, s, logger, log.Lost) // what it refuses is refused before anything is made
	if err != nil {
		return err
	}
	if err := prepare(ctx, in, s, public, logger, log); err != nil {
		return err
	}
	sayHashing(ctx, s, in, logger)
	saySignatures(ctx, logger)
	return srv.Serve(ctx, public, ops)
}

// newServer makes the server; lost tells how many log records were dropped, or is nil.
func newServer(in *server.Installation, s settings, logger *slog.Logger, lost func() int64) (*server.Server, error) {
	limits := s.limits
	if !s.given["MAX_CONNECTIONS"] {
		limits.Connections = 0 // as many as suit the machine, without a warning
	}
	return server.New(server.Config{
		Installation: in, Logger: logger, TrustedProxies: s.trustedProxies, AddressFailures: s.addressFailures, Limits: limits, AllowedOrigins: s.allowedOrigins,
		TLSCertFile: s.tlsCertFile, TLSKeyFile: s.tlsKeyFile, AuditRetention: time.Duration(s.auditRetentionDays) * 24 * time.Hour,
		SeparateOps: s.opsPort >= 0, NoAPIDocs: s.apiDocs == "off", Version: version(), LostLogRecords: lost,
	})
}

// listen takes the ports. ops is nil unless OPS_PORT asks for it.
func listen(ctx context.Context, s settings) (public, ops net.Listener, err error) {
	var lc net.ListenConfig
	if public, err = lc.Listen(ctx, "tcp", net.JoinHostPort(s.host, strconv.Itoa(s.port))); err != nil {
		return nil, nil, fmt.Errorf("PORT, HOST: %w", err)
	}
	if s.opsPort < 0 {
		return public, nil, nil
	}
	if ops, err = lc.Listen(ctx, "tcp", net.JoinHostPort(s.host, strconv.Itoa(s.opsPort))); err != nil {
		return nil, nil, fmt.Errorf("OPS_PORT, HOST: %w", err)
	}
	return public, ops, nil
}

// prepare makes an empty database ready and tells what was made.
func prepare(ctx context.Context, in *server.Installation, s settings, public net.Listener, logger *slog.Logger, stderr io.Writer) error {
	issuer := s.jwtIssuer
	if issuer == "" {
		issuer = defaultIssuer(s, public)
	}
	done, err := in.Prepare(ctx, server.FirstStart{
		Issuer: issuer, Algorithm: s.jwtAlgorithm, AdminUsername: s.adminUsername, AdminPassword: s.adminPassword,
	})
	if err != nil {
		return fmt.Errorf("preparing the database: %w", err)
	}
	for _, step := range done.Migrations {
		logger.InfoContext(ctx, "schema migrated", "version", step.Version, "step", step.Name)
	}
	if done.First {
		logger.InfoContext(ctx, "first start: a signing key was made", "algorithm", s.jwtAlgorithm, "issuer", issuer)
	}
	if done.AdminUsername != "" {
		logger.InfoContext(ctx, "first start: an administrator was made", "username", done.AdminUsername)
	}
	warnOfSettings(ctx, s, done, logger)
	if !done.GeneratedPassword.Empty() {
		fmt.Fprintf(stderr, "\n  Administrator: %s\n  Password:      %s\n  It is shown this once. Keep it.\n\n", done.AdminUsername, done.GeneratedPassword.Reveal())
	}
	return nil
}

// warnOfSettings says what an operator might expect otherwise.
func warnOfSettings(ctx context.Context, s settings, done server.Prepared, logger *slog.Logger) {
	if host, err := url.Parse(done.Issuer); err == nil && host.Hostname() == "localhost" && s.jwtIssuer != done.Issuer { // else it is meant
		logger.WarnContext(ctx, "tokens carry an issuer that only this machine can reach: set JWT_ISSUER on the first start, or change it with PATCH /api/configuration", "issuer", done.Issuer)
	}
	if done.First {
		return
	}
	for _, setting := range settingsTable() {
		if setting.firstStart && s.given[setting.name] && (setting.name != "JWT_ISSUER" || s.jwtIssuer != done.Issuer) {
			logger.WarnContext(ctx, "this setting is looked at on the first start only, and was not looked at now", "setting", setting.name)
		}
	}
}

// defaultIssuer is this machine's own address of the service.
func defaultIssuer(s settings, public net.Listener) string {
	scheme := "http"
	if s.tlsCertFile != "" {
		scheme = "https"
	}
	return fmt.Sprintf("%s://localhost:%d", scheme, public.Addr().(*net.TCPAddr).Port)
}

func migrateCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the database schema up to date", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := loadSettings(p.lookup)
			if err != nil {
				return err
			}
			in, err := openInstallation(cmd.Context(), s, newLogger(s, p.stderr, "text"), true)
			if err != nil {
				return err
			}
			defer func() {
				if closeErr := in.Close(); err == nil {
					err = closeErr
				}
			}()
			steps, err := in.Migrate(cmd.Context())
			for _, step := range steps {
				fmt.Fprintf(p.stderr, "migrated to version %d (%s)\n", step.Version, step.Name)
			}
			if err == nil && len(steps) == 0 {
				fmt.Fprintln(p.stderr, "the schema is up to date")
			}
			return err
		},
	}
}
