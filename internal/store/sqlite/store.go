package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Options of Open. Zero values mean the default in brackets.
type Options struct {
	Dir           string       // the data directory, made when missing
	Log           *slog.Logger // [discarded]
	BallastBytes  int64        // size of the ballast file; negative: none [64 MiB]
	LowBytes      int64        // free bytes below which there is an alarm; negative: never [10 %, 256 MiB to 10 GiB]
	CriticalBytes int64        // free bytes below which messages are refused; negative: never [3 %, 64 MiB to 2 GiB]
	WALBytes      int64        // length of a write-ahead log that is moved to its store [64 MiB, less on a small disk]
	VFS           string       // name of the VFS through which SQLite reaches its files, for tests [the system's]
}

const (
	messagesName = "messages.db"
	accountsName = "accounts.db"

	defaultBallast       = 64 << 20
	leastWAL, defaultWAL = 4 << 20, 64 << 20
	watchEvery           = time.Second
)

// Store is the data directory of `tsunagi serve`, open for this process alone.
type Store struct {
	Messages *Messages
	Accounts *Accounts

	dir  string
	lock *os.File
	disk *disk
	log  *slog.Logger

	quit, ended chan struct{} // of watch
}

// Open opens or makes everything. A directory that another process uses, that a newer program has changed or that is
// damaged is an error which says so.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.BallastBytes == 0 {
		o.BallastBytes = defaultBallast
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	o.Dir = dir
	s := &Store{dir: dir, log: o.Log}
	if s.lock, err = openDir(dir); err != nil {
		return nil, err
	}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(err, s.closeFiles())
	}
	s.quit, s.ended = make(chan struct{}), make(chan struct{})
	go s.watch()
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) (err error) {
	if s.disk, err = newDisk(filepath.Join(o.Dir, messagesName), o); err != nil {
		return err
	}
	s.disk.ballast = newBallast(o.Dir, o.BallastBytes)
	if _, total, err := space(s.disk.dir); err == nil && o.WALBytes == 0 {
		o.WALBytes = min(max(total/64, leastWAL), defaultWAL)
	}
	err = s.openFiles(ctx, o)
	if s.disk.madeRoom(err) {
		if err = s.closeDatabases(); err == nil {
			err = s.openFiles(ctx, o)
		}
	}
	return err
}

func (s *Store) openFiles(ctx context.Context, o Options) (err error) {
	if s.Messages, err = openMessages(ctx, filepath.Join(o.Dir, messagesName), s.disk, o); err != nil {
		return err
	}
	s.Accounts, err = openAccounts(ctx, filepath.Join(o.Dir, accountsName), s.disk, o)
	return err
}

// watch keeps the ballast, and says when the level of the disk changes. It ends at Close.
func (s *Store) watch() {
	defer close(s.ended)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	was := Fine
	for {
		level, free, _, err := s.disk.level()
		if err == nil && level != was {
			s.tell(level, free)
			was = level
		}
		if level == Fine {
			if err := s.disk.ballast.fill(); err != nil {
				s.log.Warn("ballast not made", "error", err)
			}
		}
		select {
		case <-s.quit:
			return
		case <-tick.C:
		}
	}
}

func (s *Store) tell(level Level, free int64) {
	attrs := []any{"level", level, "free_mib", free >> 20, "low_mib", s.disk.low >> 20,
		"critical_mib", s.disk.critical >> 20, "dir", s.dir}
	switch level {
	case Fine:
		s.log.Info("disk has room again", attrs...)
	case Low:
		s.log.Error("disk is getting full: make room", attrs...)
	case Critical:
		s.log.Error("disk is nearly full: messages that must be stored are refused", attrs...)
	}
}

// Close ends everything in order. Nothing may be called on the Store or its parts afterwards.
func (s *Store) Close() error {
	close(s.quit)
	<-s.ended
	return s.closeFiles()
}

func (s *Store) closeFiles() error {
	return errors.Join(s.closeDatabases(), s.lock.Close())
}

func (s *Store) closeDatabases() error {
	var errs []error
	if s.Accounts != nil {
		errs = append(errs, s.Accounts.close())
		s.Accounts = nil
	}
	if s.Messages != nil {
		errs = append(errs, s.Messages.close())
		s.Messages = nil
	}
	return errors.Join(errs...)
}
