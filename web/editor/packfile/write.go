package packfile

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Source is one file to be packed.
type Source struct {
	Path    string // with forward slashes, relative
	Content []byte
}

// Write packs files into w and returns their digest. The same files give the same bytes: they are sorted, and no
// time, owner or mode is kept. A file that gzip hardly shrinks is kept as it is.
func Write(w io.Writer, version string, files []Source) (digest string, err error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b Source) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })

	m := manifest{Version: version}
	packed := make([][]byte, len(files))
	whole := sha256.New()
	for i, f := range files {
		if i > 0 && files[i-1].Path == f.Path {
			return "", fmt.Errorf("pack: %s comes twice", f.Path)
		}
		sum := sha256.Sum256(f.Content)
		fmt.Fprintf(whole, "%x %s\n", sum, f.Path)
		e := entry{Path: f.Path, Size: int64(len(f.Content)), Sum: hex.EncodeToString(sum[:])}
		packed[i] = f.Content
		if z := compress(f.Content); len(z) < len(f.Content)*97/100 {
			packed[i], e.Gzip = z, true
		}
		m.Files = append(m.Files, e)
	}
	m.Digest = hex.EncodeToString(whole.Sum(nil))

	list, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("pack: manifest: %w", err)
	}
	z := zip.NewWriter(w)
	if err := store(z, manifestName, list); err != nil {
		return "", err
	}
	for i, f := range files {
		if err := store(z, f.Path, packed[i]); err != nil {
			return "", err
		}
	}
	return m.Digest, z.Close()
}

// compress returns content as one gzip stream without name and time.
func compress(content []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	z.Write(content) // a bytes.Buffer refuses nothing
	z.Close()
	return b.Bytes()
}

// store adds one entry, uncompressed and without a time.
func store(z *zip.Writer, name string, content []byte) error {
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	_, err = w.Write(content)
	return err
}
