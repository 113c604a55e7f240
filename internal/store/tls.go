package store

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLS says how connections to a database server are secured, with libpq's meaning
// (PostgreSQL documentation, "SSL Support", table "SSL Mode Descriptions").
type TLS struct {
	// Mode is disable, allow, prefer, require, verify-ca or verify-full; empty is
	// prefer.
	Mode string
	// RootCert is a PEM file of CA certificates, or SystemRoots for those of this machine.
	// With it, require verifies like verify-ca.
	RootCert string
	// Cert and Key are PEM files of the certificate to show the server.
	Cert, Key string
}

// verified reports whether connections made so lead to a server that has proved who it is.
func verified(secured *tls.Config) bool {
	return secured != nil && (!secured.InsecureSkipVerify || secured.VerifyConnection != nil)
}

// SystemRoots as RootCert stands for the CAs of this machine.
const SystemRoots = "system"

// ways returns the ways to connect, in the order in which they are tried; nil is
// without TLS. The server's name is still to be filled in.
func (t TLS) ways() ([]*tls.Config, error) {
	if t.Mode == "disable" {
		return []*tls.Config{nil}, nil // certificates are not looked at
	}
	// Anybody can have a certificate of a public CA: without the name it says nothing.
	verifies := t.Mode == "verify-ca" || t.Mode == "verify-full"
	if verifies && t.RootCert == "" || t.RootCert == SystemRoots && t.Mode != "verify-full" {
		return nil, errors.New("DATABASE_SSL_ROOT_CERT: verify-ca and verify-full need it, and system is for verify-full only")
	}
	secured, err := t.config()
	if err != nil {
		return nil, err
	}
	switch t.Mode {
	case "allow":
		return []*tls.Config{nil, secured}, nil
	case "prefer", "":
		return []*tls.Config{secured, nil}, nil
	case "require", "verify-ca", "verify-full":
		return []*tls.Config{secured}, nil
	}
	return nil, errors.New("DATABASE_SSL_MODE: there is no such mode")
}

func (t TLS) config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("DATABASE_SSL_CERT, DATABASE_SSL_KEY: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	roots, err := t.roots()
	if err != nil {
		return nil, err
	}
	cfg.RootCAs = roots
	switch {
	case t.Mode == "verify-full":
	case t.Mode == "verify-ca", t.Mode == "require" && t.RootCert != "":
		// The chain is verified, the name is not.
		cfg.InsecureSkipVerify = true
		cfg.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, roots) }
	default:
		cfg.InsecureSkipVerify = true // what these modes mean: encrypted, whoever it is
	}
	return cfg, nil
}

// roots returns the CAs to verify with; nil is those of this machine.
func (t TLS) roots() (*x509.CertPool, error) {
	if t.RootCert == "" || t.RootCert == SystemRoots {
		return nil, nil //nolint:nilnil // crypto/tls takes nil for the machine's own
	}
	text, err := os.ReadFile(t.RootCert)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_SSL_ROOT_CERT: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("DATABASE_SSL_ROOT_CERT: there is no certificate in PEM form in the file")
	}
	return roots, nil
}

func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		options.Intermediates.AddCert(c)
	}
	if _, err := s.PeerCertificates[0].Verify(options); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
	}
	return nil
}
