// Package bench is what the programs below it share, which measure the service: where the
// installation is that they measure, and how they ask it. They run the real code in their
// own process, on the database that the DATABASE_* variables name, without a network
// before it; so what they tell is what this code and that database cost.
package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// DatabaseFrom reads the variables that say where the installation is. Its error names
// the variable that is missing or wrong.
func DatabaseFrom(getenv func(string) string) (store.Config, error) {
	cfg := store.Config{Driver: store.Driver(getenv("DATABASE_DRIVER")), Path: getenv("DATABASE_PATH")}
	if cfg.Driver == store.SQLite || cfg.Driver == "" {
		if cfg.Path == "" {
			return cfg, errors.New("DATABASE_PATH: expected with SQLite")
		}
		return cfg, nil
	}
	cfg.Server = store.Server{
		Host: getenv("DATABASE_HOST"), Username: getenv("DATABASE_USERNAME"), Password: identity.NewSecret(getenv("DATABASE_PASSWORD")),
		Database: getenv("DATABASE_NAME"), Schema: getenv("DATABASE_SCHEMA_NAME"),
	}
	if cfg.Server.Database == "" {
		cfg.Server.Database = cfg.Server.Schema // that of PostgreSQL, whatever becomes of the schema
	}
	if text := getenv("DATABASE_PORT"); text != "" {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return cfg, errors.New("DATABASE_PORT: expected a port")
		}
		cfg.Server.Port = int(port)
	}
	return cfg, nil
}

// Post makes a whole request with the members as its body, and reads the answer into to
// unless it is nil. An answer other than 200 is an error.
func Post(ctx context.Context, handler http.Handler, path string, members map[string]string, to any) error {
	body, err := json.Marshal(members)
	if err != nil {
		return err
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return fmt.Errorf("POST %s was answered with %d", path, w.Code)
	}
	if to == nil {
		return nil
	}
	return json.Unmarshal(w.Body.Bytes(), to)
}
