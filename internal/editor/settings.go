package editor

import (
	"encoding/json"
	"net/http"
)

// object is a JSON object in the making.
type object = map[string]any

// languages are those that the editor packages come with.
var languages = []string{"de", "en-US", "es-ES", "fr", "ja", "ko", "pt-BR", "ru", "zh-CN", "zh-TW"}

// getSettings answers what the editor wants to know before it draws itself. What phones home, installs packages or
// shows tours is switched off.
func (s *Server) getSettings(w http.ResponseWriter, r *http.Request) error {
	stores, standard := s.contextStores()
	out := object{
		"httpNodeRoot":               "/",
		"version":                    Version, // the editor's: it compares it with its own
		"context":                    object{"default": standard, "stores": stores},
		"codeEditor":                 object{"lib": "monaco", "options": object{}},
		"markdownEditor":             object{"mermaid": object{"enabled": true}},
		"libraries":                  libraries,
		"flowFilePretty":             true,
		"externalModules":            object{"palette": object{"allowInstall": false, "allowUpload": false}, "modules": object{"allowInstall": false}},
		"flowEncryptionType":         s.project.encryption(),
		"diagnostics":                object{"enabled": true, "ui": true},
		"telemetryEnabled":           false,
		"runtimeState":               object{"enabled": true, "ui": true},
		"functionExternalModules":    false,
		"functionTimeout":            0,
		"tlsConfigDisableLocalFiles": s.o.Shared,
		"editorTheme": object{
			"palette":     object{"editable": false},
			"projects":    object{"enabled": false, "workflow": object{"mode": "manual"}},
			"multiplayer": object{"enabled": true},
			"tours":       false,
			"languages":   languages,
			"menu":        object{"menu-item-node-red-version": false, "menu-item-help": object{"label": "Tsunagi", "url": "tsunagi/about"}},
		},
	}
	if user := userOf(r); user != nil {
		out["user"] = object{"username": user.Name, "permissions": scopeValue(user.Scope)}
	}
	return writeJSON(w, http.StatusOK, out)
}

// libraries are the tabs of the import dialog.
var libraries = []object{
	{"id": "local", "label": "editor:library.types.local", "user": false, "icon": "font-awesome/fa-hdd-o"},
	{"id": "examples", "label": "editor:library.types.examples", "user": false, "icon": "font-awesome/fa-life-ring",
		"types": []string{"flows"}, "readOnly": true},
}

// maxUserSettings bounds what is kept for one user, in bytes of JSON.
const maxUserSettings = 256 << 10

// userKey is the name under which a user's settings are kept; Node-RED's "_" stands for who isn't signed in.
func userKey(r *http.Request) string {
	if user := userOf(r); user != nil {
		return user.Name
	}
	return "_"
}

// getUserSettings answers with what the browser of this user has stored.
func (s *Server) getUserSettings(w http.ResponseWriter, r *http.Request) error {
	all := map[string]json.RawMessage{}
	if err := s.store.readJSON(usersFile, &all); err != nil {
		return err
	}
	if own, ok := all[userKey(r)]; ok {
		return writeRaw(w, own)
	}
	return writeRaw(w, []byte("{}"))
}

// postUserSettings merges an object into the stored one; null deletes a key.
func (s *Server) postUserSettings(w http.ResponseWriter, r *http.Request) error {
	var in map[string]any
	if err := readJSON(w, r, maxUserSettings, &in); err != nil {
		return err
	}
	err := s.store.change(usersFile, func(all map[string]json.RawMessage) error {
		stored := object{}
		if text, ok := all[userKey(r)]; ok {
			if err := json.Unmarshal(text, &stored); err != nil {
				return err
			}
		}
		merge(stored, in)
		text, err := json.Marshal(stored)
		if err != nil {
			return err
		}
		if len(text) > maxUserSettings {
			return refusal(http.StatusRequestEntityTooLarge, "too_large", "There is too much in the user settings.")
		}
		all[userKey(r)] = text
		return nil
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// merge puts the keys of from into to, at every depth; a nil value deletes the key.
func merge(to, from object) {
	for key, value := range from {
		below, isObject := value.(object)
		there, wasObject := to[key].(object)
		switch {
		case value == nil:
			delete(to, key)
		case isObject && wasObject:
			merge(there, below)
		case isObject:
			fresh := object{}
			merge(fresh, below)
			to[key] = fresh
		default:
			to[key] = value
		}
	}
}
