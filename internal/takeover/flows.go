package takeover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"tsunagi/internal/editor"
	"tsunagi/internal/flow"
)

const maxFile = 64 << 20 // of a flows or credentials file, in bytes

// place is where the flows are.
type place struct {
	flows, creds string
	secret       any // of a project; nil for that of the settings
}

// findFlows finds the flow file: of the settings, of an active project, or the default one.
func (p *Plan) findFlows(s *settings) (place, error) {
	if s.EditorTheme.Projects.Enabled {
		if at, ok := p.project(); ok {
			return at, nil
		}
	}
	if name, ok := s.FlowFile.(string); ok && name != "" {
		return at(within(p.o.From, name)), nil
	}
	for _, name := range []string{"flows_" + p.o.Host + ".json", "flows.json"} {
		if exists(filepath.Join(p.o.From, name)) {
			return at(filepath.Join(p.o.From, name)), nil
		}
	}
	found, err := filepath.Glob(filepath.Join(p.o.From, "flows*.json"))
	found = slices.DeleteFunc(found, func(name string) bool { return strings.HasSuffix(name, "_cred.json") })
	switch {
	case err != nil:
		return place{}, err
	case len(found) == 1:
		p.take("the flow file is %s, which is of another machine's name", filepath.Base(found[0]))
		return at(found[0]), nil
	case len(found) > 1:
		return place{}, fmt.Errorf("%s has several flow files (%s): name one as flowFile in settings.js", p.o.From, strings.Join(bases(found), ", "))
	}
	return place{}, fmt.Errorf("%s has no flow file", p.o.From)
}

func bases(list []string) (out []string) {
	for _, name := range list {
		out = append(out, filepath.Base(name))
	}
	return out
}

func at(flows string) place {
	ext := filepath.Ext(flows)
	return place{flows: flows, creds: strings.TrimSuffix(flows, ext) + "_cred" + ext}
}

func within(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// project finds the flows of the active project.
func (p *Plan) project() (place, bool) {
	var list struct {
		ActiveProject string `json:"activeProject"`
		Projects      map[string]struct {
			CredentialSecret any `json:"credentialSecret"`
		} `json:"projects"`
	}
	text, err := readBounded(filepath.Join(p.o.From, ".config.projects.json"), 1<<20)
	if err != nil || json.Unmarshal(text, &list) != nil || list.ActiveProject == "" || filepath.Base(list.ActiveProject) != list.ActiveProject {
		return place{}, false
	}
	dir := filepath.Join(p.o.From, "projects", list.ActiveProject)
	var pack struct {
		NodeRED struct {
			Settings struct{ FlowFile, CredentialsFile string }
		} `json:"node-red"`
	}
	text, err = readBounded(filepath.Join(dir, "package.json"), 1<<20)
	if err != nil || json.Unmarshal(text, &pack) != nil || !filepath.IsLocal(pack.NodeRED.Settings.FlowFile) {
		return place{}, false
	}
	out := at(filepath.Join(dir, pack.NodeRED.Settings.FlowFile))
	if name := pack.NodeRED.Settings.CredentialsFile; filepath.IsLocal(name) {
		out.creds = filepath.Join(dir, name)
	}
	out.secret = list.Projects[list.ActiveProject].CredentialSecret
	p.leave("project %q: its flows are taken over, its git history is not; the last 50 deploys are kept as snapshots here", list.ActiveProject)
	return out, true
}

// flows reads flows and credentials.
func (p *Plan) flows(at place, s *settings) error {
	text, err := readBounded(at.flows, maxFile)
	if err != nil {
		return fmt.Errorf("flow file: %w", err)
	}
	file, err := flow.ParseFile(text)
	if err != nil {
		return fmt.Errorf("flow file %s: %w", at.flows, err)
	}
	tabs := 0
	for _, n := range file.Nodes {
		if n.Type == "tab" {
			tabs++
		}
	}
	p.files.Flows = file
	p.take("%s: %d flows, %d nodes", filepath.Base(at.flows), tabs, len(file.Nodes))
	p.missing(file)
	return p.credentials(at, s)
}

func (p *Plan) credentials(at place, s *settings) error {
	secret, encrypted := p.secret(at, s)
	text, err := readBounded(at.creds, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		p.files.Secret = secret
		return nil
	}
	if err != nil {
		return err
	}
	if encrypted && secret == "" {
		p.leave("credentials (%s): their key is in no file here; set credentialSecret in settings.js, or enter them again in the editor", filepath.Base(at.creds))
		return nil
	}
	creds, err := editor.OpenCredentials(text, secret)
	if err != nil {
		p.leave("credentials (%s): %v; enter them again in the editor", filepath.Base(at.creds), err)
		return nil //nolint:nilerr // it is part of the report
	}
	p.files.Secret, p.files.Credentials = secret, creds
	p.take("%s: credentials of %d nodes, and their key", filepath.Base(at.creds), len(creds))
	return nil
}

// secret is the key of the credentials: of the project, of the settings, or the one that
// Node-RED made.
func (p *Plan) secret(at place, s *settings) (secret string, encrypted bool) {
	from := at.secret
	if from == nil {
		from = s.CredentialSecret
	}
	switch v := from.(type) {
	case string:
		return v, true
	case bool:
		if !v {
			p.leave("credentials were not encrypted (credentialSecret: false): here they are, with a key of their own in .config.runtime.json")
			return "", false
		}
	case map[string]any:
		p.leave("credentialSecret comes from code that can't be run here (%s)", v["$needs"])
	}
	for _, name := range []string{".config.runtime.json", ".config.json"} {
		var kept struct {
			Secret string `json:"_credentialSecret"`
		}
		text, err := readBounded(filepath.Join(p.o.From, name), 16<<20)
		if err == nil && json.Unmarshal(text, &kept) == nil && kept.Secret != "" {
			return kept.Secret, true
		}
	}
	return "", true
}
