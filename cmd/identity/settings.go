package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/doctor"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// settings is what the environment says, parsed.
type settings struct {
	host    string
	port    int
	opsPort int // -1: none

	database store.Config

	encryptionKey identity.Secret

	tlsCertFile, tlsKeyFile string
	allowedOrigins          []string
	trustedProxies          []netip.Prefix
	keysNetworks            []netip.Prefix
	addressFailures         int
	auditRetentionDays      int

	passwordRangeURL string

	apiDocs string // "on" or "off"

	hashMemory int64 // KiB; 0: what suits the machine
	limits     server.Limits

	logLevel  slog.Level
	logFormat string

	adminUsername string
	adminPassword identity.Secret
	jwtIssuer     string // empty: from the port
	jwtAlgorithm  jose.Algorithm

	// given holds the names that were set; the others have their defaults.
	given map[string]bool
	// values are all of them, as somebody may be shown who asks how they are set.
	values []doctor.Value
}

// setting is one variable of the environment.
type setting struct {
	name string
	// fallback is the value when the variable is not set; empty for none.
	fallback string
	// purpose and expected are for the documentation; expected is also what an
	// error says instead of the value.
	purpose, expected string
	// secret settings may also come from the file that NAME_FILE names.
	secret bool
	// firstStart settings are looked at on an empty database only.
	firstStart bool
	set        func(s *settings, value string) error
}

// loadSettings reads every setting. Its error names each bad one with what was
// expected and repeats no value.
func loadSettings(lookup func(string) (string, bool)) (settings, error) {
	s := settings{opsPort: -1, given: map[string]bool{}}
	var faults []error
	for _, setting := range settingsTable() {
		value, given, err := read(setting, lookup)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if s.given[setting.name] = given; !given {
			value = setting.fallback
		}
		s.values = append(s.values, setting.shown(value, given, lookup))
		if value == "" {
			continue
		}
		if setting.set(&s, value) != nil {
			faults = append(faults, fmt.Errorf("%s: expected %s", setting.name, setting.expected))
		}
	}
	faults = append(faults, s.together()...)
	if len(faults) > 0 {
		return s, fmt.Errorf("the environment is not usable, nothing was started:\n  %w", joinLines(faults))
	}
	return s, nil
}

// shown is the setting with its value, unless that is secret, and where it is from.
func (s setting) shown(value string, given bool, lookup func(string) (string, bool)) doctor.Value {
	v := doctor.Value{Name: s.name, Value: value, Origin: doctor.OriginDefault}
	if s.secret && value != "" {
		v.Value = "[set]"
	}
	if given {
		v.Origin = doctor.OriginEnvironment
		if path, _ := lookup(s.name + "_FILE"); s.secret && path != "" {
			v.Origin = doctor.OriginFile
		}
	}
	return v
}

// read returns the value of a setting, from the variable or from the file that it
// may name. An empty variable counts as not set.
func read(setting setting, lookup func(string) (string, bool)) (value string, given bool, err error) {
	value, _ = lookup(setting.name)
	if !setting.secret {
		return value, value != "", nil
	}
	path, _ := lookup(setting.name + "_FILE")
	switch {
	case path == "":
		return value, value != "", nil
	case value != "":
		return "", true, fmt.Errorf("%s and %s_FILE: expected only one of them", setting.name, setting.name)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		return "", true, fmt.Errorf("%s_FILE: expected a readable file: %w", setting.name, err)
	}
	value = strings.TrimRight(string(text), "\r\n")
	if value == "" {
		return "", true, fmt.Errorf("%s_FILE: expected a file that is not empty", setting.name)
	}
	return value, true, nil
}

// together checks what no setting can say alone.
func (s *settings) together() (faults []error) {
	if (s.tlsCertFile == "") != (s.tlsKeyFile == "") {
		faults = append(faults, errors.New("TLS_CERT_FILE and TLS_KEY_FILE: expected both or none"))
	}
	if s.opsPort > 0 && s.opsPort == s.port {
		faults = append(faults, errors.New("OPS_PORT: expected another port than PORT"))
	}
	server := &s.database.Server
	if (server.TLS.Cert == "") != (server.TLS.Key == "") {
		faults = append(faults, errors.New("DATABASE_SSL_CERT and DATABASE_SSL_KEY: expected both or none"))
	}
	if s.database.Driver == store.SQLite || s.database.Driver == "" { // the latter has been said
		return faults
	}
	for _, name := range []string{"DATABASE_HOST", "DATABASE_USERNAME", "DATABASE_SCHEMA_NAME"} {
		if !s.given[name] {
			faults = append(faults, fmt.Errorf("%s: expected with DATABASE_DRIVER %s", name, s.database.Driver))
		}
	}
	if !s.given["ENCRYPTION_KEY"] {
		faults = append(faults, fmt.Errorf("ENCRYPTION_KEY: expected with DATABASE_DRIVER %s; \"identity encryption-key\" makes one", s.database.Driver))
	}
	mode := server.TLS.Mode
	if (mode == "verify-ca" || mode == "verify-full") && server.TLS.RootCert == "" {
		faults = append(faults, fmt.Errorf("DATABASE_SSL_ROOT_CERT: expected with DATABASE_SSL_MODE %s", mode))
	}
	if mode != "verify-full" && server.TLS.RootCert == store.SystemRoots {
		faults = append(faults, errors.New("DATABASE_SSL_ROOT_CERT: system is expected with DATABASE_SSL_MODE verify-full only, as anybody can have a certificate of a public CA"))
	}
	return faults
}

// joinLines is errors.Join with the indentation of a list.
func joinLines(faults []error) error {
	lines := make([]string, len(faults))
	for i, f := range faults {
		lines[i] = f.Error()
	}
	return errors.New(strings.Join(lines, "\n  "))
}

var errExpected = errors.New("not what was expected")

func setString(field func(*settings) *string) func(*settings, string) error {
	return func(s *settings, value string) error {
		*field(s) = value
		return nil
	}
}

func setInt(field func(*settings) *int, least, most int) func(*settings, string) error {
	return func(s *settings, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > most {
			return errExpected
		}
		*field(s) = n
		return nil
	}
}

func setOneOf(field func(*settings) *string, values ...string) func(*settings, string) error {
	return func(s *settings, value string) error {
		if !slices.Contains(values, value) {
			return errExpected
		}
		*field(s) = value
		return nil
	}
}

func setFile(field func(*settings) *string) func(*settings, string) error {
	return func(s *settings, value string) error {
		info, err := os.Stat(value)
		if err != nil || info.IsDir() {
			return errExpected
		}
		*field(s) = value
		return nil
	}
}

// setList splits a value at its commas and gives each part to add.
func setList(add func(s *settings, part string) error) func(*settings, string) error {
	return func(s *settings, value string) error {
		for part := range strings.SplitSeq(value, ",") {
			if err := add(s, strings.TrimSpace(part)); err != nil {
				return err
			}
		}
		return nil
	}
}

func setEncryptionKey(s *settings, value string) error {
	if _, err := seal.ParseKeys(value); err != nil {
		return err
	}
	s.encryptionKey = identity.NewSecret(value)
	return nil
}
