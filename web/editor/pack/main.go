// Command pack gathers Node-RED's editor from web/editor/node_modules into web/editor/dist/editor.pack.
// Run it from the top folder of the repository: go run ./web/editor/pack
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tsunagi/web/editor/packfile"
)

func main() {
	dir := flag.String("dir", "web/editor", "folder with node_modules, notices and editor.sum")
	update := flag.Bool("update", false, "accept a new digest and write it to editor.sum")
	flag.Parse()
	if err := run(*dir, *update); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// run packs what lies in dir and writes dist/editor.pack there.
func run(dir string, update bool) error {
	modules := filepath.Join(dir, "node_modules", "@node-red")
	version, err := checkVersions(modules)
	if err != nil {
		return err
	}
	files, err := collect(modules)
	if err != nil {
		return err
	}
	notices, err := joinNotices(filepath.Join(dir, "notices"), files)
	if err != nil {
		return err
	}
	files = append(files, packfile.Source{Path: "THIRD_PARTY_NOTICES.txt", Content: notices})

	var b bytes.Buffer
	digest, err := packfile.Write(&b, version, files)
	if err != nil {
		return err
	}
	if err := checkSum(filepath.Join(dir, "editor.sum"), digest, update); err != nil {
		return err
	}
	out := filepath.Join(dir, "dist", "editor.pack")
	if err := replace(out, b.Bytes()); err != nil {
		return err
	}
	fmt.Printf("%s: %d files, %.1f MB, Node-RED editor %s\n", out, len(files), float64(b.Len())/1e6, version)
	return nil
}

// checkSum compares digest with the committed one.
func checkSum(path, digest string, update bool) error {
	if update {
		return os.WriteFile(path, []byte(digest+"\n"), 0o644)
	}
	want, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if strings.TrimSpace(string(want)) != digest {
		return fmt.Errorf("the packages differ from what %s names; look at what changed, then run with -update (digest %s)", path, digest)
	}
	return nil
}

// replace writes path by way of a temporary file, so that a stopped run leaves no half archive.
func replace(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", content, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}
