// Package filling makes texts of messages: templates with places such as {topic} or {payload.temperature}, and conditions
// such as payload.temperature > 30.
package filling

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Message is what places are filled from. It is used by one goroutine at a time.
type Message struct {
	ID       string    // the same whenever the message is tried again
	Type     string    // message, connect, disconnect or quota
	Time     time.Time // when the server accepted it
	Instance string
	Topic    string
	Payload  []byte
	QoS      byte
	Retain   bool
	Client   string // client id of the publisher, or of who came or went; "" for the server
	User     string
	Remote   string // address of who came or went
	Cause    string // why who went did so

	tree  any // the payload as JSON
	tried bool
}

// json is the payload as JSON; false where it is none.
func (m *Message) json() (any, bool) {
	if !m.tried {
		m.tried = true
		d := json.NewDecoder(bytes.NewReader(m.Payload))
		d.UseNumber()
		var v any
		if d.Decode(&v) == nil && !d.More() {
			m.tree = v
		} else {
			m.tree = notJSON{}
		}
	}
	_, none := m.tree.(notJSON)
	return m.tree, !none
}

type notJSON struct{}

// Text is bytes as text, where they are that.
func Text(b []byte) (string, bool) { return string(b), utf8.Valid(b) }

// step is one part of a path: a member by name or an element by number.
type step struct {
	name  string
	index int // -1: by name
}

// ref names a value of a message.
type ref struct {
	root string
	path []step
	text string // as it was written
}

// roots are the values that a place can name; true: a path may follow.
var roots = map[string]bool{"topic": true, "payload": true, "id": false, "type": false, "time": false, "instance": false, "qos": false,
	"retain": false, "client": false, "user": false, "remote": false, "cause": false}

// value looks a value up; false where the message has none.
func (r *ref) value(m *Message) (any, bool) {
	switch r.root {
	case "topic":
		if len(r.path) == 0 {
			return m.Topic, true
		}
		levels := strings.Split(m.Topic, "/")
		if i := r.path[0].index; i < len(levels) {
			return levels[i], true
		}
		return nil, false
	case "payload":
		if len(r.path) == 0 {
			return Text(m.Payload)
		}
		v, ok := m.json()
		for _, s := range r.path {
			if v, ok = s.into(v, ok); !ok {
				return nil, false
			}
		}
		return v, true
	case "id":
		return m.ID, true
	case "type":
		return m.Type, true
	case "time":
		return m.Time.UTC().Format("2006-01-02T15:04:05.000Z"), true
	case "instance":
		return m.Instance, true
	case "qos":
		return json.Number(strconv.Itoa(int(m.QoS))), true
	case "retain":
		return m.Retain, true
	case "client":
		return m.Client, true
	case "user":
		return m.User, true
	case "remote":
		return m.Remote, true
	case "cause":
		return m.Cause, true
	}
	return nil, false
}

func (s step) into(v any, ok bool) (any, bool) {
	switch in := v.(type) {
	case map[string]any:
		if s.index < 0 {
			v, ok := in[s.name]
			return v, ok
		}
	case []any:
		if s.index >= 0 && s.index < len(in) {
			return in[s.index], ok
		}
	}
	return nil, false
}

// words are a value as text: strings as they are, everything else as JSON.
func words(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return asJSON(v)
}

func asJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "null" // can't be: it came of JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}
