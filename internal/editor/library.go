package editor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tsunagi/internal/flow"
)

// maxLibraryEntries bounds how many files the library takes in all.
const maxLibraryEntries = 2000

// libraryTypes are the kinds of entries that dialogs save.
var libraryType = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// getLibrary answers with a folder (an array of sub-folders and files) or with a file.
func (s *Server) getLibrary(w http.ResponseWriter, r *http.Request) error {
	kind, name, err := libraryPath(r)
	if err != nil {
		return err
	}
	var result any
	switch r.PathValue("library") {
	case "local":
		if !slices.Contains([]string{"flows", "functions", "templates"}, kind) {
			return refusal(http.StatusBadRequest, "unexpected_error", "Unknown library type: %s", kind)
		}
		result, err = s.localEntry(kind, name)
	case "examples":
		result, err = s.exampleEntry(kind, name)
	default:
		return refusal(http.StatusBadRequest, "unexpected_error", "Unknown library: %s", r.PathValue("library"))
	}
	if err != nil {
		return err
	}
	text, isFile := result.([]byte)
	switch {
	case !isFile:
		return writeJSON(w, http.StatusOK, result)
	case kind == "flows":
		return writeRaw(w, text)
	}
	return writeText(w, http.StatusOK, string(text))
}

// libraryPath reads type and path of a request and refuses what leads out of the library.
func libraryPath(r *http.Request) (kind, name string, err error) {
	kind, name = r.PathValue("type"), r.PathValue("path")
	clean := strings.Trim(path.Clean("/"+name), "/")
	outside := !libraryType.MatchString(kind) || len(name) > 500 || strings.ContainsAny(name, "\\\x00:")
	for part := range strings.SplitSeq(name, "/") {
		outside = outside || strings.HasPrefix(part, ".")
	}
	if outside {
		return "", "", refusal(http.StatusForbidden, "forbidden", "This name can't be used in the library.")
	}
	return kind, clean, nil
}

// localEntry reads a folder or a file of the user's own library.
func (s *Server) localEntry(kind, name string) (any, error) {
	root, err := os.OpenRoot(s.store.dir.file(libraryDir))
	if errors.Is(err, fs.ErrNotExist) {
		return emptyFolder(name)
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	full := path.Join(kind, name)
	info, err := root.Stat(full)
	if kind == "flows" && errors.Is(err, fs.ErrNotExist) && !strings.HasSuffix(name, ".json") && name != "" {
		full += ".json"
		info, err = root.Stat(full)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return emptyFolder(name)
	case err != nil:
		return nil, refusal(http.StatusForbidden, "forbidden", "This entry can't be read.")
	case info.IsDir():
		return listFolder(root, full)
	case info.Size() > flow.MaxFile:
		return nil, refusal(http.StatusBadRequest, "unexpected_error", "This entry is too large.")
	}
	text, err := root.ReadFile(full)
	if err != nil {
		return nil, err
	}
	_, body := splitMeta(string(text))
	return []byte(body), nil
}

// emptyFolder is the answer for a folder that nobody has made: the top is empty, anything else isn't there.
func emptyFolder(name string) (any, error) {
	if name == "" {
		return []any{}, nil
	}
	return nil, refusal(http.StatusBadRequest, "unexpected_error", "Library Entry not found %s", path.Base(name))
}

// listFolder lists sub-folders, then files with what is noted in their heads.
func listFolder(root *os.Root, folder string) ([]any, error) {
	dir, err := root.Open(folder)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxLibraryEntries)
	if err != nil && len(entries) == 0 && !errors.Is(err, fs.ErrNotExist) {
		entries = nil // io.EOF: an empty folder
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	folders, files := []any{}, []any{}
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			folders = append(folders, e.Name())
		case e.Type().IsRegular():
			text, err := root.ReadFile(path.Join(folder, e.Name()))
			if err != nil {
				return nil, err
			}
			meta, _ := splitMeta(string(text))
			meta["fn"] = e.Name()
			files = append(files, meta)
		}
	}
	return append(folders, files...), nil
}

