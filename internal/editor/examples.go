package editor

import (
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/web/editor/packfile"
)

// exampleEntry reads a folder or a file of the examples that come with the nodes. A flow is listed only when every
// type in it can run; folders are listed as they are.
func (s *Server) exampleEntry(kind, name string) (any, error) {
	if s.o.Assets == nil || kind != "flows" {
		return []any{}, nil
	}
	if name == "" {
		return []any{coreModule}, nil
	}
	rest, ok := strings.CutPrefix(name+"/", coreModule+"/")
	if !ok {
		return nil, notFound("not_found")
	}
	if f := s.o.Assets.Lookup(strings.TrimSuffix(examplesDir+rest, "/") + ".json"); f != nil {
		return f.Content()
	}
	return s.listExamples(examplesDir + rest)
}

// listExamples lists what lies directly below a folder of the archive.
func (s *Server) listExamples(prefix string) (any, error) {
	folders, files := []any{}, []any{}
	seen := map[string]bool{}
	can := runnable(s.o.Runtime.Types())
	found := false
	for f := range s.o.Assets.Under(prefix) {
		found = true
		if !canRun(f, can) {
			continue
		}
		head, _, deeper := strings.Cut(strings.TrimPrefix(f.Path, prefix), "/")
		switch {
		case deeper && !seen[head]:
			seen[head] = true
			folders = append(folders, head)
		case !deeper:
			files = append(files, object{"fn": strings.TrimSuffix(head, ".json")})
		}
	}
	if !found {
		return nil, notFound("not_found")
	}
	return append(folders, files...), nil
}

// canRun tells whether all nodes of an example have types that run here.
func canRun(f *packfile.File, can func(string) bool) bool {
	text, err := f.Content()
	if err != nil {
		return false
	}
	file, err := flow.ParseFile(text)
	if err != nil {
		return false
	}
	for _, n := range file.Nodes {
		switch n.Type {
		case "tab", "group", "comment", "junction", "subflow":
		default:
			if !can(n.Type) && !isSubflow(n.Type) {
				return false
			}
		}
	}
	return true
}
