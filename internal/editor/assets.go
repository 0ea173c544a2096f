package editor

import (
	"sync"

	"tsunagi/web"
	"tsunagi/web/editor/packfile"
)

// Folders of the archive.
const (
	publicDir    = "editor-client/public/"
	coreDir      = "nodes/core/"
	debugViewDir = "nodes/core/common/lib/debug/"
	iconsDir     = "nodes/icons/"
	examplesDir  = "nodes/examples/"
	indexFile    = "editor-client/templates/index.mst"
	noticesFile  = "THIRD_PARTY_NOTICES.txt"
)

// EmbeddedAssets opens the archive inside this binary. It is nil, without an error, when the binary was built without.
var EmbeddedAssets = sync.OnceValues(func() (*packfile.Pack, error) {
	data := web.EditorPack()
	if data == "" {
		return nil, nil
	}
	return packfile.Open(data)
})
