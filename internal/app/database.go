package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"tsunagi/internal/account"
	"tsunagi/internal/stats"
	"tsunagi/internal/store/postgres"
	"tsunagi/internal/store/rows"
	"tsunagi/internal/store/sqlite"
)

// movedKey is a setting in accounts.db once its accounts are in a database: it must not be served any more.
const movedKey = "accounts_in_database"

var errMoved = errors.New("its accounts are in a database: set database_url (or the variable DATABASE_URL) as before")

// keeping is what keeps accounts, and the statistics of their instances.
type keeping interface {
	account.Store
	stats.Store
}

// openDatabase chooses where accounts are kept: the data directory, or the PostgreSQL of the settings.
func (c *cloud) openDatabase(ctx context.Context) error {
	moved, err := accountsMoved(ctx, c.store)
	if err != nil {
		return &dataError{err}
	}
	if c.cfg.DatabaseURL == "" {
		if moved {
			return &dataError{fmt.Errorf("data directory %s: %w", c.cfg.Data, errMoved)}
		}
		c.kept = c.store.Accounts
		return nil
	}
	if c.database, err = postgres.Open(ctx, postgres.Options{URL: c.cfg.DatabaseURL, Log: c.log}); err != nil {
		return &dataError{err}
	}
	c.kept = c.database
	if moved {
		return nil
	}
	if err := c.moveAccounts(ctx); err != nil {
		return &dataError{fmt.Errorf("take the accounts of %s over into the database: %w", c.cfg.Data, err)}
	}
	return nil
}

// accountsMoved says whether accounts.db has given its accounts away.
func accountsMoved(ctx context.Context, store *sqlite.Store) (bool, error) {
	err := store.Accounts.View(ctx, func(r account.Reader) error { _, err := r.Setting(movedKey); return err })
	if errors.Is(err, account.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// moveAccounts takes what accounts.db has into a database that is empty, and then leaves nothing there that could be
// served by mistake. What a database has already is never replaced.
func (c *cloud) moveAccounts(ctx context.Context) error {
	return c.store.Accounts.Read(ctx, func(from rows.Conn) error {
		none, err := rows.Empty(from)
		if err != nil {
			return err
		}
		took := false
		err = c.database.Write(ctx, func(to rows.Conn) error {
			empty, err := rows.Empty(to)
			if err != nil || !empty || none {
				return err
			}
			took = true
			return rows.Copy(from, to)
		})
		switch {
		case err != nil:
			return err
		case !took && !none:
			c.log.Warn("accounts.db holds accounts that are not used: the database has its own", "dir", c.cfg.Data)
			return nil
		case took:
			c.log.Info("accounts moved into the database")
		}
		return c.store.Accounts.Write(ctx, func(old rows.Conn) error {
			if err := rows.Clear(old); err != nil {
				return err
			}
			return rows.NewTx(old).Insert(account.Setting{Key: movedKey})
		})
	})
}

// closeStores closes what openDatabase and newCore opened.
func (c *cloud) closeStores() error {
	var err error
	if c.database != nil {
		err = c.database.Close()
	}
	return errors.Join(err, c.store.Close())
}

// copyAccounts puts the database's accounts into a copy of accounts.db: a backup is always a data directory that can
// stand alone.
func (c *cloud) copyAccounts(ctx context.Context, copies string) (err error) {
	if c.database == nil {
		return nil
	}
	to, err := sqlite.OpenAccounts(ctx, filepath.Join(copies, "accounts.db"), c.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	return c.database.Read(ctx, func(from rows.Conn) error {
		return to.Write(ctx, func(c rows.Conn) error { return rows.Copy(from, c) })
	})
}
