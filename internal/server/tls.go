package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is the server's certificate, read again when its files change.
type certificate struct {
	certFile, keyFile string
	logger            *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	loaded  [2]time.Time // when the files that are current were written
	checked time.Time
}

// certificateCheck is how often the files are looked at, at most.
const certificateCheck = time.Second

func loadCertificate(certFile, keyFile string, logger *slog.Logger) (*certificate, error) {
	if certFile == "" || keyFile == "" {
		return nil, fmt.Errorf("TLS_CERT_FILE and TLS_KEY_FILE go together")
	}
	c := &certificate{certFile: certFile, keyFile: keyFile, logger: logger}
	return c, c.load()
}

// config returns a TLS configuration with Go's defaults, from TLS 1.2 on.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.get(), nil
		},
	}
}

// get returns the certificate in the files. While they cannot be read, or do not
// belong together because only one has been replaced yet, the former one serves.
func (c *certificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) >= certificateCheck {
		c.checked = time.Now()
		if written, err := c.written(); err == nil && written != c.loaded {
			if err := c.load(); err != nil {
				c.logger.Warn("the new TLS certificate cannot be used; the former one serves", "error", err.Error())
			} else {
				c.logger.Info("the TLS certificate was read again")
			}
		}
	}
	return c.current
}

func (c *certificate) load() error {
	written, err := c.written()
	if err != nil {
		return fmt.Errorf("TLS_CERT_FILE, TLS_KEY_FILE: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("TLS_CERT_FILE, TLS_KEY_FILE: %w", err)
	}
	c.current, c.loaded = &pair, written
	return nil
}

func (c *certificate) written() (times [2]time.Time, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return times, err
		}
		times[i] = info.ModTime()
	}
	return times, nil
}
