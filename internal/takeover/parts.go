package takeover

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tsunagi/internal/config"
	"tsunagi/internal/editor"
)

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// users takes the users of adminAuth with the hashes of their passwords.
func (p *Plan) users(s *settings) {
	auth := s.AdminAuth
	if auth == nil {
		p.leave("there was no login: here there is always one beyond this machine; the first start prints a link that makes the first user")
		return
	}
	if typ, _ := auth["type"].(string); typ != "credentials" {
		p.leave("adminAuth of type %q: people sign in with passwords here; the first start prints a link that makes the first user", typ)
		return
	}
	if auth["default"] != nil {
		p.leave("adminAuth.default: nobody comes in without signing in here")
	}
	if auth["tokens"] != nil || auth["authenticate"] != nil {
		p.leave("adminAuth: code that checks users or tokens can't be run here")
	}
	list, ok := auth["users"].([]any)
	if !ok {
		p.leave("adminAuth.users is no list: make users with the link that the first start prints")
		return
	}
	p.files.Users = map[string]editor.TakenUser{}
	for _, e := range list {
		u, _ := e.(map[string]any)
		name, _ := u["username"].(string)
		hash, _ := u["password"].(string)
		user := editor.TakenUser{Hash: hash, Scope: scopeOf(u["permissions"])}
		if err := user.Check(name); err != nil {
			p.leave("user %q: %v", name, err)
			continue
		}
		p.files.Users[name] = user
		p.take("user %q, may %s, with the password as it is", name, user.Scope)
	}
}

func scopeOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var words []string
		for _, e := range v {
			if w, ok := e.(string); ok {
				words = append(words, w)
			}
		}
		return strings.Join(words, ",")
	}
	return "*"
}

// server takes address, title and log level.
func (p *Plan) server(s *settings) {
	port := "1880"
	switch v := s.UIPort.(type) {
	case float64:
		port = strconv.Itoa(int(v))
	case string:
		if _, err := strconv.ParseUint(v, 10, 16); err == nil {
			port = v
		}
	}
	host, _ := s.UIHost.(string)
	p.settings.Listen = net.JoinHostPort(host, port)
	p.take("address %s", p.settings.Listen)
	if !config.Loopback(p.settings.Listen) {
		p.leave("plain http beyond this machine: the editor is https on %s, under an authority of its own", p.settings.Listen)
	}
	if title, ok := s.EditorTheme.Page.Title.(string); ok && title != "" {
		p.settings.Title = title
		p.take("title %q", title)
	}
	level, _ := s.Logging.Console.Level.(string)
	if mapped := map[string]string{"fatal": "error", "error": "error", "warn": "warn", "debug": "debug", "trace": "debug", "off": "error"}[level]; mapped != "" {
		p.settings.Log.Level = mapped
		p.take("log level %s", mapped)
	}
}

// context takes the context stores and what those of files hold.
func (p *Plan) context(s *settings) error {
	if len(s.ContextStorage) == 0 {
		return nil
	}
	order, _ := s.all["contextStorage"].(map[string]any)
	names := make([]string, 0, len(order))
	for name := range order {
		names = append(names, name)
	}
	slices.Sort(names)
	standard := ""
	if alias, ok := s.ContextStorage["default"].(string); ok {
		standard = alias
	} else if s.ContextStorage["default"] != nil {
		standard = "default"
	}
	for _, name := range names {
		o, ok := s.ContextStorage[name].(map[string]any)
		if !ok {
			continue // the alias
		}
		if err := p.store(name, o); err != nil {
			return err
		}
	}
	if standard != "" && slices.ContainsFunc(p.settings.Context, func(c config.ContextStore) bool { return c.Name == standard }) {
		p.settings.ContextDefault = standard
	}
	return nil
}

func (p *Plan) store(name string, o map[string]any) error {
	module, _ := o["module"].(string)
	c := config.ContextStore{Name: name, Module: module}
	switch module {
	case "memory":
	case "localfilesystem":
		from := p.fileStore(&c, o)
		if !exists(from) {
			break
		}
		p.copies = append(p.copies, copied{from, filepath.Join(p.o.Data, c.Dir)})
	default:
		p.leave("context store %q: its module can't be loaded here; it becomes one of files, and what it holds is not taken over", name)
		c.Module, c.Dir = "localfilesystem", "context-"+name
	}
	p.settings.Context = append(p.settings.Context, c)
	p.take("context store %q (%s)", name, c.Module)
	return nil
}

