package gate

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"unsafe"
)

// tlsBuffers are where in a tls.Conn the buffers for what has come lie: records and handshake messages. They keep the
// size that the peer's greeting once needed, 3.5 KB with its keys, and nothing in the package gives them back. Empty
// when a version of Go has other fields: then nothing is given back.
var tlsBuffers = func() (offsets []uintptr) {
	t := reflect.TypeFor[tls.Conn]()
	for _, name := range []string{"rawInput", "hand"} {
		if f, ok := t.FieldByName(name); ok && f.Type == reflect.TypeFor[bytes.Buffer]() {
			offsets = append(offsets, f.Offset)
		}
	}
	return offsets
}()

// slim lets go of the empty buffers of a quiet connection's TLS; they come back when they are needed. Only the goroutine
// that reads may call it, between two calls of Read: nobody else looks at them.
func slim(c *tls.Conn) {
	for _, offset := range tlsBuffers {
		if b := (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(c), offset)); b.Len() == 0 && b.Cap() > 0 {
			*b = bytes.Buffer{}
		}
	}
}
