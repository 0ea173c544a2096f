package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tsunagi/web/editor/packfile"
)

// packages are the two that make up the editor; the archive has one top folder for each.
var packages = []string{"editor-client", "nodes"}

// checkVersions returns the version of both packages, which must be the same.
func checkVersions(modules string) (string, error) {
	var version string
	for _, name := range packages {
		raw, err := os.ReadFile(filepath.Join(modules, name, "package.json"))
		if err != nil {
			return "", fmt.Errorf("%w (run npm ci --ignore-scripts in web/editor first)", err)
		}
		var p struct{ Version string }
		if err := json.Unmarshal(raw, &p); err != nil {
			return "", fmt.Errorf("%s: package.json: %w", name, err)
		}
		if version != "" && p.Version != version {
			return "", fmt.Errorf("@node-red/%s is %s, the other one %s: they must be the same", name, p.Version, version)
		}
		version = p.Version
	}
	return version, nil
}

// collect reads every file that the archive shall hold.
func collect(modules string) ([]packfile.Source, error) {
	var files []packfile.Source
	for _, name := range packages {
		root := os.DirFS(filepath.Join(modules, name))
		err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if p == "node_modules" {
					return fs.SkipDir
				}
				return nil
			}
			full := path.Join(name, p)
			if !d.Type().IsRegular() || !wanted(full) {
				return nil
			}
			content, err := fs.ReadFile(root, p)
			files = append(files, packfile.Source{Path: full, Content: content})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// left are files and folders that no page of ours asks for (a trailing slash means all below).
var left = []string{
	"editor-client/public/red/red.js",  // red.min.js is served
	"editor-client/public/red/main.js", // main.min.js is served
	"editor-client/public/red/tours/",  // switched off in the settings
	"editor-client/public/vendor/ace/", // Monaco is served
	"editor-client/public/vendor/font-awesome/fonts/FontAwesome.otf",
	"editor-client/public/vendor/font-awesome/fonts/fontawesome-webfont.eot",
	"editor-client/public/vendor/font-awesome/fonts/fontawesome-webfont.svg",
	"editor-client/public/vendor/font-awesome/fonts/fontawesome-webfont.ttf",
	"editor-client/public/vendor/font-awesome/fonts/fontawesome-webfont.woff",
}

// kept are the folders of the packages that a browser needs, and their licences.
var kept = []string{
	"editor-client/LICENSE", "editor-client/locales/", "editor-client/public/", "editor-client/templates/",
	"nodes/LICENSE", "nodes/core/", "nodes/examples/", "nodes/icons/", "nodes/locales/",
}

// wanted tells whether the file belongs into the archive.
func wanted(file string) bool {
	under := func(prefix string) bool {
		return file == prefix || strings.HasSuffix(prefix, "/") && strings.HasPrefix(file, prefix)
	}
	if !slices.ContainsFunc(kept, under) || slices.ContainsFunc(left, under) {
		return false
	}
	if strings.HasPrefix(file, "nodes/core/") && !strings.HasPrefix(file, "nodes/core/common/lib/debug/") {
		return path.Ext(file) == ".html" // what runs on a Node.js server stays out
	}
	return true
}
