//go:build no_ui

package web

import (
	"embed"
	"io/fs"
)

//go:embed noui/index.html
var panelFiles embed.FS

// HasUI says whether the pages are part of this binary.
const HasUI = false

// Panel returns a single page that says how to build the pages.
func Panel() fs.FS { return sub(panelFiles, "noui") }
