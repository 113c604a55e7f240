package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/doctor"
)

// errCare is what ends doctor where something needs care.
var errCare = errors.New("something needs care")

func doctorCommand(p *program) *cobra.Command {
	var unusedDays int
	var quiet bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what is not as it should be, and what to do", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long: `Say how the installation is: its configuration and settings with the origin of each value, what
was measured, and what is not as it should be, each with its cause and cure. It asks the
service, or looks at the database, and then, as verifiers do, for the discovery document of
the issuer.

The exit code is 6 where something needs care, so that it can run every night.`,
		Example: `  identity doctor
  identity doctor --quiet
  identity doctor --unused-days 30 -o json`,
	}
	cmd.Flags().Bool("local", false, "work on the database directly, also where a context is stored")
	cmd.Flags().IntVar(&unusedDays, "unused-days", 90, "after how many days without use something is unused, 1 to 3650")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "show findings only")
	format := outputFlag(cmd)
	cmd.RunE = administer(p, func(cmd *cobra.Command, _ []string, c *connection) error {
		var report api.HealthReport
		if err := c.do(cmd.Context(), http.MethodGet, fmt.Sprintf("/api/health-report?unused_days=%d", unusedDays), nil, &report); err != nil {
			return err
		}
		reached := reachIssuer(cmd.Context(), c, issuerOf(report))
		report.Findings = append(reached, report.Findings...)
		for _, f := range reached {
			report.NeedsCare = report.NeedsCare || f.Severity == string(doctor.Care)
		}
		if err := printHealth(p, *format, report, quiet); err != nil {
			return err
		}
		if report.NeedsCare {
			return errCare
		}
		return nil
	})
	return cmd
}

func issuerOf(report api.HealthReport) string {
	for _, v := range report.Configuration {
		if v.Name == "jwt_issuer" {
			return v.Value
		}
	}
	return ""
}

// reachIssuer asks for the discovery document, and the keys that it names, as verifiers do.
// An issuer that is no URL cannot be asked.
func reachIssuer(ctx context.Context, c *connection, issuer string) (findings []api.Finding) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return nil // the report says so
	}
	seen := doctor.Discovered{Issuer: issuer, From: strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"}
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if seen.Err = getJSON(ctx, seen.From, &document); seen.Err == nil {
		seen.Says = document.Issuer
		seen.Missing, seen.Err = missingKeys(ctx, c, document.JWKSURI)
	}
	for _, f := range doctor.Reach(seen) {
		findings = append(findings, api.Finding{ID: f.ID, Severity: string(f.Severity), About: f.About, Cause: f.Cause, Cure: f.Cure})
	}
	return findings
}

// missingKeys returns the keys that the installation publishes and the address does not.
func missingKeys(ctx context.Context, c *connection, address string) (missing []string, err error) {
	var published, own api.JWKS
	if err := getJSON(ctx, address, &published); err != nil {
		return nil, err
	}
	if err := c.do(ctx, http.MethodGet, jwksPath, nil, &own); err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, k := range published.Keys {
		there[k.KID] = true
	}
	for _, k := range own.Keys {
		if !there[k.KID] {
			missing = append(missing, k.KID)
		}
	}
	return missing, nil
}

// getJSON reads a public document.
func getJSON(ctx context.Context, address string, v any) error {
	client := http.Client{Timeout: 10 * time.Second}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("its address cannot be read")
	}
	response, err := client.Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer has the status %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil && json.Unmarshal(text, v) != nil {
		err = errors.New("the answer is no such document")
	}
	return err
}

func printHealth(p *program, format string, report api.HealthReport, quiet bool) error {
	if format == "json" {
		return printJSON(p.stdout, report)
	}
	if !quiet {
		if err := printValues(p, report); err != nil {
			return err
		}
	}
	care := 0
	for _, f := range report.Findings {
		if f.Severity == string(doctor.Care) {
			care++
		}
		fmt.Fprintf(p.stdout, "%s\n  %s\n  → %s\n", plain(strings.TrimSpace(f.Severity+": "+f.ID+" "+f.About)), plain(f.Cause), plain(f.Cure))
	}
	switch {
	case care > 0:
		fmt.Fprintf(p.stdout, "\n%d of %d findings need care.\n", care, len(report.Findings))
	default:
		fmt.Fprintln(p.stdout, "Nothing needs care.")
	}
	return nil
}

// printValues shows how everything is set, and what was measured.
func printValues(p *program, report api.HealthReport) error {
	rows := [][]string{strings.Fields("SETTING VALUE ORIGIN")}
	for _, v := range append(append([]api.SettingValue{}, report.Configuration...), report.Settings...) {
		if v.Value != "" {
			rows = append(rows, []string{v.Name, v.Value, v.Origin})
		}
	}
	if err := printCells(p.stdout, rows); err != nil {
		return err
	}
	m := report.Measured
	seconds := func(s float64) string { return (time.Duration(s*1e6) * time.Microsecond).String() }
	disk := ""
	if m.DiskFree != nil && m.DiskTotal != nil {
		disk = fmt.Sprintf("%d of %d MiB free", *m.DiskFree>>20, *m.DiskTotal>>20)
	}
	age := ""
	if m.SigningKeyAge != nil {
		age = fmt.Sprintf("%d days", *m.SigningKeyAge/86400)
	}
	fmt.Fprintln(p.stdout)
	err := printFields(p.stdout, "table", nil, [][2]string{
		{"clock of the database", cmp.Or(seconds(m.ClockOffset), "0s") + " ahead"}, {"one password hash", seconds(m.HashTime)},
		{"hashes at once", fmt.Sprintf("%d, on %d cores", m.HashSlots, m.Cores)},
		{"database connections", fmt.Sprintf("%d open, %d in use, at most %d", m.ConnectionsOpen, m.ConnectionsInUse, m.ConnectionsLimit)},
		{"disk of the database", disk}, {"signing keys", fmt.Sprint(m.SigningKeys)}, {"age of the one that signs", age},
	})
	fmt.Fprintln(p.stdout)
	return err
}
