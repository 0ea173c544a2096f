package network

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// setBody makes the body of the payload, or appends that to the address.
func (n *httpAsk) setBody(m *flow.Msg, a *ask, address *string) error {
	payload := m.Get("payload")
	if !payload.Defined() {
		return nil
	}
	if a.method != "GET" && a.method != "HEAD" {
		return setPayload(payload, a)
	}
	object := payload.Is(value.Object) || payload.Is(value.Array) || payload.Is(value.Null) || payload.Is(value.Bytes)
	switch {
	case a.method != "GET" || n.c.payload == "":
	case n.c.payload == "body":
		switch {
		case payload.Is(value.Bytes):
			a.body = payload.Bytes()
		case payload.Is(value.String), payload.Is(value.Number):
			a.body = []byte(payload.Text())
		case object:
			a.body = value.Append(nil, payload)
		}
	case !object:
		return flow.Text("Invalid payload")
	default:
		join := "?"
		if strings.HasSuffix(*address, "?") {
			join = ""
		} else if strings.Contains(*address, "?") {
			join = "&"
		}
		*address += join + formText(payload)
	}
	return nil
}

func setPayload(payload value.Value, a *ask) error {
	kind, _ := a.header.get("content-type")
	if kind == "multipart/form-data" && payload.Is(value.Object) {
		return setForm(payload.Map(), a)
	}
	switch {
	case payload.Is(value.Bytes):
		a.body = payload.Bytes()
	case payload.Is(value.String), payload.Is(value.Number):
		a.body = []byte(payload.Text())
	case kind == "application/x-www-form-urlencoded":
		a.body = []byte(formText(payload))
	default:
		a.body = value.Append(nil, payload)
		if _, ok := a.header.get("content-type"); !ok {
			a.header.set("Content-Type", "application/json")
		}
	}
	if a.body == nil {
		a.body = []byte{}
	}
	return nil
}

// formText is Node.js's querystring.stringify.
func formText(v value.Value) string {
	var b strings.Builder
	add := func(key string, v value.Value) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escapeForm(key) + "=")
		switch v.Kind() {
		case value.String, value.Bool, value.Number:
			b.WriteString(escapeForm(v.Text()))
		}
	}
	each := func(key string, v value.Value) {
		if l := v.List(); l != nil {
			for _, e := range l.All() {
				add(key, e)
			}
			return
		}
		add(key, v)
	}
	if l := v.List(); l != nil {
		for i, e := range l.All() {
			each(fmt.Sprint(i), e)
		}
	} else if o := v.Map(); o != nil {
		for key, e := range o.All() {
			each(key, e)
		}
	}
	return b.String()
}

// escapeForm escapes as querystring.escape does.
func escapeForm(s string) string { return encodeComponent(s) }

// setForm makes a multipart body as the form-data module does.
func setForm(o *value.Map, a *ask) error {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, v := range o.All() {
		if v.Nullish() {
			continue
		}
		content, options := v, value.NewMap(0)
		if in := v.Map(); in != nil {
			if in.Has("value") {
				content = in.Get("value")
				if given := in.Get("options"); given.Map() != nil {
					options = given.Map()
				} else if given.Is(value.String) {
					options = value.MapOf("filename", given.Str())
				}
			} else {
				content = value.Str(value.JSON(v))
			}
		} else if !v.Is(value.String) && !v.Is(value.Bytes) {
			content = value.Str(value.JSON(v))
		}
		part, err := w.CreatePart(partHeader(name, content, options))
		if err == nil {
			_, err = part.Write(bytesOf(content))
		}
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	a.body = b.Bytes()
	a.header.set("Content-Type", w.FormDataContentType())
	a.header.set("Content-Length")
	return nil
}

func partHeader(name string, content value.Value, options *value.Map) textproto.MIMEHeader {
	quote := strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22")
	line := `form-data; name="` + quote.Replace(name) + `"`
	h := textproto.MIMEHeader{}
	kind := options.Get("contentType")
	file := options.Get("filepath")
	if !file.Truthy() {
		file = options.Get("filename")
	}
	if file.Truthy() {
		line += `; filename="` + quote.Replace(file.Text()) + `"`
		if !kind.Truthy() {
			kind = value.Str(typeOf(file.Text()))
		}
	} else if !kind.Truthy() && content.Is(value.Bytes) {
		kind = value.Str("application/octet-stream")
	}
	h.Set("Content-Disposition", line)
	if kind.Truthy() {
		h.Set("Content-Type", strings.NewReplacer("\r", "", "\n", "").Replace(kind.Text()))
	}
	return h
}
