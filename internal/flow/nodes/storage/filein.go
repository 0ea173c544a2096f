package storage

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

const (
	chunkSize = 64 << 10  // what one read takes at most, and one message of a stream
	maxFile   = 256 << 20 // of a file that is read as a whole
	maxLine   = 16 << 20  // of one line
)

// fileIn reads files: one after the other, away from the loop.
type fileIn struct {
	b         *flow.Base
	name      *flow.Property
	unnamed   bool   // the dialog holds no name
	format    string // utf8, "" (buffer), lines, stream
	encoding  string
	codec     codec
	all       bool // parts carry every property of the message
	sendError bool
	line      line
}

// FileIn reads files into messages.
func FileIn() flow.Type {
	return flow.Type{Name: "file in", New: newFileIn,
		Fields: []string{"filename", "filenameType", "format", "chunk", "sendError", "encoding", "allProps"}}
}

func newFileIn(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &fileIn{b: b, format: c.Str("format"), encoding: c.StrOr("encoding", "none"), all: c.Bool("allProps"),
		sendError: !c.Has("sendError") || c.Get("sendError").Truthy()}
	var err error
	static := false
	if n.name, static, err = fileName(b, c); err != nil {
		return nil, err
	}
	n.unnamed = static && c.Str("filename") == ""
	if n.codec, err = findCodec(n.encoding); err != nil {
		return nil, c.Refuse("Encoding", n.encoding)
	}
	return n, nil
}

func (n *fileIn) Receive(m *flow.Msg) {
	if err := n.line.add(m); err != nil {
		n.b.Done(m, err)
		return
	}
	n.advance()
}

func (n *fileIn) advance() {
	for !n.line.busy {
		m := n.line.next()
		if m == nil {
			return
		}
		name, err := evaluateName(n.name, m)
		if err != nil {
			n.b.Error(err, m)
			n.b.Done(m, nil)
			continue
		}
		name = lineEnds.Replace(name)
		if n.unnamed {
			n.b.Status(unnamed)
		}
		if name == "" {
			n.b.Warn("No filename specified")
			n.b.Done(m, nil)
			continue
		}
		m.Set("filename", value.Str(name))
		n.line.busy = true
		go n.read(name, m)
	}
}

// read reads one file in a goroutine, which ends with the file or the node.
func (n *fileIn) read(name string, m *flow.Msg) {
	r := reading{n: n, m: m}
	err := r.run(name)
	if errors.Is(err, errGone) {
		return
	}
	n.b.Do(func() {
		n.line.busy = false
		if err != nil {
			n.fail(err, m)
		} else {
			r.end()
		}
		n.b.Done(m, nil)
		n.advance()
	})
}

// fail reports an error and sends it on, if the dialog says so.
func (n *fileIn) fail(err error, m *flow.Msg) {
	n.b.Error(err, m)
	if !n.sendError {
		return
	}
	out := m.Clone()
	out.Delete("payload")
	o := value.MapOf("message", err.Error())
	var e *flow.Error
	if errors.As(err, &e) {
		o = value.MapOf("name", "Error", "message", e.Message, "code", e.Code)
	}
	out.Set("error", o.Value())
	n.b.Send(out)
}

// errGone ends the reading of a node that is closed.
var errGone = errors.New("the node is closed")

// reading is one file on its way. What end and send use belongs to the loop; run only adds to
// it between the calls that it waits for.
type reading struct {
	n     *fileIn
	m     *flow.Msg
	count int
	whole []byte // of a file that becomes one message, and what is left of the last line
	full  bool   // the last chunk of a stream was a full one
}