// fileStore reads the options of a store of files, and says where its files are.
func (p *Plan) fileStore(c *config.ContextStore, o map[string]any) (from string) {
	options, _ := o["config"].(map[string]any)
	base, _ := options["base"].(string)
	if base == "" {
		base = "context"
	}
	dir, _ := options["dir"].(string)
	if dir == "" {
		dir = p.o.From
	}
	c.Dir = base
	if !filepath.IsLocal(base) || slices.ContainsFunc(p.settings.Context, func(other config.ContextStore) bool { return other.Dir == base }) {
		c.Dir = "context-" + c.Name
	}
	if cache, ok := options["cache"].(bool); ok {
		c.Cache = &cache
	}
	if seconds, ok := options["flushInterval"].(float64); ok {
		seconds = min(max(seconds, 0), 86400)
		c.FlushInterval = &seconds
	}
	return filepath.Join(dir, base)
}

// library takes lib/ and the settings of users.
func (p *Plan) library() {
	from := filepath.Join(p.o.From, "lib")
	if exists(from) {
		p.copies = append(p.copies, copied{from, filepath.Join(p.o.Data, "lib")})
		p.take("library (lib/)")
	}
	text, err := readBounded(filepath.Join(p.o.From, ".config.users.json"), 16<<20)
	if err == nil {
		p.files.UserSettings = text
		p.take("what users have chosen in the editor")
	}
}

// Keys of the settings that were looked at above, and those that mean nothing here.
var (
	used = []string{"flowFile", "credentialSecret", "uiPort", "uiHost", "adminAuth", "contextStorage", "logging", "editorTheme", "userDir",
		"flowFilePretty", "runtimeState", "diagnostics", "telemetry", "exportGlobalContextKeys", "mqttReconnectTime", "serialReconnectTime",
		"debugMaxLength", "debugUseColors", "externalModules", "codeEditor", "settingsFile", "lang"}
	reasons = map[string]string{
		"httpAdminRoot":           "the editor is at / here",
		"httpNodeRoot":            "pages of flows begin at / here: their addresses change",
		"httpStatic":              "no files are served here: let a web server do that",
		"httpNodeAuth":            "put a check into the flows, or a proxy in front",
		"httpStaticAuth":          "no files are served here",
		"https":                   "https has certificates of an authority of its own here",
		"requireHttps":            "beyond this machine all is https here",
		"functionGlobalContext":   "modules and values can't be handed to functions here; global.get of them is undefined: set them in a function's On Start instead",
		"functionExternalModules": "there is no npm here",
		"nodesDir":                "node types in JavaScript can't be loaded",
		"storageModule":           "flows are kept in files here",
		"httpNodeMiddleware":      "middleware in JavaScript can't be loaded",
		"httpAdminMiddleware":     "middleware in JavaScript can't be loaded",
		"fileWorkingDirectory":    "relative names of file nodes begin in the data directory here",
	}
)

// rest says what of the settings has no meaning here.
func (p *Plan) rest(s *settings) {
	if s.all["fileWorkingDirectory"] == nil {
		p.leave("relative names of file, watch and exec nodes begin in the data directory here, not where Node-RED was started")
	}
	for _, key := range s.order {
		v := s.all[key]
		if slices.Contains(used, key) || v == nil || v == false || v == "" || v == "/" {
			continue
		}
		why := reasons[key]
		if m, ok := v.(map[string]any); ok && len(m) == 0 {
			continue
		} else if ok && key == "functionGlobalContext" {
			why = fmt.Sprintf("%s (%s)", why, strings.Join(keysOf(m), ", "))
		}
		if why == "" {
			why = "it has no meaning here"
		}
		p.leave("setting %s: %s", key, why)
	}
	for _, name := range s.needed {
		p.leave("settings.js requires %q: what it makes of it is left out", name)
	}
}

func keysOf(m map[string]any) (out []string) {
	for key := range m {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}
