package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tsunagi/internal/account"
)

// Accounts is accounts.db, an account.Store.
type Accounts struct {
	db   *database
	disk *disk
}

var _ account.Store = (*Accounts)(nil)

// openAccounts opens or makes accounts.db.
func openAccounts(ctx context.Context, path string, disk *disk, o Options) (*Accounts, error) {
	db, err := openDatabase(ctx, path, migrations("accounts"), o)
	if err != nil {
		return nil, err
	}
	a := &Accounts{db, disk}
	if err := a.verify(ctx); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

// verify checks the rows that rights depend on: damage may hide one of them, such as a rule that denies. Log and audit
// may be long and are checked as they are read.
func (a *Accounts) verify(ctx context.Context) error {
	return a.View(ctx, func(r account.Reader) error {
		c := r.(reader).c
		return errors.Join(accounts.verify(c), sessions.verify(c), invitations.verify(c), instances.verify(c),
			users.verify(c), rules.verify(c), flowServers.verify(c), devices.verify(c), settings.verify(c), resetLinks.verify(c), apiTokens.verify(c),
			factors.verify(c), logins.verify(c), clientAuthorities.verify(c), clientCertificates.verify(c), tokenKeys.verify(c),
			metricsTokens.verify(c), bridges.verify(c))
	})
}

func (a *Accounts) close() error { return a.db.close(func() error { return nil }) }

// View implements account.Store.
func (a *Accounts) View(ctx context.Context, f func(account.Reader) error) error {
	tx, err := a.db.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return a.failed(ctx, "read accounts", err)
	}
	defer func() { _ = tx.Rollback() }() // there is nothing to roll back: it only ends the snapshot
	s := &snapshot{ctx: ctx, db: a.db, tx: tx}
	if err := f(reader{s}); err != nil {
		return a.failed(ctx, "read accounts", err)
	}
	_ = tx.Rollback()
	return s.prepare()
}

// Update implements account.Store.
func (a *Accounts) Update(ctx context.Context, f func(account.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var refused error
	update := func() error {
		return a.db.update(ctx, 4*frameBytes, func() error {
			refused = f(transaction{reader{a.db}})
			return refused
		})
	}
	err := update()
	if a.db.madeRoom(a.disk, err) {
		err = update()
	}
	if refused != nil && code(refused) == 0 {
		return refused // f's own
	}
	return err
}

// failed puts the end of ctx before what SQLite says about being interrupted.
func (a *Accounts) failed(ctx context.Context, doing string, err error) error {
	if end := ctx.Err(); end != nil {
		return end
	}
	if code(err) == 0 {
		return err // f's own
	}
	return a.db.sort(doing, err)
}

// AppendLog implements account.Store.
func (a *Accounts) AppendLog(ctx context.Context, lines []account.LogLine, keep int) error {
	if len(lines) == 0 {
		return ctx.Err()
	}
	err := a.db.update(ctx, len(lines)*256, func() error {
		touched := map[string]bool{}
		for _, l := range lines {
			sum, err := logLines.sum(&l)
			if err != nil {
				return err
			}
			if _, err := a.db.exec(appendLine, append(logLines.fields(&l), sum, l.Instance, l.Instance)...); err != nil {
				return err
			}
			touched[l.Instance] = true
		}
		for instance := range touched {
			_, err := a.db.exec("delete from log_line where instance = ? and id <= (select id from log_line "+
				"where instance = ? order by id desc limit 1 offset ?)", instance, instance, max(keep, 0))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("append to log: %w", err)
	}
	return err
}

const appendLine = "insert or ignore into log_line " +
	"(id, instance, time, kind, client, user, remote, topic, gate, rule, cause, reason, sum) " +
	"select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? where ? = '' or exists (select 1 from instance where id = ?)"

// snapshot is the connection of a View.
type snapshot struct {
	ctx context.Context
	db  *database
	tx  *sql.Tx
	new []string // texts that nobody has prepared yet
}

// prepare makes the statements that were missing, for the next time. It takes a connection from the pool, so that the
// snapshot's own must have been given back: when all are out, each would wait for another's.
func (s *snapshot) prepare() error {
	for _, text := range s.new {
		if _, err := s.db.statementForReads(text); err != nil {
			return s.db.sort("prepare", err)
		}
	}
	return nil
}

func (s *snapshot) rows(text string, args []any, f func(*sql.Rows) (bool, error)) error {
	prepared, ok := s.db.prepared.Load(text)
	if !ok {
		s.new = append(s.new, text)
		rows, err := s.tx.QueryContext(s.ctx, text, args...)
		return walk(rows, err, f)
	}
	rows, err := s.tx.StmtContext(s.ctx, prepared.(*sql.Stmt)).QueryContext(s.ctx, args...)
	return walk(rows, err, f)
}

func (s *snapshot) exec(string, ...any) (int64, error) {
	return 0, errors.New("a view of accounts can't write")
}
