package network

import (
	"net/http"
	"strconv"
	"sync"

	"tsunagi/internal/flow"
)

// response is what answers one request: Express's response as flows use it. Nodes and scripts
// fill it on the loop; the goroutine of the request writes what is sent.
type response struct {
	in     *request
	status int
	header []headerField
	begun  bool // the head is on its way: nothing of it can be changed
	ended  bool

	mu    sync.Mutex // guards what follows
	parts [][]byte   // body that waits to be written
	bytes int        // of parts
	done  bool
	gone  bool
	wake  chan struct{} // holds one token when there is something new

	room [5]headerField // of header, for the first
}

// headerField is a header as it was set: its name keeps its case.
type headerField struct {
	name, key string // key is the name in small letters
	values    []string
}

// maxStreamed bounds the bytes of an answer that wait for a slow client.
const maxStreamed = 16 << 20

func newResponse(in *request) *response {
	s := &response{in: in, status: http.StatusOK, wake: make(chan struct{}, 1)}
	s.header = s.room[:0]
	return s
}

var errHeadersSent = nodeFault("Error", "ERR_HTTP_HEADERS_SENT", "Cannot set headers after they are sent to the client")

// nodeFault is an error that Node.js itself throws: its name shows the code.
func nodeFault(name, code, message string) *flow.Error {
	return &flow.Error{Name: name + " [" + code + "]", Message: message, Code: code}
}

// end sends the head, if it isn't on its way, and the last of the body.
func (s *response) end(body []byte) error {
	if s.ended {
		return nil
	}
	if _, ok := s.get("content-length"); !ok && !s.begun && s.status != http.StatusNoContent && s.status != http.StatusNotModified && s.in.r.Method != http.MethodHead {
		_ = s.set("Content-Length", strconv.Itoa(len(body))) // it is a header that can be set
	}
	if err := s.begin(); err != nil {
		return err
	}
	s.ended = true
	s.put(body, true)
	return nil
}

// begin closes the head.
func (s *response) begin() error {
	if s.status < 100 || s.status > 999 {
		return nodeFault("RangeError", "ERR_HTTP_INVALID_STATUS_CODE", "Invalid status code: "+strconv.Itoa(s.status))
	}
	s.begun = true
	return nil
}
