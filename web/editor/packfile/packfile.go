// Package packfile is the archive that carries Node-RED's editor inside our binary.
//
// It is a zip file whose entries are stored, not deflated: each holds one file, most of them as a finished gzip
// stream. A server hands out slices of the archive with "Content-Encoding: gzip" and unpacks nothing. `unzip -l`
// shows what is inside. The first entry, manifest.json, names the version and every file with its digest.
package packfile

// manifestName is the entry that lists all others.
const manifestName = "manifest.json"

// manifest describes an archive.
type manifest struct {
	Version string  `json:"version"` // of the editor packages
	Digest  string  `json:"digest"`  // SHA-256 over every path and content, hex; independent of the compressor
	Files   []entry `json:"files"`   // sorted by path
}

// entry describes one file of an archive.
type entry struct {
	Path string `json:"path"`
	Size int64  `json:"size"` // bytes, unpacked
	Sum  string `json:"sum"`  // SHA-256 of the content, hex
	Gzip bool   `json:"gzip,omitempty"`
}
