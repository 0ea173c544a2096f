package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Write writes a backup of the data directory dir to w. copies is a directory with the databases, which were copied
// there beforehand: those in use change all the time. Files that come and go meanwhile, as those of flow servers do, are
// taken as they are found.
func Write(ctx context.Context, w io.Writer, dir, copies, program string) error {
	b := &writer{ctx: ctx, tar: tar.NewWriter(w), now: time.Now().UTC().Truncate(time.Second)}
	head, err := json.MarshalIndent(Head{Format: format, Program: program, Made: b.now}, "", "  ")
	if err != nil {
		return err
	}
	if err := b.small(headName, append(head, '\n')); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := b.tree(copies, ""); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	for _, name := range kept {
		if err := b.tree(dir, name); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	}
	sums := b.sums.String()
	if err := b.small(sumsName, []byte(sums)); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := b.tar.Close(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

type writer struct {
	ctx  context.Context
	tar  *tar.Writer
	now  time.Time
	sums strings.Builder
}

// tree adds what is below dir/name. Only directories and ordinary files are taken: no sockets and no links.
func (b *writer) tree(dir, name string) error {
	return filepath.WalkDir(filepath.Join(dir, name), func(file string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it has gone, or there never was one
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil || rel == "." {
			return err
		}
		inside := path.Join(root, filepath.ToSlash(rel))
		switch {
		case e.IsDir():
			return b.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: inside + "/", Mode: 0o700, ModTime: b.now})
		case e.Type().IsRegular():
			return b.file(file, inside)
		}
		return nil
	})
}

// file adds one file with the length that it has now.
func (b *writer) file(file, inside string) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: inside, Size: info.Size(), Mode: 0o600, ModTime: info.ModTime()}
	return b.add(h, io.LimitReader(f, info.Size()))
}

func (b *writer) small(name string, content []byte) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o600, ModTime: b.now}
	return b.add(h, strings.NewReader(string(content)))
}

func (b *writer) add(h *tar.Header, content io.Reader) error {
	if err := b.ctx.Err(); err != nil {
		return err
	}
	if strings.ContainsAny(h.Name, "\n\\") {
		return fmt.Errorf("file name %q: a name with a line break or backslash can't be kept; rename it", h.Name)
	}
	if err := b.tar.WriteHeader(h); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(b.tar, sum), content)
	if err != nil {
		return err
	}
	if n != h.Size {
		return fmt.Errorf("%s became shorter while it was read; make the backup again", h.Name)
	}
	fmt.Fprintf(&b.sums, "%x  %s\n", sum.Sum(nil), h.Name)
	return nil
}
