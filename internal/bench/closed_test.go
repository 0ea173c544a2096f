package bench

import (
	"io"
	"net"
)

// closedConn takes what is written and has nothing to read.
type closedConn struct{ net.Conn }

func (closedConn) Read([]byte) (int, error)    { return 0, io.EOF }
func (closedConn) Write(b []byte) (int, error) { return len(b), nil }
