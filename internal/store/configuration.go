package store

import (
	"context"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// Configuration returns the configuration; NotFound before the first start has
// made one.
func (db *DB) Configuration(ctx context.Context) (identity.Configuration, error) {
	var c identity.Configuration
	var expiration, grace, maxAge, rotation, updated int64
	err := db.row(ctx, "configuration",
		`SELECT issuer, expiration, max_refreshes, refresh_grace, session_max_age, key_rotation_interval, epoch, version, updated_at FROM configuration WHERE id = 1`, nil,
		&c.Issuer, &expiration, &c.MaxRefreshes, &grace, &maxAge, &rotation, &c.Epoch, &c.Version, &updated)
	c.Expiration, c.RefreshGrace = time.Duration(expiration)*time.Millisecond, time.Duration(grace)*time.Millisecond
	c.SessionMaxAge, c.KeyRotationInterval = time.Duration(maxAge)*time.Millisecond, time.Duration(rotation)*time.Millisecond
	c.UpdatedAt = fromMillis(updated)
	if identity.KindOf(err) == identity.NotFound {
		err = identity.Errorf(identity.NotFound, "There is no configuration yet: the service makes it at its first start.")
	}
	return c, err
}

// InsertConfiguration stores the first configuration; Conflict when there is
// one. It needs Change.
func (db *DB) InsertConfiguration(ctx context.Context, c identity.Configuration) error {
	_, err := db.exec(ctx, "storing the configuration",
		`INSERT INTO configuration (id, issuer, expiration, max_refreshes, refresh_grace, session_max_age, key_rotation_interval, epoch, version, updated_at)
			VALUES (1, ?, ?, ?, ?, ?, ?, ?, 1, ?)`,
		c.Issuer, c.Expiration.Milliseconds(), c.MaxRefreshes, c.RefreshGrace.Milliseconds(),
		c.SessionMaxAge.Milliseconds(), c.KeyRotationInterval.Milliseconds(), c.Epoch, millis(db.now()))
	if err != nil {
		return err
	}
	return db.touched(ctx, KindConfiguration, "")
}

// UpdateConfiguration replaces the configuration, but for the epoch, and raises its
// version. When
// the lifetime of tokens changes, the keys that sign now remember until when
// tokens with the former lifetime live. It needs Change.
func (db *DB) UpdateConfiguration(ctx context.Context, c identity.Configuration) error {
	former, err := db.Configuration(ctx)
	if err != nil {
		return err
	}
	if err := db.coverTokens(ctx, former.Expiration, c.Expiration); err != nil {
		return err
	}
	_, err = db.exec(ctx, "storing the configuration",
		`UPDATE configuration SET issuer = ?, expiration = ?, max_refreshes = ?, refresh_grace = ?, session_max_age = ?, key_rotation_interval = ?,
			version = version + 1, updated_at = ? WHERE id = 1`,
		c.Issuer, c.Expiration.Milliseconds(), c.MaxRefreshes, c.RefreshGrace.Milliseconds(),
		c.SessionMaxAge.Milliseconds(), c.KeyRotationInterval.Milliseconds(), millis(db.now()))
	if err != nil {
		return err
	}
	return db.touched(ctx, KindConfiguration, "")
}
