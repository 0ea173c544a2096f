package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// ErrNoBackup is wrapped where a file is no backup, or a damaged or cut one.
var ErrNoBackup = errors.New("this is no whole backup")

func bad(text string, args ...any) error {
	return fmt.Errorf("%w: "+text, append([]any{ErrNoBackup}, args...)...)
}

// Check reads a backup to its end and compares every checksum.
func Check(r io.Reader) (Head, error) {
	return walk(r, func(*tar.Header, io.Reader) error { return nil })
}

// walk calls file for each entry below data, in their order, with the name that it has below the data directory. What
// file leaves of the content is read for the checksum. Only the end says whether what was given before is whole.
func walk(r io.Reader, file func(h *tar.Header, content io.Reader) error) (head Head, err error) {
	t := tar.NewReader(r)
	sums := map[string]string{}
	for first := true; ; first = false {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return head, bad("it ends too early; %s is missing", sumsName)
		}
		if err != nil {
			return head, bad("%v", err)
		}
		switch {
		case first:
			if head, err = readHead(h, t, sums); err != nil {
				return head, err
			}
			continue
		case h.Name == sumsName:
			return head, checkSums(h, t, sums)
		}
		if err := allowed(h); err != nil {
			return head, err
		}
		if _, twice := sums[h.Name]; twice {
			return head, bad("%q is in it twice", h.Name)
		}
		sum := sha256.New()
		content := io.TeeReader(t, sum)
		inside := *h
		inside.Name = strings.TrimPrefix(h.Name, root)
		if err := file(&inside, content); err != nil {
			return head, err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return head, bad("%s: %v", h.Name, err)
		}
		if h.Typeflag == tar.TypeReg {
			sums[h.Name] = hex.EncodeToString(sum.Sum(nil))
		}
	}
}

func readHead(h *tar.Header, r io.Reader, sums map[string]string) (head Head, err error) {
	if h.Name != headName || h.Size > maxHead {
		return head, bad("it does not begin with %s", headName)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return head, bad("%v", err)
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return head, bad("%s: %v", headName, err)
	}
	if head.Format != format {
		return head, fmt.Errorf("the backup has format %d, made by tsunagi %s; this program reads format %d: restore it with a newer program",
			head.Format, head.Program, format)
	}
	sum := sha256.Sum256(raw)
	sums[headName] = hex.EncodeToString(sum[:])
	return head, nil
}

// allowed lets in what Write writes: plain names below data, files and directories.
func allowed(h *tar.Header) error {
	name, below := strings.CutPrefix(strings.TrimSuffix(h.Name, "/"), root)
	if !below || !filepath.IsLocal(filepath.FromSlash(name)) || strings.HasPrefix(name, Unfinished) {
		return bad("%q must not be in it", h.Name)
	}
	if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeDir {
		return bad("%q is neither a file nor a directory", h.Name)
	}
	return nil
}

// checkSums compares the list at the end with what was read.
func checkSums(h *tar.Header, r io.Reader, sums map[string]string) error {
	if h.Size > maxSums {
		return bad("%s is too long", sumsName)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return bad("%v", err)
	}
	lines := bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	for _, line := range lines {
		sum, name, ok := strings.Cut(string(line), "  ")
		if !ok || sums[name] != sum {
			return bad("the checksum of %q is wrong: the file was damaged; take another backup", name)
		}
	}
	if len(lines) != len(sums) {
		return bad("it has %d files and lists %d", len(sums), len(lines))
	}
	return nil
}
