// Command notices writes THIRD_PARTY.md and the licence texts that the binary prints with `tsunagi version
// --notices`: of the Go modules linked in, the npm packages whose code is in the panel's pages, and Node-RED's
// editor. Run it from the top of the tree, after `make web editor`, when a dependency changed.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// work is something that others wrote and we ship.
type work struct {
	name, version, licence, from string
	texts                        []string
}

func main() {
	log.SetFlags(0)
	modules, err := goModules()
	if err != nil {
		log.Fatal(err)
	}
	packages, err := npmPackages("web/panel")
	if err != nil {
		log.Fatal(err)
	}
	editor, err := editorNotices("web/editor/notices")
	if err != nil {
		log.Fatal(err)
	}
	all := slices.Concat(modules, packages)
	if err := write(all, editor); err != nil {
		log.Fatal(err)
	}
}

// goModules are the modules whose packages are linked into the binary.
func goModules() ([]work, error) {
	out, err := exec.Command("go", "list", "-deps", "-tags", "no_ui", "-f",
		`{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}`, "./cmd/tsunagi").Output()
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	var all []work
	for _, line := range slices.Compact(lines) {
		if f := strings.Fields(line); len(f) == 3 {
			all = append(all, work{name: f[0], version: f[1], from: "Go module", texts: licenceTexts(f[2])})
		}
	}
	goroot, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return nil, err
	}
	f := strings.Fields(string(goroot))
	return append(all, work{name: "Go's standard library", version: "", from: "Go", texts: licenceTexts(f[0])}), nil
}

// npmPackages are the packages below dir that its lock file doesn't mark as for development only.
func npmPackages(dir string) ([]work, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version, License string
			Dev, DevOptional bool
		}
	}
	if err := json.Unmarshal(raw, &lock); err != nil {
		return nil, err
	}
	var all []work
	for path, p := range lock.Packages {
		if path == "" || p.Dev || p.DevOptional {
			continue
		}
		name := path[strings.LastIndex(path, "node_modules/")+len("node_modules/"):]
		all = append(all, work{name: name, version: p.Version, licence: p.License, from: "npm package", texts: licenceTexts(filepath.Join(dir, path))})
	}
	slices.SortFunc(all, func(a, b work) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.version, b.version)) })
	return all, nil
}

func editorNotices(dir string) (string, error) {
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), filepath.Base(path), text)
		return err
	})
	return b.String(), err
}

// licenceTexts are the licence and notice files at the top of a package.
func licenceTexts(dir string) (texts []string) {
	entries, _ := os.ReadDir(dir) // a package without files has no texts; write says so
	for _, e := range entries {
		upper := strings.ToUpper(e.Name())
		if !e.IsDir() && (strings.HasPrefix(upper, "LICEN") || strings.HasPrefix(upper, "NOTICE") || strings.HasPrefix(upper, "COPYING") || strings.HasPrefix(upper, "UNLICENSE")) {
			if text, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
				texts = append(texts, strings.TrimSpace(string(text)))
			}
		}
	}
	return texts
}

// kind names the licences that the texts are.
func kind(texts []string) string {
	var names []string
	all := strings.Join(texts, "\n")
	for _, k := range []struct{ has, name string }{
		{"Apache License", "Apache-2.0"}, {"Mozilla Public License", "MPL-2.0"}, {"ISC License", "ISC"},
		{"Permission to use, copy, modify, and/or distribute", "ISC"}, {"Permission to use, copy, modify, and distribute", "ISC"},
		{"Permission is hereby granted, free of charge", "MIT"}, {"released into the public domain with CC0 1.0", "CC0-1.0"}, {"Redistribution and use in source and binary forms", "BSD"},
		{"unlicense", "Unlicense"},
	} {
		if strings.Contains(all, k.has) && !slices.Contains(names, k.name) {
			names = append(names, k.name)
		}
	}
	return strings.Join(names, ", ")
}

func write(all []work, editor string) error {
	var table, texts strings.Builder
	table.WriteString("# What others wrote and we ship\n\nMade by `go run ./internal/app/notices`. `tsunagi version --notices` prints all licence texts.\n\n" +
		"Node-RED's editor (`@node-red/editor-client`, `@node-red/nodes`, Apache-2.0, Copyright OpenJS Foundation and other\ncontributors) " +
		"and what it contains: see [web/editor/notices](web/editor/notices). It is shipped unmodified.\n\n| work | version | licence | kind |\n|---|---|---|---|\n")
	for _, w := range all {
		if w.licence == "" {
			w.licence = kind(w.texts)
		}
		if w.licence == "" {
			return fmt.Errorf("%s %s: no licence found; look at it before it is shipped", w.name, w.version)
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", w.name, w.version, w.licence, w.from)
		fmt.Fprintf(&texts, "%s\n%s %s (%s)\n\n%s\n\n", strings.Repeat("=", 80), w.name, w.version, w.licence, strings.Join(w.texts, "\n\n"))
	}
	texts.WriteString(editor)
	if err := os.WriteFile("THIRD_PARTY.md", []byte(table.String()), 0o644); err != nil {
		return err
	}
	return writePacked("internal/app/third_party.txt.gz", texts.String())
}

// writePacked writes text as a gzip stream without time and name, so that the same text gives the same file.
func writePacked(path, text string) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write([]byte(text)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
