//go:build !no_ui

package web

import (
	"embed"
	"io/fs"
)

//go:embed all:panel/dist
var panelFiles embed.FS

// HasUI says whether the pages are part of this binary.
const HasUI = true

// Panel returns the built pages of the panel: index.html at the root, everything else under hashed
// names in assets/ (which may be cached for ever), and file.gz in place of every file worth packing.
func Panel() fs.FS { return sub(panelFiles, "panel/dist") }
