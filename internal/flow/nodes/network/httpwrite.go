package network

import (
	"errors"
	"net/http"
	"strings"
)

var errSlow = errors.New("the client does not take the answer: more than 16 MiB wait")

// put hands a part of the body to the goroutine of the request.
func (s *response) put(body []byte, last bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.gone:
		return nil
	case !last && s.bytes+len(body) > maxStreamed:
		return errSlow
	}
	if len(body) > 0 {
		s.parts = append(s.parts, body)
		s.bytes += len(body)
	}
	s.done = s.done || last
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// take returns what waits to be written.
func (s *response) take() (parts [][]byte, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts, s.parts, s.bytes = s.parts, nil, 0
	return parts, s.done
}

// write writes what the flow sends until that has ended or the client has gone. It is the
// request's goroutine; the head belongs to it once the first token has come.
func (s *response) write(w http.ResponseWriter, gone <-chan struct{}) {
	defer func() {
		s.mu.Lock()
		s.gone, s.parts = true, nil
		s.mu.Unlock()
	}()
	head := false
	for {
		select {
		case <-s.wake:
		case <-gone:
			return
		case <-s.in.node.web.ending:
			if !head {
				failPage(w, http.StatusServiceUnavailable, "The flow server is stopping.")
			}
			return
		}
		parts, done := s.take()
		if !head {
			head = true
			s.writeHead(w)
		}
		for _, p := range parts {
			if _, err := w.Write(p); err != nil {
				return
			}
		}
		if done {
			return
		}
		_ = http.NewResponseController(w).Flush() // what can't be flushed comes at the end
	}
}

func (s *response) writeHead(w http.ResponseWriter) {
	h := w.Header()
	if kind, _ := s.get("content-type"); strings.HasPrefix(kind, "application/json") {
		h.Del("Content-Security-Policy") // no page, so nothing to keep apart
	}
	for _, f := range s.header {
		switch f.key {
		case "content-security-policy", "vary":
			h[http.CanonicalHeaderKey(f.name)] = append(h[http.CanonicalHeaderKey(f.name)], f.values...)
		case "connection", "transfer-encoding", "upgrade":
			if f.key == "connection" && strings.EqualFold(f.values[0], "close") {
				h.Set("Connection", "close")
			}
		case "content-length", "content-type", "date":
			h[http.CanonicalHeaderKey(f.name)] = f.values
		default:
			h[f.name] = f.values
		}
	}
	if h["Content-Type"] == nil {
		h["Content-Type"] = nil // not to be guessed
	}
	if s.status < 200 { // an information is no answer
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(s.status)
}