var metaLine = regexp.MustCompile(`^// (\w+): (.*)$`)

// splitMeta cuts a library file into the notes at its head ("// key: value", one a line) and the rest.
func splitMeta(text string) (meta map[string]string, body string) {
	meta = map[string]string{}
	for {
		line, rest, _ := strings.Cut(text, "\n")
		m := metaLine.FindStringSubmatch(line)
		if m == nil {
			return meta, text
		}
		meta[m[1]] = oneLine.unquote.Replace(m[2])
		if text = rest; text == "" {
			return meta, ""
		}
	}
}

// oneLine turns a note into one line and back.
var oneLine = struct{ quote, unquote *strings.Replacer }{
	strings.NewReplacer(`\`, `\\`, "\n", `\n`), strings.NewReplacer(`\\`, `\`, `\n`, "\n"),
}

// postLibrary saves an entry in the user's own library.
func (s *Server) postLibrary(w http.ResponseWriter, r *http.Request) error {
	kind, name, err := libraryPath(r)
	if err != nil {
		return err
	}
	if r.PathValue("library") != "local" || name == "" {
		return refusal(http.StatusForbidden, "forbidden", "Nothing can be saved there.")
	}
	body, err := readBody(w, r, maxFlows)
	if err != nil {
		return err
	}
	text := body
	if kind != "flows" {
		if text, err = entryText(body); err != nil {
			return err
		}
	} else if !json.Valid(body) {
		return refusal(http.StatusBadRequest, "unexpected_error", "Not valid JSON.")
	} else {
		text = pretty(body)
		if !strings.HasSuffix(name, ".json") {
			name += ".json"
		}
	}
	if err := s.saveEntry(path.Join(kind, name), text); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// entryText is the file of an entry that isn't a flow: the fields of the object as notes, then its text.
func entryText(body []byte) ([]byte, error) {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, badJSON(err)
	}
	var content string
	if err := json.Unmarshal(in["text"], &content); err != nil {
		return nil, refusal(http.StatusBadRequest, "unexpected_error", "The entry has no text.")
	}
	delete(in, "text")
	var out strings.Builder
	for _, key := range sortedKeys(in) {
		var value string
		if json.Unmarshal(in[key], &value) != nil {
			value = string(in[key]) // a number or the like, as it is written
		}
		line := "// " + key + ": " + oneLine.quote.Replace(value)
		if metaLine.MatchString(line) {
			out.WriteString(line + "\n")
		}
	}
	out.WriteString(content)
	return []byte(out.String()), nil
}

func sortedKeys(m map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// saveEntry replaces one file of the library.
func (s *Server) saveEntry(name string, text []byte) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	top := s.store.dir.file(libraryDir)
	full := filepath.Join(top, filepath.FromSlash(name))
	if count := countFiles(top); count >= maxLibraryEntries {
		return refusal(http.StatusForbidden, "forbidden", "The library is full (%d entries).", count)
	}
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		return refusal(http.StatusBadRequest, "unexpected_error", "A part of this path is a file.")
	}
	if inside, err := filepath.EvalSymlinks(filepath.Dir(full)); err != nil || !within(top, inside) {
		return refusal(http.StatusForbidden, "forbidden", "This path leads out of the library.")
	}
	if info, err := os.Stat(full); err == nil && info.IsDir() {
		return refusal(http.StatusBadRequest, "unexpected_error", "There is a folder of that name.")
	}
	d := folder{path: filepath.Dir(full)}
	if err := d.replace(map[string][]byte{filepath.Base(full): text}); err != nil {
		return fmt.Errorf("library: %w", err)
	}
	return nil
}

// within tells whether dir is top or lies below it, symbolic links resolved.
func within(top, dir string) bool {
	real, err := filepath.EvalSymlinks(top)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(real, dir)
	return err == nil && filepath.IsLocal(rel)
}

// countFiles counts the files below dir that a listing would show.
func countFiles(dir string) (n int) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasPrefix(d.Name(), ".") {
			n++
		}
		return nil // what can't be read isn't counted
	})
	return n
}
