package network

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// responseWrapper is msg.res: the response as _res, and its methods with a warning, as old
// flows call them.
type responseWrapper struct {
	res  *response
	node *httpIn
}

// wrapped are the methods of msg.res, in the order in which the sidebar lists them.
var wrapped = []string{"append", "attachment", "cookie", "clearCookie", "download", "end", "format", "get", "json", "jsonp", "links", "location",
	"redirect", "render", "send", "sendfile", "sendFile", "sendStatus", "set", "status", "type", "vary"}

// Property is a property as flows read it.
func (w *responseWrapper) Property(key string) value.Value {
	if key == "_res" {
		return value.Opaque(w.res)
	}
	for _, name := range wrapped {
		if name != key {
			continue
		}
		return value.Opaque(&value.Method{Name: key, Call: func(args []value.Value) (value.Value, error) {
			w.node.b.Warn("Deprecated call to msg.res." + key)
			v, err := w.res.call(key, args)
			if err == nil && v.Handle() == any(w.res) {
				v = value.Opaque(w)
			}
			return v, err
		}})
	}
	return value.Value{}
}

// Shown is the response in the debug sidebar.
func (w *responseWrapper) Shown() *value.Map {
	o := value.NewMap(len(wrapped)+1).Set("_res", value.Opaque(w.res))
	for _, name := range wrapped {
		o.Set(name, value.Opaque(&value.Method{Name: name}))
	}
	return o
}

// raw are the methods of the response beside the wrapped ones.
var raw = map[string]bool{"header": true, "contentType": true, "setHeader": true, "getHeader": true, "getHeaders": true, "getHeaderNames": true,
	"hasHeader": true, "removeHeader": true, "writeHead": true, "write": true, "flushHeaders": true, "cork": true, "uncork": true}

// Property is a property as flows read it.
func (s *response) Property(key string) value.Value {
	switch key {
	case "statusCode":
		return value.Int(s.status)
	case "headersSent":
		return value.Of(s.begun)
	case "finished", "writableEnded":
		return value.Of(s.ended)
	case "req":
		return value.Opaque(s.in)
	}
	known := raw[key]
	for _, name := range wrapped {
		known = known || name == key
	}
	if !known {
		return value.Value{}
	}
	return value.Opaque(&value.Method{Name: key, Call: func(args []value.Value) (value.Value, error) { return s.call(key, args) }})
}

// SetProperty sets the status; what else flows write to a response is dropped.
func (s *response) SetProperty(key string, v value.Value) bool {
	if key == "statusCode" {
		s.status = int(v.ToNumber())
	}
	return true
}

// call runs a method of the response.
func (s *response) call(name string, args []value.Value) (value.Value, error) {
	arg := func(i int) value.Value {
		if i < len(args) {
			return args[i]
		}
		return value.Value{}
	}
	self := value.Opaque(s)
	switch name {
	case "get", "getHeader":
		if v, ok := s.get(strings.ToLower(arg(0).Text())); ok {
			return value.Str(v), nil
		}
		return value.Value{}, nil
	case "hasHeader":
		_, ok := s.get(strings.ToLower(arg(0).Text()))
		return value.Of(ok), nil
	case "getHeaders", "getHeaderNames":
		o, l := value.NewMap(len(s.header)), value.NewList()
		for _, f := range s.header {
			o.Set(f.key, value.Str(strings.Join(f.values, ", ")))
			l.Append(value.Str(f.key))
		}
		if name == "getHeaderNames" {
			return l.Value(), nil
		}
		return o.Value(), nil
	case "write":
		if s.ended {
			return value.Value{}, errors.New("write after end")
		}
		if err := s.begin(); err != nil {
			return value.Value{}, thrownText(err)
		}
		return value.Of(true), s.put(bytesOf(arg(0)), false)
	case "format", "render", "download", "sendfile", "sendFile":
		return value.Value{}, errors.New("res." + name + " is not supported: read the file or make the text in the flow, and send that")
	}
	return self, thrownText(s.change(name, arg))
}

// thrownText is an error as scripts see it: its text without the name in front.
func thrownText(err error) error {
	if err == nil {
		return nil
	}
	var plain *flow.Error
	if errors.As(err, &plain) {
		return errors.New(plain.Message)
	}
	return err
}

