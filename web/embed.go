// Package web holds what the binary shows in a browser: the panel's pages, Node-RED's editor, and
// the catalogue of texts that pages and server share. It only embeds; handlers are elsewhere.
//
// The build tag no_ui leaves pages and editor out, so that Go builds and tests need no Node.js.
package web

import (
	"embed"
	"io/fs"
)

//go:embed locales/*.json
var localeFiles embed.FS

// Locales returns the catalogue: one JSON object of flat keys a language, named "en.json", "ja.json".
// Keys that begin with "api." are for the server alone; all others belong to the pages.
func Locales() fs.FS { return sub(localeFiles, "locales") }

// sub returns the folder dir of an embedded tree. A missing folder is a fault of the build.
func sub(files embed.FS, dir string) fs.FS {
	tree, err := fs.Sub(files, dir)
	if err != nil {
		panic("web: " + err.Error()) // only for a dir that isn't a valid path
	}
	return tree
}
