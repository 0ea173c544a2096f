package gate

import (
	"errors"
	"fmt"
	"net"
	"time"

	"tsunagi/internal/mqtt"
)

// maxWords bounds the reason string of a refusal, in bytes.
const maxWords = 512

// refusal is the answer to a CONNECT that err refuses, nil when closing is the answer. Bytes that break the protocol
// get none before 5.0 [v3.1.1 MQTT-3.1.4-1]. An error without a reason is our own failure: the client is told to come
// again, and nothing else.
func refusal(p *mqtt.Connect, err error) []byte {
	if p == nil || p.Version == 0 {
		return nil
	}
	reason, ok := errors.AsType[mqtt.Reason](err)
	words := err.Error()
	if !ok {
		reason, words = mqtt.ServerUnavailable, ""
	}
	if p.Version != mqtt.V5 {
		switch reason {
		case mqtt.MalformedPacket, mqtt.ProtocolError, mqtt.PacketTooLarge:
			return nil
		}
	}
	answer := mqtt.Connack{Reason: reason, MaxQoS: 2}
	if elsewhere, ok := errors.AsType[*moved](err); ok {
		answer.ServerReference = elsewhere.to
	}
	if words != reason.Error() && len(words) <= maxWords {
		answer.ReasonString = words
	}
	b := answer.Append(nil, p.Version)
	if p.MaxPacket > 0 && len(b) > int(p.MaxPacket) { // [MQTT-3.2.2-19]
		answer.ReasonString = ""
		if b = answer.Append(nil, p.Version); len(b) > int(p.MaxPacket) { // [MQTT-3.1.2-24]
			return nil
		}
	}
	return b
}

// moved sends a client that came without TLS to the port that has it.
type moved struct{ to, words string }

func (m *moved) Error() string { return m.words }
func (m *moved) Unwrap() error { return mqtt.UseAnotherServer }

// turnAway sends the refusal, if there is a form for it, and closes.
func (a *caller) turnAway(packet *mqtt.Connect, err error) {
	defer a.tcp.Close()
	if a.srv.ctx.Err() != nil {
		err = errStopping
	}
	if a.tls != nil && !a.tls.ConnectionState().HandshakeComplete {
		return
	}
	if _, ok := errors.AsType[mqtt.Reason](err); !ok && packet != nil && packet.Version != 0 {
		a.srv.log.Error("a client could not be let in", "remote", a.hello.Remote, "client", a.hello.ClientID, "err", err)
	}
	if a.tcp.SetDeadline(time.Now().Add(refuseWrite)) != nil {
		return
	}
	answer := refusal(packet, err)
	if a.ws != nil {
		if len(answer) > 0 {
			answer = append(appendFrameHead(nil, opBinary, len(answer)), answer...)
		}
		answer = append(answer, closeFrame(closeCode(err))...)
	}
	if len(answer) == 0 {
		return
	}
	if _, err := a.stream.Write(answer); err != nil {
		return
	}
	if a.tls != nil {
		_ = a.tls.CloseWrite() // the socket is closed next
	}
	if a.tcp.CloseWrite() == nil {
		discard(a.tcp)
	}
}

// discard reads what a peer still sends until it closes, or linger is over.
func discard(tcp *net.TCPConn) {
	if tcp.SetReadDeadline(time.Now().Add(linger)) != nil {
		return
	}
	buf := getBuffer()
	defer putBuffer(buf)
	for {
		if _, err := tcp.Read(buf[:]); err != nil {
			return
		}
	}
}

// protocolOf names what bytes that don't belong look like.
func protocolOf(b []byte) string {
	has := func(prefix string) bool { return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix }
	switch {
	case has("\x16"):
		return "TLS"
	case has("\x10"):
		return "MQTT"
	case has("GET ") || has("POST ") || has("HEAD ") || has("PUT ") || has("OPTI") || has("PRI "):
		return "HTTP"
	case has("PROXY") || has("\r\n\r\n\x00"):
		return "a PROXY header, which is accepted only from the addresses in the setting proxy_from"
	case has("SSH-"):
		return "SSH"
	case len(b) > 0 && b[0]>>4 == byte(mqtt.CONNECT):
		return "CONNECT with reserved flags"
	case len(b) > 0 && b[0]>>4 != 0:
		return fmt.Sprintf("perhaps an MQTT packet of type %d", b[0]>>4)
	}
	return "something unknown"
}
