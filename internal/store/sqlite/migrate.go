package sqlite

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrationFiles embed.FS

// migrations are the steps that bring messages.db up to date; those of accounts.db are package rows'.
func migrations(name string) fs.FS {
	sub, err := fs.Sub(migrationFiles, "migrations/"+name)
	if err != nil { // only when name is no valid path
		panic(err)
	}
	return sub
}

// migrate brings the tables up to date. A file that a newer program has changed is left alone.
func (db *database) migrate(ctx context.Context, steps fs.FS) error {
	// Steps are written at the same time on several branches, so one may come to a store after a higher one.
	provider, err := goose.NewProvider(goose.DialectSQLite3, db.writes, steps, goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	has, wants, err := provider.GetVersions(ctx)
	if err != nil {
		return db.sort("read version of store", err)
	}
	if has > wants {
		return fmt.Errorf("%s has version %d, and this program knows versions up to %d: start the newer program "+
			"again, or restore a backup from before its first start", db.path, has, wants)
	}
	if missing, err := provider.HasPending(ctx); err != nil || !missing {
		return db.sort("read version of store", err)
	}
	if has > 0 {
		if err := db.keepBefore(ctx, has); err != nil {
			return fmt.Errorf("keep a copy of the store before its tables change: %w", err)
		}
	}
	if _, err := provider.Up(ctx); err != nil {
		return db.sort(fmt.Sprintf("bring store from version %d to %d", has, wants), err)
	}
	return nil
}

// keepBefore copies the file as it is to FILE.version-N beside it: the way back to the program that knew that version. A
// copy of an earlier version goes.
func (db *database) keepBefore(ctx context.Context, version int64) error {
	old, err := filepath.Glob(db.path + ".version-*")
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	name := fmt.Sprintf("%s.version-%d", db.path, version)
	if err := db.backup(ctx, name); err != nil {
		return err
	}
	db.log.Info("tables change, the file from before is kept", "file", name)
	return nil
}
