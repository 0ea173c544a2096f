package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tsunagi/web/editor/packfile"
)

// texts are the licences that the packages name but don't carry, in the order they are shown.
var texts = []string{"MIT.txt", "BSD-3-Clause.txt", "OFL-1.1.txt"}

// joinNotices returns one text with the list of what is embedded, the texts kept in dir and every licence file found
// among the packed files; a text that comes more than once is named where it comes again.
func joinNotices(dir string, files []packfile.Source) ([]byte, error) {
	var b bytes.Buffer
	list, err := os.ReadFile(filepath.Join(dir, "components.txt"))
	if err != nil {
		return nil, err
	}
	b.Write(list)
	for _, name := range texts {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		section(&b, strings.TrimSuffix(name, ".txt"), text)
	}
	seen := make(map[string]string) // text to the path where it stands
	for _, f := range files {
		if !isNotice(f.Path) {
			continue
		}
		if first, ok := seen[string(f.Content)]; ok {
			section(&b, f.Path, []byte("The same as "+first+"\n"))
			continue
		}
		seen[string(f.Content)] = f.Path
		section(&b, f.Path, f.Content)
	}
	return b.Bytes(), nil
}

// section appends text under a heading.
func section(b *bytes.Buffer, title string, text []byte) {
	fmt.Fprintf(b, "\n\n%s\n%s\n\n%s\n", title, strings.Repeat("=", len(title)), bytes.TrimSpace(text))
}

// isNotice tells whether a packed file is a licence or a notice.
func isNotice(path string) bool {
	name := path[strings.LastIndexByte(path, '/')+1:]
	return name == "LICENSE" || name == "ThirdPartyNotices.txt" || strings.HasSuffix(name, ".LICENSE.txt")
}
