package takeover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tsunagi/internal/config"
	"tsunagi/internal/editor"
	"tsunagi/internal/flow"
)

// Options say what is taken over.
type Options struct {
	From    string   // the directory of Node-RED: ~/.node-red
	Data    string   // the data directory to make
	Types   []string // node types that can run here
	Environ []string // environment that settings.js may look at
	Host    string   // name of this machine, which old flow files carry [os.Hostname]
}

// Plan is what will be taken over, and what can't be.
type Plan struct {
	Taken   []string // what is, in sentences
	Left    []string // what isn't, and why or what to do
	Missing []Missing

	o        Options
	settings config.Flow
	files    editor.Installation
	copies   []copied
}

// Missing is a node type that isn't there, and who uses it.
type Missing struct {
	Type   string
	Module string // of npm, "" when unknown
	Users  []string
}

// copied is a directory to copy.
type copied struct{ from, to string }

// Make looks at an installation and changes nothing.
func Make(o Options) (*Plan, error) {
	var err error
	if o.From, err = filepath.Abs(o.From); err != nil {
		return nil, err
	}
	if info, err := os.Stat(o.From); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s: want the directory of a Node-RED installation, such as ~/.node-red", o.From)
	}
	if o.Host == "" {
		o.Host, _ = os.Hostname() // "" matches no file
	}
	s, err := readSettings(o.From, o.Environ)
	if err != nil {
		return nil, err
	}
	p := &Plan{o: o}
	place, err := p.findFlows(s)
	if err != nil {
		return nil, err
	}
	if err := p.flows(place, s); err != nil {
		return nil, err
	}
	p.users(s)
	p.server(s)
	if err := p.context(s); err != nil {
		return nil, err
	}
	p.library()
	p.rest(s)
	return p, p.vacant()
}

// vacant refuses a data directory in which there are flows already.
func (p *Plan) vacant() error {
	for _, name := range []string{"flows.json", "flows_cred.json", "auth.json"} {
		if _, err := os.Stat(filepath.Join(p.o.Data, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s has a %s already: name an empty data directory with --data", p.o.Data, name)
		}
	}
	return nil
}

func (p *Plan) take(format string, a ...any)  { p.Taken = append(p.Taken, fmt.Sprintf(format, a...)) }
func (p *Plan) leave(format string, a ...any) { p.Left = append(p.Left, fmt.Sprintf(format, a...)) }

// missing finds node types that can't run here.
func (p *Plan) missing(file *flow.File) {
	known := map[string]bool{"tab": true, "subflow": true, "group": true}
	for _, t := range p.o.Types {
		known[t] = true
	}
	labels := map[string]string{}
	for _, n := range file.Nodes {
		if n.Type == "tab" || n.Type == "subflow" {
			labels[n.ID] = nameOf(n)
		}
	}
	modules := p.modules()
	byType := map[string]*Missing{}
	for _, n := range file.Nodes {
		if known[n.Type] || strings.HasPrefix(n.Type, "subflow:") {
			continue
		}
		m := byType[n.Type]
		if m == nil {
			m = &Missing{Type: n.Type, Module: modules[n.Type]}
			byType[n.Type] = m
		}
		where := "config node"
		if n.Z != "" {
			where = "flow " + quoted(labels[n.Z], n.Z)
		}
		m.Users = append(m.Users, fmt.Sprintf("%s on %s", quoted(nameOf(n), n.ID), where))
	}
	for _, t := range slices.Sorted(maps.Keys(byType)) {
		p.Missing = append(p.Missing, *byType[t])
	}
	p.externals(file)
}

// externals names function nodes that load modules of npm.
func (p *Plan) externals(file *flow.File) {
	for _, n := range file.Nodes {
		var f struct {
			Libs []struct{ Module string } `json:"libs"`
		}
		if n.Type != "function" || json.Unmarshal(n.Raw, &f) != nil || len(f.Libs) == 0 {
			continue
		}
		names := make([]string, 0, len(f.Libs))
		for _, l := range f.Libs {
			names = append(names, l.Module)
		}
		p.leave("function node %s loads %s: there is no npm here, the node will not start", quoted(nameOf(n), n.ID), strings.Join(names, ", "))
	}
}

// modules says which npm module each contributed node type is from.
func (p *Plan) modules() map[string]string {
	out := map[string]string{}
	var list map[string]struct {
		Nodes map[string]struct{ Types []string }
	}
	text, err := readBounded(filepath.Join(p.o.From, ".config.nodes.json"), 16<<20)
	if err != nil || json.Unmarshal(text, &list) != nil {
		return out
	}
	for module, m := range list {
		for _, set := range m.Nodes {
			for _, t := range set.Types {
				out[t] = module
			}
		}
	}
	return out
}

func nameOf(n flow.RawNode) string {
	var named struct{ Name, Label string }
	_ = json.Unmarshal(n.Raw, &named) // no text: no name
	if named.Name == "" {
		return named.Label
	}
	return named.Name
}

func quoted(name, id string) string {
	if name == "" {
		return id
	}
	return fmt.Sprintf("%q (%s)", name, id)
}
