package store

import (
	"context"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

const audienceColumns = `id, audience, name, permissions, token_expiration, algorithm, introspection_client, version, created_at, updated_at`

// CreateAudience registers an audience. Conflict when it is registered. It needs
// Change.
func (db *DB) CreateAudience(ctx context.Context, a identity.AudiencePolicy) error {
	_, err := db.exec(ctx, "storing an audience", `INSERT INTO audiences (`+audienceColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?)`,
		a.ID, a.Audience, a.Name, optionalListText(a.Permissions), a.Expiration.Milliseconds(), a.Algorithm, a.IntrospectionClient, millis(a.CreatedAt), millis(a.UpdatedAt))
	if err != nil {
		return err
	}
	if err := db.coverTokens(ctx, 0, a.Expiration); err != nil {
		return err
	}
	return db.touched(ctx, KindAudience, a.Audience)
}

// UpdateAudience replaces what is stored of the audience and raises its version. It
// needs Change.
func (db *DB) UpdateAudience(ctx context.Context, a identity.AudiencePolicy) error {
	former, err := db.AudiencePolicy(ctx, a.ID)
	if err != nil {
		return err
	}
	_, err = db.exec(ctx, "storing an audience", `UPDATE audiences SET name = ?, permissions = ?, token_expiration = ?, algorithm = ?, introspection_client = ?,
		version = version + 1, updated_at = ? WHERE id = ?`,
		a.Name, optionalListText(a.Permissions), a.Expiration.Milliseconds(), a.Algorithm, a.IntrospectionClient, millis(db.now()), a.ID)
	if err != nil {
		return err
	}
	if err := db.coverTokens(ctx, former.Expiration, a.Expiration); err != nil {
		return err
	}
	return db.touched(ctx, KindAudience, former.Audience)
}

// DeleteAudience takes an audience out of the register. It needs Change.
func (db *DB) DeleteAudience(ctx context.Context, id string) error {
	former, err := db.AudiencePolicy(ctx, id)
	if err != nil {
		return err
	}
	if _, err := db.exec(ctx, "deleting an audience", `DELETE FROM audiences WHERE id = ?`, id); err != nil {
		return err
	}
	if err := db.coverTokens(ctx, former.Expiration, 0); err != nil {
		return err
	}
	return db.touched(ctx, KindAudience, former.Audience)
}

// AskedAlgorithms lists the algorithms that audiences and clients ask for.
func (db *DB) AskedAlgorithms(ctx context.Context) ([]string, error) {
	return rows(ctx, db, "algorithms", `SELECT algorithm FROM audiences WHERE algorithm <> '' UNION SELECT token_algorithm FROM clients WHERE token_algorithm <> ''`, nil,
		func(scan func(...any) error) (a string, err error) { return a, scan(&a) })
}

// AudiencePolicy returns the registered audience with the id; NotFound if there is
// none.
func (db *DB) AudiencePolicy(ctx context.Context, id string) (identity.AudiencePolicy, error) {
	return one(rows(ctx, db, "audiences", `SELECT `+audienceColumns+` FROM audiences WHERE id = ?`, []any{id}, scanAudience))("audience")
}

// AudienceNamed returns what is registered of an audience: the zero policy if
// nothing is.
func (db *DB) AudienceNamed(ctx context.Context, audience string) (identity.AudiencePolicy, error) {
	list, err := rows(ctx, db, "audiences", `SELECT `+audienceColumns+` FROM audiences WHERE audience = ?`, []any{audience}, scanAudience)
	if err != nil || len(list) == 0 {
		return identity.AudiencePolicy{}, err
	}
	return list[0], nil
}

// Audiences returns up to limit registered audiences after the given one, in their
// order.
func (db *DB) Audiences(ctx context.Context, after string, limit int) ([]identity.AudiencePolicy, error) {
	return rows(ctx, db, "audiences", `SELECT `+audienceColumns+` FROM audiences WHERE audience > ? ORDER BY audience LIMIT ?`, []any{after, limit}, scanAudience)
}

func scanAudience(scan func(...any) error) (identity.AudiencePolicy, error) {
	var a identity.AudiencePolicy
	var permissions string
	var expiration, created, updated int64
	if err := scan(&a.ID, &a.Audience, &a.Name, &permissions, &expiration, &a.Algorithm, &a.IntrospectionClient, &a.Version, &created, &updated); err != nil {
		return a, err
	}
	a.Expiration = time.Duration(expiration) * time.Millisecond
	a.CreatedAt, a.UpdatedAt = fromMillis(created), fromMillis(updated)
	if permissions == "" {
		return a, nil
	}
	var err error
	a.Permissions, err = fromListText(permissions)
	return a, err
}

// optionalListText is listText that tells nil, stored as nothing, from empty.
func optionalListText(list []string) string {
	if list == nil {
		return ""
	}
	return listText(list)
}
