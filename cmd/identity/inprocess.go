package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/server"
)

// connectLocal opens the installation of the environment. Whoever can needs no further
// proof.
func connectLocal(ctx context.Context, p *program, caller identity.Caller) (*connection, error) {
	in, err := openLocal(ctx, p, false)
	if err != nil {
		return nil, err
	}
	handler, err := in.Administration(caller)
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return &connection{client: &http.Client{Transport: inProcess{withKeys(in, handler)}}, base: "http://local", close: in.Close}, nil
}

// withKeys adds the published keys to the administration interface, which a running
// service has beside it.
func withKeys(in *server.Installation, administration http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != jwksPath {
			administration.ServeHTTP(w, r)
			return
		}
		set, err := in.Ring.JWKS(r.Context())
		if err != nil {
			http.Error(w, "the keys cannot be read", http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(set.Body) // to memory
	})
}

// inProcess carries requests to a handler in this process.
type inProcess struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	answer := &answerBuffer{header: http.Header{}}
	h.ServeHTTP(answer, r)
	return &http.Response{
		StatusCode: max(answer.status, http.StatusOK), Header: answer.header, Body: io.NopCloser(&answer.body), Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// answerBuffer is a response on its way through this process.
type answerBuffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answerBuffer) Header() http.Header { return a.header }

func (a *answerBuffer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answerBuffer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}
