package gate

import (
	"errors"
	"net"
	"os"
	"syscall"

	"tsunagi/internal/mqtt"
)

// The errors that end connections from inside.
var (
	errPeerGone = errors.New("connection closed by the peer")
	errClosed   = errors.New("connection is closed")
	errPanic    = errors.New("internal error")
	errTooSlow  = errors.New("the peer does not read its answers")
)

// lost says whether there is nobody left to write to.
func lost(cause error) bool {
	return errors.Is(cause, errPeerGone) || errors.Is(cause, net.ErrClosed) || errors.Is(cause, syscall.ECONNRESET) ||
		errors.Is(cause, syscall.EPIPE) || errors.Is(cause, syscall.ETIMEDOUT)
}

// closeCode is what a WebSocket peer is told.
func closeCode(cause error) uint16 {
	if p, ok := errors.AsType[*peerClose](cause); ok {
		if c := p.code; c != closeNoCode && (c < closeNormal || c > 4999 || c >= 1004 && c <= 1006 || c == 1015) {
			return closeProtocol
		}
		return p.code
	}
	if w, ok := errors.AsType[*wsError](cause); ok {
		return w.code
	}
	switch r, ok := errors.AsType[mqtt.Reason](cause); {
	case errors.Is(cause, errPanic):
		return closeInternal
	case !ok || r == mqtt.Success || r == mqtt.DisconnectWithWill:
		return closeNormal
	case r == mqtt.ServerShuttingDown || r == mqtt.ServerUnavailable:
		return closeGoingAway
	case r == mqtt.PacketTooLarge:
		return closeTooBig
	case r == mqtt.MalformedPacket || r == mqtt.ProtocolError:
		return closeProtocol
	}
	return closePolicy
}

// timedOut says whether err is a deadline's.
func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