// change runs a method that changes or sends the answer.
func (s *response) change(name string, arg func(int) value.Value) error {
	switch name {
	case "setHeader":
		return s.setPlain(arg(0).Text(), arg(1))
	case "set", "header":
		if o := arg(0).Map(); o != nil {
			return s.setAll(o)
		}
		return s.setValue(arg(0).Text(), arg(1))
	case "removeHeader":
		if s.begun {
			return errHeadersSent
		}
		s.remove(strings.ToLower(arg(0).Text()))
		return nil
	case "status":
		s.status = int(arg(0).ToNumber())
		return nil
	case "send":
		return s.send(arg(0))
	case "json":
		return s.json(arg(0), false)
	case "jsonp":
		return s.json(arg(0), true)
	case "end":
		return s.end(bytesOf(arg(0)))
	case "sendStatus":
		s.status = int(arg(0).ToNumber())
		if err := s.set("Content-Type", "text/plain; charset=utf-8"); err != nil {
			return err
		}
		text := http.StatusText(s.status)
		if text == "" {
			text = strconv.Itoa(s.status)
		}
		return s.send(value.Str(text))
	case "cookie":
		return s.cookie(arg(0).Text(), arg(1), arg(2).Map())
	case "clearCookie":
		return s.clearCookie(arg(0).Text(), arg(1).Map())
	}
	return s.shape(name, arg)
}

func (s *response) setAll(o *value.Map) error {
	for key, v := range o.All() {
		if err := s.setValue(key, v); err != nil {
			return err
		}
	}
	return nil
}

// setPlain sets a header as Node.js does: Express's additions are left out.
func (s *response) setPlain(name string, v value.Value) error {
	l := v.List()
	if l == nil {
		return s.set(name, v.Text())
	}
	list := make([]string, 0, l.Len())
	for _, e := range l.All() {
		list = append(list, e.Text())
	}
	return s.set(name, list...)
}

// shape runs the methods that are for single headers.
func (s *response) shape(name string, arg func(int) value.Value) error {
	switch name {
	case "append":
		old, has := s.get(strings.ToLower(arg(0).Text()))
		v := arg(1)
		if has {
			v = value.NewList(value.Str(old), v).Value()
		}
		return s.setValue(arg(0).Text(), v)
	case "type", "contentType":
		kind := arg(0).Text()
		if !strings.Contains(kind, "/") {
			kind = typeOf(kind)
		}
		return s.setValue("Content-Type", value.Str(kind))
	case "location":
		return s.set("Location", arg(0).Text())
	case "redirect":
		status, to := arg(0), arg(1)
		if status.Is(value.String) {
			status, to = value.Int(http.StatusFound), status
		}
		if err := s.set("Location", to.Text()); err != nil {
			return err
		}
		s.status = int(status.ToNumber())
		text := http.StatusText(s.status) + ". Redirecting to " + to.Text()
		_ = s.set("Vary", "Accept") // it is a header that can be set
		_ = s.set("Content-Type", "text/plain; charset=utf-8")
		_ = s.set("Content-Length", strconv.Itoa(len(text)))
		return s.end([]byte(text))
	case "vary":
		return s.shape("append", func(i int) value.Value { return []value.Value{value.Str("Vary"), arg(0)}[i] })
	case "attachment":
		text := "attachment"
		if name := arg(0); name.Truthy() {
			text += "; filename=" + strconv.Quote(name.Text())
			if err := s.setValue("Content-Type", value.Str(typeOf(name.Text()))); err != nil {
				return err
			}
		}
		return s.set("Content-Disposition", text)
	case "links":
		var list []string
		if o := arg(0).Map(); o != nil {
			for rel, to := range o.All() {
				list = append(list, "<"+to.Text()+">; rel=\""+rel+"\"")
			}
		}
		return s.set("Link", strings.Join(list, ", "))
	case "writeHead":
		s.status = int(arg(0).ToNumber())
		o := arg(1).Map()
		if o == nil {
			o = arg(2).Map()
		}
		if o != nil {
			for key, v := range o.All() {
				if err := s.setPlain(key, v); err != nil {
					return err
				}
			}
		}
		return s.begin()
	case "flushHeaders":
		if err := s.begin(); err != nil {
			return err
		}
		return s.put(nil, false)
	}
	return nil
}

// typeOf is the media type of a file name's end.
func typeOf(end string) string {
	switch strings.TrimPrefix(end[strings.LastIndexByte(end, '.')+1:], ".") {
	case "json":
		return "application/json"
	case "html", "htm":
		return "text/html"
	case "txt", "text":
		return "text/plain"
	case "css":
		return "text/css"
	case "js":
		return "text/javascript"
	case "xml":
		return "application/xml"
	case "svg":
		return "image/svg+xml"
	case "png":
		return "image/png"
	case "jpg", "jpeg":
		return "image/jpeg"
	case "csv":
		return "text/csv"
	case "pdf":
		return "application/pdf"
	case "form":
		return "application/x-www-form-urlencoded"
	}
	return "application/octet-stream"
}

// bytesOf is a value as bytes to be sent.
func bytesOf(v value.Value) []byte {
	switch {
	case v.Is(value.Bytes):
		return v.Bytes()
	case v.Nullish():
		return nil
	}
	return []byte(v.Text())
}
