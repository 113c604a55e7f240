package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/seed-60f9e3ad/identity/internal/newfile"
	"github.com/seed-60f9e3ad/identity/internal/seal"
)

// keyFile returns the encryption keys in the file. If it is missing and nothing is
// sealed yet it is made, for its owner only. A key is never made anew for values that
// another key sealed.
func (in *Installation) keyFile(ctx context.Context, path string, create bool) ([]*seal.FernetKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		err = in.exclusively(ctx, func() error {
			if text, err = os.ReadFile(path); errors.Is(err, fs.ErrNotExist) { // else another process has just made it
				text, err = in.makeKeyFile(ctx, path)
			}
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("the encryption key, as ENCRYPTION_KEY is not set: %w", err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		in.logger.WarnContext(ctx, "others can read the file with the encryption key", "file", path, "mode", info.Mode().Perm().String())
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, fmt.Errorf("the encryption key: %s is empty; put back the copy that you kept", path)
	}
	keys, err := seal.ParseKeys(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("the encryption key in %s: %w", path, err)
	}
	return keys, nil
}

func (in *Installation) makeKeyFile(ctx context.Context, path string) ([]byte, error) {
	sealed, err := in.DB.SealedValues(ctx)
	if err != nil {
		return nil, err
	}
	if len(sealed) > 0 {
		return nil, errors.New("the file is missing and ENCRYPTION_KEY is not set, but the database holds keys sealed under one; put the file back or set ENCRYPTION_KEY; nothing was changed")
	}
	text := []byte(seal.GenerateKey().Reveal() + "\n")
	err = newfile.Write(path, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
	if err != nil {
		return nil, err
	}
	in.logger.WarnContext(ctx, "ENCRYPTION_KEY is not set: a key was made and kept in a file; without it the database cannot be used, so keep a copy apart from it", "file", path)
	return text, nil
}
