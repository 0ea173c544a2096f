package flow

import (
	"regexp"
	"strings"

	"tsunagi/internal/flow/value"
)

// group is a group of nodes at run time: it has an environment of its own.
type group struct {
	def *def
	in  *container
	env map[string]value.Value
}

// setting looks a name up: in the innermost group that knows it, then in what holds it.
func (g *group) setting(key string) value.Value {
	switch key {
	case "NR_GROUP_NAME":
		return g.def.fields.Get("name")
	case "NR_GROUP_ID":
		return value.Str(g.def.id)
	}
	if up, ok := strings.CutPrefix(key, "$parent."); ok {
		key = up
	} else if v, ok := g.env[key]; ok {
		return v.Clone()
	}
	if outer := g.in.groups[g.def.g]; outer != nil {
		return outer.setting(key)
	}
	return g.in.setting(key)
}

// setting looks a name up for a node of the container that is in no group.
func (c *container) setting(key string) value.Value {
	if v, ok := c.builtin(key); ok {
		return v
	}
	if up, ok := strings.CutPrefix(key, "$parent."); ok {
		key = up
	} else if v, ok := c.env[key]; ok {
		return v.Clone()
	}
	switch {
	case c.parent == nil:
		return c.rt.environment(key)
	case c.sub != nil:
		if g := c.parent.groups[c.sub.base.def.g]; g != nil {
			return g.setting(key)
		}
	}
	return c.parent.setting(key)
}

// builtin answers the names that every flow knows.
func (c *container) builtin(key string) (value.Value, bool) {
	if c.sub != nil {
		d := c.sub.base.def
		switch key {
		case "NR_NODE_NAME", "NR_SUBFLOW_NAME":
			return d.fields.Get("name"), true
		case "NR_NODE_ID", "NR_SUBFLOW_ID":
			return value.Str(d.id), true
		case "NR_NODE_PATH", "NR_SUBFLOW_PATH":
			return value.Str(c.sub.base.path), true
		}
		return value.Value{}, false
	}
	switch key {
	case "NR_FLOW_NAME":
		if c.sheet.def == nil {
			return value.Value{}, true
		}
		return c.sheet.def.fields.Get("label"), true
	case "NR_FLOW_ID":
		if c.sheet.def == nil {
			return value.Value{}, true
		}
		return value.Str(c.id), true
	}
	return value.Value{}, false
}

func (r *Runtime) environment(key string) value.Value {
	if r.o.Env != nil {
		if s, ok := r.o.Env(key); ok {
			return value.Str(s)
		}
	}
	return value.Value{}
}

// Env returns an environment variable as the node sees it, undefined when nobody set it.
func (b *Base) Env(name string) value.Value { return b.setting(name, b.def.fields) }

// setting answers for a node whose fields may still be at their substitution.
func (b *Base) setting(name string, fields *value.Map) value.Value {
	switch name {
	case "NR_NODE_NAME":
		return fields.Get("name")
	case "NR_NODE_ID":
		return value.Str(b.def.id)
	case "NR_NODE_PATH":
		return value.Str(b.path)
	}
	if g := b.in.groups[b.def.g]; g != nil {
		return g.setting(name)
	}
	return b.in.setting(name)
}

// startEnv evaluates the environment of the container and of its groups, outer ones first.
func (c *container) startEnv() {
	if c.parent == nil {
		c.env = map[string]value.Value{}
		for d := range c.sheet.configs.all() {
			if d.typ == "global-config" {
				creds := c.rt.creds[d.id]["map"]
				secrets, _ := value.Parse(creds) // none when there are no credentials
				c.evaluateEnv(c.env, d.fields.Get("env"), func(name string) value.Value {
					if m := secrets.Map(); m != nil {
						return m.Get(name)
					}
					return value.Value{}
				}, c.setting)
			}
		}
	}
	if c.sheet.def != nil || c.sub != nil {
		c.env = map[string]value.Value{}
		c.evaluateEnv(c.env, c.ownEnv(), c.envCredential, c.setting)
	}
	c.groups = map[string]*group{}
	for waiting := c.sheet.groups.order; len(waiting) > 0; {
		var later []string
		for _, id := range waiting {
			d := c.sheet.groups.get(id)
			if d.g != "" && c.groups[d.g] == nil && c.sheet.groups.get(d.g) != nil {
				later = append(later, id)
				continue
			}
			g := &group{def: d, in: c, env: map[string]value.Value{}}
			c.groups[id] = g
			c.evaluateEnv(g.env, d.fields.Get("env"), func(name string) value.Value { return c.rt.credential(d.shownID(), name) }, g.setting)
		}
		if len(later) == len(waiting) {
			break // groups that contain each other
		}
		waiting = later
	}
}

