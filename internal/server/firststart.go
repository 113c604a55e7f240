package server

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// FirstStart is what an empty database is given. A later start does not look at
// it.
type FirstStart struct {
	Issuer        string
	Algorithm     jose.Algorithm
	AdminUsername string
	// AdminPassword empty has one generated.
	AdminPassword identity.Secret
}

// Prepared says what Prepare did.
type Prepared struct {
	Migrations []store.Migration
	// First reports whether the database was empty.
	First bool
	// Issuer is the configured one.
	Issuer string
	// AdminUsername is the administrator that was made, if one was.
	AdminUsername string
	// GeneratedPassword is the administrator's, if it was generated: to be
	// shown once.
	GeneratedPassword identity.Secret
}

// Prepare brings the schema up to date and gives an empty database its
// configuration, its signing key and its administrator, while no other process
// does. On a database that has them it changes nothing.
func (in *Installation) Prepare(ctx context.Context, first FirstStart) (done Prepared, err error) {
	err = in.exclusively(ctx, func() error {
		if done.Migrations, err = in.DB.Migrate(ctx); err != nil {
			return err
		}
		found, err := in.DB.Configuration(ctx)
		if err == nil {
			// Somebody else may have made the keys while this process waited its turn.
			done.Issuer = found.Issuer
			if err := keyring.Check(ctx, in.DB, in.sealer); err != nil {
				return err
			}
			return in.complete(ctx)
		}
		if identity.KindOf(err) != identity.NotFound {
			return err
		}
		done.Issuer = first.Issuer
		return in.begin(ctx, first, &done)
	})
	return done, err
}

// complete adds what an installation of an earlier version does not have, and says what
// does not open of what it has.
func (in *Installation) complete(ctx context.Context) error {
	for _, name := range []string{keyring.RefreshSecret, keyring.AuditSecret} {
		_, err := in.DB.SealedSecret(ctx, name)
		if identity.KindOf(err) == identity.NotFound {
			err = in.DB.Change(ctx, func(tx *store.DB) error { return in.Ring.EnsureSecrets(ctx, tx) })
		}
		if err != nil {
			return err
		}
	}
	sealed, err := in.Ring.SealedValues(ctx)
	for _, v := range sealed {
		if v.Fault != nil {
			in.logger.ErrorContext(ctx, "a sealed value does not open; it is quarantined", "what", v.Title, "encryption_key", v.EncryptionKey, "reason", v.Fault.Error())
		}
	}
	return err
}

// begin makes all of the beginning in one transaction: a start that is cut off
// leaves an empty database, and the next one begins anew.
func (in *Installation) begin(ctx context.Context, first FirstStart, done *Prepared) error {
	cfg := identity.DefaultConfiguration(first.Issuer)
	if err := cfg.Check(); err != nil {
		return err
	}
	administrator, err := in.firstAdministrator(ctx, first, done)
	if err != nil {
		return err
	}
	done.First = true
	return in.DB.Change(ctx, func(tx *store.DB) error {
		if err := tx.InsertConfiguration(ctx, cfg); err != nil {
			return err
		}
		if _, err := in.Ring.Create(ctx, tx, first.Algorithm); err != nil {
			return err
		}
		if err := in.Ring.EnsureSecrets(ctx, tx); err != nil {
			return err
		}
		if administrator == nil {
			return nil
		}
		return tx.CreateUser(ctx, *administrator)
	})
}

// firstAdministrator returns the administrator to make; nil if there is one already,
// made on the command line before the first start.
func (in *Installation) firstAdministrator(ctx context.Context, first FirstStart, done *Prepared) (*identity.User, error) {
	if there, err := in.DB.HasAdministrator(ctx); err != nil || there {
		return nil, err
	}
	password := first.AdminPassword
	if password.Empty() {
		password = identity.NewSecret(rand.Text())
		done.GeneratedPassword = password
	}
	user, err := in.Admin.NewUser(ctx, admin.NewUser{
		Username: first.AdminUsername, Password: password, Permissions: []string{identity.PermissionAdmin},
	})
	if identity.KindOf(err) == identity.InvalidRequest {
		err = fmt.Errorf("ADMIN_USERNAME, ADMIN_PASSWORD: %w", err)
	}
	done.AdminUsername = user.Username
	return &user, err
}
