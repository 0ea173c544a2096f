package account

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// versionsKey is the place of wanted versions in a context.
type versionsKey struct{}

// WithVersions returns a ctx whose change or deletion of one thing happens only while the thing has one of these
// versions (see Version); "*" is any. Otherwise the call fails with Stale and nothing has changed.
func WithVersions(ctx context.Context, versions ...string) context.Context {
	return context.WithValue(ctx, versionsKey{}, versions)
}

// Version is a text that is another one after each change of a thing, and tells nothing of it.
func (s *Service) Version(row Row) string {
	if d, ok := row.(LabelledDevice); ok { // what the device itself tells is nobody's edit
		d.SeenAt, d.Version = time.Time{}, ""
		if len(d.Labels) == 0 {
			d.Labels = nil
		}
		row = d
	}
	body, err := json.Marshal(row)
	if err != nil {
		panic(err) // texts, numbers and times only
	}
	return base64.RawURLEncoding.EncodeToString(mac(s.o.Keys.version, fmt.Appendf(nil, "%T", row), body)[:12])
}

// fresh fails where the caller wants another version than row is.
func (s *Service) fresh(ctx context.Context, row Row) error {
	wanted, asked := ctx.Value(versionsKey{}).([]string)
	if !asked || slices.Contains(wanted, "*") || slices.Contains(wanted, s.Version(row)) {
		return nil
	}
	return fail(Stale, "api.stale")
}

// replace saves a row in the place of the one that was read, while that has a version that the caller wants.
func (s *Service) replace(ctx context.Context, tx Tx, was, is Row) error {
	if err := s.fresh(ctx, was); err != nil {
		return err
	}
	return tx.Save(is)
}

// remove deletes a row while it has a version that the caller wants.
func (s *Service) remove(ctx context.Context, tx Tx, row Row, with ...Row) error {
	if err := s.fresh(ctx, row); err != nil {
		return err
	}
	return tx.Delete(append(with, row)...)
}
