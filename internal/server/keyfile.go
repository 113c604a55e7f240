package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/seed-60f9e3ad/identity/internal/seal"
)

// keyFile returns the encryption keys in the file, which it makes, for its owner
// only, if it is missing and nothing is sealed yet. A key is never made anew for
// values that another key sealed.
func (in *Installation) keyFile(ctx context.Context, path string) (keys []*seal.FernetKey, err error) {
	err = in.DB.Exclusively(func() error {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			text, err = in.makeKeyFile(ctx, path)
		}
		if err != nil {
			return err
		}
		keys, err = seal.ParseKeys(strings.TrimSpace(string(text)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the encryption key in %s: %w", path, err)
	}
	return keys, nil
}

func (in *Installation) makeKeyFile(ctx context.Context, path string) ([]byte, error) {
	sealed, err := in.DB.SealedSigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	if len(sealed) > 0 {
		return nil, errors.New("the file is missing and ENCRYPTION_KEY is not set, but the database holds keys sealed under one; put the file back or set ENCRYPTION_KEY; nothing was changed")
	}
	text := []byte(seal.GenerateKey().Reveal() + "\n")
	if err := writeNew(path, text); err != nil {
		return nil, err
	}
	in.logger.WarnContext(ctx, "ENCRYPTION_KEY is not set: a key was made and kept in a file; without it the database cannot be used, so keep a copy apart from it", "file", path)
	return text, nil
}

// writeNew writes a file that must not exist yet, durably, for its owner only.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
