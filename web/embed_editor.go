//go:build !no_ui

package web

import _ "embed"

// The archive is made by `go run ./web/editor/pack`, or `make editor`. A string is embedded as it is and costs no heap.
//
//go:embed editor/dist/editor.pack
var editorPack string

// EditorPack returns the archive with Node-RED's editor, for packfile.Open; "" in a build with the tag no_ui.
func EditorPack() string { return editorPack }
