//go:build no_ui

package web

// EditorPack returns the archive with Node-RED's editor, for packfile.Open; "" in a build with the tag no_ui.
func EditorPack() string { return "" }