func (r *reading) run(name string) error {
	f, err := r.n.b.Files().OpenFile(name, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	for r.n.b.Life().Err() == nil {
		chunk := make([]byte, chunkSize)
		got, err := io.ReadFull(f, chunk)
		if chunk = chunk[:got]; got > 0 {
			if err := r.take(chunk); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return readError(name, err)
		}
	}
	return errGone
}

// readError is what Node.js says of a failed read; it names no file there.
func readError(name string, err error) error {
	err = flow.FileError("read", name, err)
	var e *flow.Error
	if errors.As(err, &e) && e.Code == "EISDIR" {
		return &flow.Error{Message: "EISDIR: illegal operation on a directory, read", Code: e.Code}
	}
	return err
}

// take handles what was read.
func (r *reading) take(chunk []byte) error {
	switch r.n.format {
	case "stream":
		return r.onLoop(func() { r.stream(chunk) })
	case "lines":
		return r.lines(chunk)
	}
	if len(r.whole)+len(chunk) > maxFile {
		return flow.NewError("the file is larger than %d MiB: read it as lines or as a stream of buffers", maxFile>>20)
	}
	r.whole = append(r.whole, chunk...)
	return nil
}

// onLoop runs f on the loop and waits for it, so that a large file is read no faster than
// flows take it.
func (r *reading) onLoop(f func()) error {
	done := make(chan struct{})
	if !r.n.b.Do(func() { defer close(done); f() }) {
		return errGone
	}
	select {
	case <-done:
		return nil
	case <-r.n.b.Life().Done():
		return errGone
	}
}

// lines cuts whole lines off. Bytes are kept until a line is whole, so that no character is
// cut in two.
func (r *reading) lines(chunk []byte) error {
	r.whole = append(r.whole, chunk...)
	cut := r.lastEnd()
	if cut < 0 {
		if len(r.whole) > maxLine {
			return flow.NewError("a line of the file is longer than %d MiB: read it as a stream of buffers", maxLine>>20)
		}
		return nil
	}
	text := r.n.codec.decode(r.whole[:cut])
	r.whole = append([]byte(nil), r.whole[cut:]...)
	list := strings.Split(text, "\n")
	return r.onLoop(func() {
		for _, line := range list[:len(list)-1] {
			r.send(value.Str(line), "\n", "string", false)
		}
	})
}

// lastEnd is the place behind the last whole line, -1 for none. In UTF-16 and UTF-32 an end
// of line has more bytes than one.
func (r *reading) lastEnd() int {
	end, width := []byte("\n"), 1
	if t, ok := r.n.codec.(table); ok {
		end = t.encode("\n")
		width = len(end)
		if width > 4 { // with a byte order mark
			end, width = end[len(end)-4:], 4
		}
		if bytes.HasPrefix(end, []byte{0xff, 0xfe}) {
			end, width = end[2:], 2
		}
	}
	for i := bytes.LastIndex(r.whole, end); i >= 0; i = bytes.LastIndex(r.whole[:i+width-1], end) {
		if i%width == 0 {
			return i + width
		}
	}
	return -1
}

func (r *reading) stream(chunk []byte) {
	r.full = len(chunk) == chunkSize
	r.send(value.Data(chunk), "", "buffer", !r.full)
}

// send sends one part; the last one says how many there are.
func (r *reading) send(payload value.Value, ch, typ string, last bool) {
	var out *flow.Msg
	if r.n.all {
		out = r.m.Clone()
	} else {
		out = flow.NewMsg("topic", r.m.Get("topic"), "filename", r.m.Get("filename"))
	}
	parts := value.MapOf("index", r.count)
	if last && typ == "string" {
		parts.Set("count", value.Int(r.count+1))
	}
	parts.Set("ch", value.Str(ch)).Set("type", value.Str(typ)).Set("id", r.m.Get("_msgid"))
	if last && typ != "string" {
		parts.Set("count", value.Int(r.count+1))
	}
	r.count++
	out.Set("payload", payload)
	out.Set("parts", parts.Value())
	r.n.b.Send(out)
}

// end sends what is left when the file has ended.
func (r *reading) end() {
	switch r.n.format {
	case "lines":
		r.send(value.Str(r.n.codec.decode(r.whole)), "\n", "string", true)
	case "stream":
		if r.full { // nobody knew that this was the last
			r.n.b.Send(flow.NewMsg("parts", value.MapOf("index", r.count, "count", r.count, "ch", "", "type", "buffer", "id", r.m.Get("_msgid")).Value()))
		}
	case "utf8":
		r.m.Set("payload", value.Str(r.n.codec.decode(r.whole)))
		r.n.b.Send(r.m)
	default:
		r.m.Set("payload", value.Data(r.whole))
		r.n.b.Send(r.m)
	}
}

// Close leaves what is being read to itself.
func (n *fileIn) Close(_ bool, done func()) {
	n.b.Status(flow.Status{})
	done()
}