// ownEnv is the env of the tab, or of the instance over that of its subflow.
func (c *container) ownEnv() value.Value {
	if c.sub != nil {
		return c.sub.env
	}
	return c.sheet.def.fields.Get("env")
}

func (c *container) envCredential(name string) value.Value {
	if c.sub != nil {
		return c.sub.credential(name)
	}
	return c.rt.credential(c.id, name)
}

// evaluateEnv fills dst with the values of env entries. Those that name other variables come
// last, since they may name entries of the same list.
func (c *container) evaluateEnv(dst map[string]value.Value, env value.Value, cred, outer func(string) value.Value) {
	list := env.List()
	if list == nil {
		return
	}
	var names []*value.Map
	for _, e := range list.All() {
		o := e.Map()
		if o == nil {
			continue
		}
		name, raw := o.Get("name").Str(), o.Get("value")
		switch typ := o.Get("type").Str(); typ {
		case "env":
			names = append(names, o)
		case "bool":
			dst[name] = value.Of(raw.Bool() || raw.Str() == "true")
		case "cred":
			if v := cred(name); v.Defined() {
				raw = v
			}
			dst[name] = raw
		case "jsonata":
			v, err := c.jsonata(raw.Str())
			if err != nil {
				c.rt.logAbout(levelError, c.sheet.definition(), c.path, Text("Error evaluating env property '"+name+"': "+err.Error()))
			}
			dst[name] = v
		default:
			v, err := evaluateConstant(raw, typ)
			if err != nil {
				c.rt.logAbout(levelError, c.sheet.definition(), c.path, Text("Error evaluating env property '"+name+"': "+err.Error()))
			}
			dst[name] = v
		}
	}
	for _, o := range names {
		name, other := o.Get("name").Str(), o.Get("value").Str()
		if name == other { // a variable that is its own value means that of the parent
			other = "$parent." + name
		}
		look := func(key string) value.Value {
			if v, ok := dst[key]; ok {
				return v
			}
			return outer(key)
		}
		if v, ok := dst[other]; ok {
			dst[name] = v
		} else {
			dst[name] = expandEnv(other, look)
		}
	}
}

func (s *sheet) definition() *def {
	if s.def != nil {
		return s.def
	}
	return &def{id: globalID, typ: "global", fields: value.NewMap(0)}
}

var (
	envOnly = regexp.MustCompile(`^\$\{[^}]+\}$`)
	envSome = regexp.MustCompile(`\$\{\S+\}`)
	envEach = regexp.MustCompile(`\$\{([^}]+)\}`)
)

// expandEnv evaluates a text of type env: NAME, ${NAME}, or a text with ${NAME} in it.
func expandEnv(text string, look func(string) value.Value) value.Value {
	var v value.Value
	switch {
	case envOnly.MatchString(text):
		v = look(text[2 : len(text)-1])
	case !envSome.MatchString(text):
		v = look(text)
	default:
		return value.Str(envEach.ReplaceAllStringFunc(text, func(match string) string {
			if v := look(match[2 : len(match)-1]); v.Defined() {
				return v.Text()
			}
			return ""
		}))
	}
	if !v.Defined() {
		return value.Str("")
	}
	return v
}

// ExpandEnv evaluates a text of type env for a node: NAME, ${NAME}, or a text with ${NAME}.
func ExpandEnv(b *Base, text string) value.Value { return expandEnv(text, b.Env) }
