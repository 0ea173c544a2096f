package network

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// httpOut answers the request that a message came from.
type httpOut struct {
	b       *flow.Base
	status  int // 0: what the message says
	headers *value.Map
}

// HTTPResponse answers requests of http in nodes.
func HTTPResponse() flow.Type {
	return flow.Type{Name: "http response", Fields: []string{"statusCode", "headers"}, New: func(b *flow.Base, c flow.Config) (flow.Node, error) {
		n := &httpOut{b: b, headers: c.Get("headers").Map()}
		if code, ok := value.ParseInt(c.Str("statusCode")); ok {
			n.status = int(code)
		}
		return n, nil
	}}
}

func (n *httpOut) Receive(m *flow.Msg) {
	if !m.Get("res").Truthy() {
		n.b.Warn("No response object")
		n.b.Done(m, nil)
		return
	}
	res, ok := m.Get("res").Handle().(*responseWrapper)
	if !ok {
		n.b.Done(m, &flow.Error{Name: "TypeError", Message: "Cannot read properties of undefined (reading 'status')"})
		return
	}
	n.b.Done(m, n.answer(m, res.res))
}

// answer sends the message as the answer.
func (n *httpOut) answer(m *flow.Msg, res *response) error {
	if err := n.head(m, res); err != nil {
		return err
	}
	status := n.status
	if code, ok := value.ParseInt(m.Get("statusCode").Text()); status == 0 && ok {
		status = int(code)
	}
	if status == 0 {
		status = 200
	}
	payload := m.Get("payload")
	switch payload.Kind() {
	case value.Object, value.Array, value.Null, value.Date, value.Handle:
		res.status = status
		return res.json(payload, true)
	case value.Number:
		payload = value.Str(payload.Text())
		m.Set("payload", payload)
	case value.Bool:
		return nodeFault("TypeError", "ERR_INVALID_ARG_TYPE", "The \"string\" argument must be of type string or an instance of "+
			"Buffer or ArrayBuffer. Received type boolean ("+payload.Text()+")")
	}
	if _, ok := res.get("content-length"); !ok {
		if err := res.set("content-length", strconv.Itoa(len(payload.Str())+len(payload.Bytes()))); err != nil {
			return err
		}
	}
	res.status = status
	return res.send(payload)
}

// head sets headers and cookies.
func (n *httpOut) head(m *flow.Msg, res *response) error {
	if n.headers != nil {
		for name, v := range n.headers.All() {
			if err := res.setValue(name, v); err != nil {
				return err
			}
		}
	}
	if own := ownHeaders(m); own != nil {
		for name, v := range own.All() {
			if n.headers != nil && n.headers.Has(name) {
				continue
			}
			if err := res.setValue(name, v); err != nil {
				return err
			}
		}
	}
	cookies := m.Get("cookies").Map()
	if cookies == nil {
		return nil
	}
	for name, v := range cookies.All() {
		if err := setCookie(res, name, v); err != nil {
			return err
		}
	}
	return nil
}

func setCookie(res *response, name string, v value.Value) error {
	o := v.Map()
	switch {
	case v.Is(value.Null):
		return res.clearCookie(name, nil)
	case o != nil && o.Get("value").Is(value.Null):
		return res.clearCookie(name, o)
	case o != nil:
		return res.cookie(name, o.Get("value"), o)
	}
	return res.cookie(name, v, nil)
}

// requestMark is the header by which nodes know headers that an http request node has put
// into a message: unchanged ones are not for the next request or answer.
const requestMark = "x-node-red-request-node"

// ownHeaders are the headers that the flow has put into a message, nil for none.
func ownHeaders(m *flow.Msg) *value.Map {
	headers := m.Get("headers").Map()
	if headers == nil || !headers.Has(requestMark) {
		return headers
	}
	mark := headers.Get(requestMark).Text()
	headers = headers.Own()
	headers.Delete(requestMark)
	if markOf(headers) == mark {
		m.Delete("headers")
		return nil
	}
	m.Set("headers", headers.Value())
	return headers
}

// markOf is a number for headers, the same for the same in any order.
func markOf(headers *value.Map) string {
	keys := make([]string, 0, headers.Len())
	for key := range headers.All() {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	h := fnv.New32a()
	for _, key := range keys {
		_, _ = h.Write(value.Append(value.AppendString(nil, key), headers.Get(key))) // a hash takes everything
	}
	return fmt.Sprintf("%08x", h.Sum32())
}
