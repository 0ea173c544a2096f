package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/pressly/goose/v3"

	"tsunagi/internal/store/rows"
)

// own are PostgreSQL's triggers and functions, by the name of the step that they belong to.
//
//go:embed migrations
var own embed.FS

// blocks are statements with semicolons inside: triggers, which each engine writes in its own language.
var blocks = regexp.MustCompile(`(?s)-- \+goose StatementBegin.*?-- \+goose StatementEnd`)

// steps are the migrations of package rows in PostgreSQL's SQL, each followed by the part of its own.
func steps() ([]*goose.Migration, error) {
	names, err := fs.Glob(rows.Migrations(), "*.sql")
	if err != nil {
		return nil, err
	}
	var out []*goose.Migration
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		text, err := fs.ReadFile(rows.Migrations(), name)
		if err != nil {
			return nil, err
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		up = translate(blocks.ReplaceAllString(up, ""))
		if more, err := own.ReadFile("migrations/" + name); err == nil {
			up += string(more)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		run := func(ctx context.Context, tx *sql.Tx) error { _, err := tx.ExecContext(ctx, up); return err }
		out = append(out, goose.NewGoMigration(version, &goose.GoFunc{RunTx: run}, nil))
	}
	return out, nil
}

// migrate brings the tables up to date. A database that a newer program has changed is left alone.
func migrate(ctx context.Context, db *sql.DB) error {
	list, err := steps()
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, nil, goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true),
		goose.WithGoMigrations(list...))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	has, wants, err := provider.GetVersions(ctx)
	if err != nil {
		return sorted("read version of the database", err)
	}
	if has > wants {
		return fmt.Errorf("the database has version %d, and this program knows versions up to %d: start the newer program "+
			"again, or restore a copy from before its first start", has, wants)
	}
	if _, err := provider.Up(ctx); err != nil {
		return sorted(fmt.Sprintf("bring the database from version %d to %d", has, wants), err)
	}
	return nil
}
