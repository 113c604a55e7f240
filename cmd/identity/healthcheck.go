package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

func healthcheckCommand(p *program) *cobra.Command {
	var ready bool
	cmd := &cobra.Command{
		Use: "healthcheck", Short: "Ask the service on this machine whether it is alive", Args: cobra.NoArgs,
		Long: `Ask the service on this machine, on PORT, whether it is alive; with --ready whether
it can serve. The exit code is 0 if so, else 1, as a container's health check has it.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := loadSettings(p.lookup)
			if err != nil {
				return err
			}
			path := "/healthz"
			if ready {
				path = "/readyz"
			}
			return ask(cmd, s, path)
		},
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "ask whether it can serve")
	return cmd
}

// errUnhealthy is an answer that is not 200.
var errUnhealthy = errors.New("the service answers, but not that it is well")

func ask(cmd *cobra.Command, s settings, path string) error {
	host := s.host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http"
	if s.tlsCertFile != "" {
		scheme = "https"
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		// The name in the certificate is the public one, and nothing secret
		// is sent to this machine's own port.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	}}
	request, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, scheme+"://"+net.JoinHostPort(host, strconv.Itoa(s.port))+path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("the service does not answer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%w (status %d)", errUnhealthy, response.StatusCode)
	}
	return nil
}
