package main

import (
	"context"
	"crypto/rand"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	xargon2 "golang.org/x/crypto/argon2"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// mathematics are what a request cannot do without, by name.
type mathematics map[string]func() error

func newMathematics(ctx context.Context, algorithm jose.Algorithm) (mathematics, error) {
	signer, err := newSigner(algorithm)
	if err != nil {
		return nil, err
	}
	verify, err := verification()
	if err != nil {
		return nil, err
	}
	params := argon2.DefaultParams()
	pool, err := argon2.New(argon2.Config{Params: params})
	if err != nil {
		return nil, err
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	return mathematics{
		rawSign(algorithm): func() error { _, err := signer.Sign([]byte(signedPayload)); return err },
		rawVerify:          verify,
		rawHash:            func() error { _, err := pool.Hash(ctx, argon2.Party{}, []byte(password)); return err },
		rawHashX: func() error {
			_ = xargon2.IDKey([]byte(password), salt, params.Time, params.Memory, params.Threads, 32)
			return nil
		},
	}, nil
}

const (
	rawVerify = "verify RS256"
	rawHash   = "Argon2id, own kernel"
	rawHashX  = "Argon2id, golang.org/x/crypto"
)

func rawSign(a jose.Algorithm) string { return "sign " + string(a) }

// rate does the work on all cores for some time.
func rate(ctx context.Context, lasts time.Duration, work func() error) (float64, error) {
	var all sync.WaitGroup
	var done atomic.Int64
	var failed atomic.Pointer[error]
	begin := time.Now()
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for time.Since(begin) < lasts && ctx.Err() == nil {
				if err := work(); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / time.Since(begin).Seconds(), ctx.Err()
}
