package server

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin/rest"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// Administration returns the administration interface of the installation for one
// local caller, without a network and without tokens: the command line takes the same
// way through it as to a running service.
func (in *Installation) Administration(caller identity.Caller) (http.Handler, error) {
	logger := slog.New(failures{in.logger.Handler()}) // the caller is told everything else
	router, err := web.New(web.Config{Logger: logger, Now: in.DB.Now})
	if err != nil {
		return nil, err
	}
	administration, err := rest.New(in.Admin, rest.Local(caller))
	if err != nil {
		return nil, err
	}
	administration.Routes(router)
	return router, nil
}

// failures keeps a log to what went wrong inside.
type failures struct{ slog.Handler }

// Enabled implements slog.Handler.
func (f failures) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError && f.Handler.Enabled(ctx, level)
}
