package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"tsunagi/internal/admin"
	"tsunagi/internal/backup"
	"tsunagi/internal/broker"
	"tsunagi/internal/history"
	"tsunagi/internal/store/sqlite"
)

// openStore opens the store of a data directory. One into which a backup was not put to the end is refused.
func openStore(ctx context.Context, o sqlite.Options) (*sqlite.Store, error) {
	if _, err := os.Lstat(filepath.Join(o.Dir, backup.Unfinished)); err == nil {
		return nil, &dataError{fmt.Errorf("data directory %s: a restore has not ended; empty the directory and restore the backup again", o.Dir)}
	}
	store, err := sqlite.Open(ctx, o)
	if err != nil {
		return nil, &dataError{advise(o.Dir, fmt.Errorf("data directory %s: %w", o.Dir, err))}
	}
	return store, nil
}

// advise adds to an error about damaged data what a person can do.
func advise(dir string, err error) error {
	if !errors.Is(err, broker.ErrStoreCorrupt) {
		return err
	}
	return fmt.Errorf("%w\nNothing was changed, and nothing damaged is served. Check the disk, move %s away, and put the last backup in its place: "+
		"tsunagi restore FILE --data %s", err, dir, dir)
}

// historyName is the directory of the kept messages in a data directory.
const historyName = "history"

// copiesName begins the name of a directory with copies of the databases, which lasts as long as a backup is written.
const copiesName = ".backup-"

// writeBackup writes a backup of an open store's directory to w. The copies of the databases need room on its disk; change
// makes of them what is to be kept.
func writeBackup(ctx context.Context, store *sqlite.Store, dir string, change func(ctx context.Context, copies string) error, w io.Writer) (err error) {
	left, _ := filepath.Glob(filepath.Join(dir, copiesName+"*")) // of a process that was killed: the pattern is good
	for _, old := range left {
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	if err := roomForCopies(store, dir); err != nil {
		return err
	}
	copies, err := os.MkdirTemp(dir, copiesName)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(copies)) }()
	if err := store.Backup(ctx, copies); err != nil {
		return err
	}
	if err := history.Copy(ctx, filepath.Join(dir, historyName), filepath.Join(copies, historyName)); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := change(ctx, copies); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return backup.Write(ctx, w, dir, copies, Version)
}

// roomForCopies says no where the copies could fill the disk up to the reserve, from which on messages are refused.
func roomForCopies(store *sqlite.Store, dir string) error {
	h, err := store.Health()
	if err != nil {
		return err
	}
	kept, err := history.Size(filepath.Join(dir, historyName))
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	need := kept + h.Messages.Bytes + h.Messages.WALBytes + h.Accounts.Bytes + h.Accounts.WALBytes
	if room := h.FreeBytes - h.ReserveBytes; need > room {
		return fmt.Errorf("a backup copies the databases and the kept messages first, which takes up to %d MiB on the disk of %s; only %d MiB above the reserve are free: make room",
			need>>20, dir, max(0, room)>>20)
	}
	return nil
}

// backupCommand is `tsunagi backup`.
func backupCommand(ctx context.Context, args []string, s Streams) int {
	file, data, code, done := fileAndData("backup", "Writes everything of a data directory into FILE: databases, kept messages, key file, local authority, flow servers.\n"+
		"It can be used while `tsunagi serve` runs. FILE is as secret as the data directory.", args, s)
	if done {
		return code
	}
	return exitCode("backup", makeBackup(ctx, file, data, s), s)
}

// makeBackup asks the running server, or opens the store itself where there is none. The file has its name only when it
// is whole and was checked.
func makeBackup(ctx context.Context, file, data string, s Streams) (err error) {
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s is there already: choose another name", file)
	}
	tmp := file + ".part"
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: another backup is being written to it, or broke off; then remove it", tmp)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(tmp))
		}
	}()
	err = admin.Backup(ctx, filepath.Join(data, admin.SocketName), f)
	if errors.Is(err, admin.ErrNotRunning) {
		err = backupOffline(ctx, data, f)
	}
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := backup.Check(f); err != nil {
		return fmt.Errorf("what was written is damaged: %w", err)
	}
	info, err := f.Stat()
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(tmp, file); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "%s: %d bytes, checked. It holds keys: keep it as safe as the data directory.\n", file, info.Size())
	return nil
}

func backupOffline(ctx context.Context, data string, w io.Writer) error {
	if _, err := os.Stat(filepath.Join(data, "accounts.db")); err != nil {
		return &dataError{fmt.Errorf("%s is no data directory of `tsunagi serve` (%w): name it with --data", data, err)}
	}
	store, err := openStore(ctx, sqlite.Options{Dir: data, BallastBytes: -1})
	if err != nil {
		return err
	}
	asIs := func(ctx context.Context, _ string) error {
		moved, err := accountsMoved(ctx, store)
		if moved {
			err = fmt.Errorf("%w, and make the backup while the server runs", errMoved)
		}
		return err
	}
	return errors.Join(writeBackup(ctx, store, data, asIs, w), store.Close())
}

// restoreCommand is `tsunagi restore`.
func restoreCommand(ctx context.Context, args []string, s Streams) int {
	file, data, code, done := fileAndData("restore", "Puts the backup FILE into an empty or missing data directory. Nothing is written before all of FILE has been checked.", args, s)
	if done {
		return code
	}
	return exitCode("restore", restoreBackup(ctx, file, data, s), s)
}

func restoreBackup(ctx context.Context, file, data string, s Streams) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	head, err := backup.Restore(f, data, func(dir string) error {
		store, err := sqlite.Open(ctx, sqlite.Options{Dir: dir, BallastBytes: -1, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		return store.Close()
	})
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	fmt.Fprintf(s.Out, "%s: the backup of %s (tsunagi %s) is in place. Start with `tsunagi serve --data %s`.\n",
		data, head.Made.Format("2006-01-02 15:04:05 MST"), head.Program, data)
	return nil
}

// fileAndData reads the arguments of both commands; done is true when there is nothing more to do.
func fileAndData(name, what string, args []string, s Streams) (file, data string, code int, done bool) {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.Usage = func() {}
	data = "./data"
	for _, kv := range s.Environ {
		if dir, ok := strings.CutPrefix(kv, "TSUNAGI_DATA="); ok && dir != "" {
			data = dir
		}
	}
	f.StringVar(&data, "data", data, "data directory of `tsunagi serve` (TSUNAGI_DATA)")
	err := f.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintf(s.Out, "Usage: tsunagi %s FILE [OPTIONS]\n\n%s\n\nOptions:\n\n%s", name, what, f.FlagUsages())
		return "", "", ExitOK, true
	}
	if err == nil && f.NArg() != 1 {
		err = fmt.Errorf("want one FILE, got %d; `tsunagi %s --help` says more", f.NArg(), name)
	}
	if err != nil {
		fmt.Fprintf(s.Err, "tsunagi %s: %v\n", name, err)
		return "", "", ExitUsage, true
	}
	return f.Arg(0), data, ExitOK, false
}
