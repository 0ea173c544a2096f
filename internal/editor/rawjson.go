package editor

import (
	"bytes"
	"encoding/json"
)

// setField returns a JSON object with one field set, or left out when value is nil. All others and their order stay.
func setField(object json.RawMessage, name string, value []byte) json.RawMessage {
	dec := json.NewDecoder(bytes.NewReader(object))
	out := bytes.NewBuffer(make([]byte, 0, len(object)+len(value)+len(name)+4))
	out.WriteByte('{')
	dec.Token() // the brace
	for done := value == nil; ; {
		if !dec.More() {
			if !done {
				writeField(out, name, value)
			}
			break
		}
		key, _ := dec.Token()
		var v json.RawMessage
		if dec.Decode(&v) != nil {
			return object
		}
		if key == name {
			v, done = value, true
		}
		if v != nil {
			writeField(out, key.(string), v)
		}
	}
	out.WriteByte('}')
	return out.Bytes()
}

// setList sets a field to a list; an empty one is left out.
func setList(object json.RawMessage, name string, list []json.RawMessage) json.RawMessage {
	if len(list) == 0 {
		return setField(object, name, nil)
	}
	return setField(object, name, joinArray(list))
}

// joinArray is the JSON array of entries.
func joinArray(entries []json.RawMessage) []byte {
	out := []byte{'['}
	for i, e := range entries {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	return append(out, ']')
}

// writeField appends "key":value, after a comma where one is due.
func writeField(b *bytes.Buffer, key string, value []byte) {
	if b.Len() > 1 {
		b.WriteByte(',')
	}
	k, _ := json.Marshal(key) // a string
	b.Write(k)
	b.WriteByte(':')
	b.Write(value)
}
