// Package storage has the node types of the palette's storage category.
package storage

import (
	"os"
	"runtime"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// file writes, appends to or deletes files: one message after the other, away from the loop.
type file struct {
	b         *flow.Base
	name      *flow.Property
	static    bool // the name is the same for all messages
	unnamed   bool // the dialog holds no name
	told      bool // unnamed is shown, or will be
	action    string
	newline   bool
	parents   bool
	encoding  string
	line      line
	open      *os.File    // to append to, of a static name
	identity  os.FileInfo // of open
	whenEmpty func()      // set when the node closes
}

// File writes messages to files.
func File() flow.Type {
	return flow.Type{Name: "file", New: newFile,
		Fields: []string{"filename", "filenameType", "appendNewline", "createDir", "overwriteFile", "encoding"}}
}

func newFile(b *flow.Base, c flow.Config) (flow.Node, error) {
	n := &file{b: b, action: c.Get("overwriteFile").Text(), newline: c.Get("appendNewline").Truthy(), parents: c.Get("createDir").Truthy(),
		encoding: c.StrOr("encoding", "none")}
	var err error
	if n.name, n.static, err = fileName(b, c); err != nil {
		return nil, err
	}
	n.unnamed = n.static && c.Str("filename") == ""
	if n.encoding != "setbymsg" {
		if _, err := findCodec(n.encoding); err != nil {
			return nil, c.Refuse("Encoding", n.encoding)
		}
	}
	return n, nil
}

func (n *file) Receive(m *flow.Msg) {
	if err := n.line.add(m); err != nil {
		n.b.Done(m, err)
		return
	}
	n.advance()
}

// advance begins with the next message, when none is being written.
func (n *file) advance() {
	for !n.line.busy {
		m := n.line.next()
		if m == nil {
			if n.whenEmpty != nil {
				n.end()
			}
			return
		}
		n.begin(m)
	}
}

// begin does what has to be done on the loop, and leaves the rest to a goroutine.
func (n *file) begin(m *flow.Msg) {
	name, err := evaluateName(n.name, m)
	if err != nil {
		n.failed(err, m)
		return
	}
	m.Set("filename", value.Str(name))
	if n.unnamed && !n.told {
		n.told = true
		n.b.After(333*time.Millisecond, func() { n.b.Status(unnamed) })
	}
	if name == "" {
		n.b.Warn("No filename specified")
		n.b.Done(m, nil)
		return
	}
	var data []byte
	if n.action != "delete" {
		if !m.Get("payload").Defined() {
			n.b.Done(m, nil)
			return
		}
		if data, err = n.content(m); err != nil {
			n.b.Done(m, err)
			return
		}
	}
	n.line.busy = true
	go func() { // ends with the write; what is begun is finished, also while the node closes
		err := n.work(name, data)
		if err == nil {
			n.b.Options().Written.Add("files", len(data))
		}
		n.b.Soon(func() { n.finish(name, m, err) })
	}()
}

// failed reports an error after which complete nodes hear of the message all the same, as in
// Node-RED.
func (n *file) failed(err error, m *flow.Msg) {
	n.b.Error(err, m)
	n.b.Done(m, nil)
}

func (n *file) finish(name string, m *flow.Msg, err error) {
	n.line.busy = false
	if err != nil {
		n.failed(err, m)
	} else {
		if n.action == "delete" {
			n.b.Debug("deleted file: " + name)
		}
		n.b.Send(m)
		n.b.Done(m, nil)
	}
	n.advance()
}

// content is what to write for a message.
func (n *file) content(m *flow.Msg) ([]byte, error) {
	v := m.Get("payload")
	encoding := n.encoding
	if encoding == "setbymsg" {
		encoding = "none"
		if e := m.Get("encoding"); e.Truthy() {
			encoding = e.Text()
		}
	}
	c, err := findCodec(encoding)
	if err != nil {
		return nil, err
	}
	if v.Is(value.Bytes) {
		if encoding == "none" {
			return v.Bytes(), nil
		}
		return c.encode(value.DecodeUTF8(v.Bytes())), nil
	}
	text := v.Text()
	if k := v.Kind(); k == value.Object || k == value.Array || k == value.Null || k == value.Date {
		text = value.JSON(v)
	}
	if n.newline && !lastPart(m) {
		text += endOfLine
	}
	return c.encode(text), nil
}

var endOfLine = map[bool]string{false: "\n", true: "\r\n"}[runtime.GOOS == "windows"]

// lastPart says whether the message is the last of a text that was split: it gets no newline.
func lastPart(m *flow.Msg) bool {
	p := m.Get("parts").Map()
	return p != nil && p.Get("type").Str() == "string" && value.Same(p.Get("count"), value.Num(p.Get("index").ToNumber()+1))
}

// work does the action. It runs in a goroutine, one at a time.
func (n *file) work(name string, data []byte) error {
	files := n.b.Files()
	if n.action == "delete" {
		return explain("failed to delete file: ", files.Remove(name))
	}
	if n.parents {
		if err := files.MakeParents(name); err != nil {
			return explain("failed to create file: ", err)
		}
	}
	if err := files.Reserve(len(data)); err != nil {
		return explain("failed to write to file: ", err)
	}
	if n.action == "true" {
		return explain("failed to write to file: ", write(files, name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, data))
	}
	if n.static {
		return explain("failed to append to file: ", n.append(name, data))
	}
	return explain("failed to append to file: ", write(files, name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, data))
}

func explain(what string, err error) error {
	if err == nil {
		return nil
	}
	return flow.Text(what + err.Error())
}

// write opens a file, writes to it and closes it.
func write(files *flow.Files, name string, flag int, data []byte) error {
	f, err := files.OpenFile(name, flag)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return flow.FileError("write", name, err)
}

// append writes to a file that stays open. One that was deleted or replaced meanwhile is
// opened anew.
func (n *file) append(name string, data []byte) error {
	files := n.b.Files()
	if n.open != nil {
		if now, err := files.Stat(name); err != nil || !os.SameFile(now, n.identity) {
			n.close()
		}
	}
	if n.open == nil {
		f, err := files.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND)
		if err != nil {
			return err
		}
		n.open = f
		if n.identity, err = f.Stat(); err != nil {
			n.close()
			return flow.FileError("stat", name, err)
		}
	}
	_, err := n.open.Write(data)
	return flow.FileError("write", name, err)
}

func (n *file) close() {
	if n.open != nil {
		if err := n.open.Close(); err != nil {
			n.b.Options().Log.Warn("file not closed", "error", err)
		}
		n.open, n.identity = nil, nil
	}
}

// Close waits for what is still to be written.
func (n *file) Close(_ bool, done func()) {
	n.whenEmpty = done
	n.advance()
}

func (n *file) end() {
	done := n.whenEmpty
	n.whenEmpty = nil
	n.close()
	n.b.Status(flow.Status{})
	done()
}
