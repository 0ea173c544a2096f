// Package gate is where MQTT comes in: plain TCP, TLS and WebSocket. It finds out who is there, hands the connection
// to the broker of an instance, and from then on is rooms 1 (read) and 6 (write) of a message's way.
//
// A connection is one goroutine that lives inside a single RawConn.Read. It holds a buffer only while there are bytes
// to handle. Writes are done by one flusher for all connections, directly and without blocking; only a socket that is
// full gets a goroutine of its own, until it is empty again. TLS and WebSocket are layers in the same loop: they see
// bytes, never the socket.
//
// Files, in the order of a connection's life: listen.go, admission.go, connect.go, door.go, websocket.go (upgrade),
// conn.go, read.go, frame.go (WebSocket), wire.go (under TLS), flusher.go, write.go, sweep.go (keep-alive). Only
// io_linux.go knows how a socket is read without waiting.
package gate
