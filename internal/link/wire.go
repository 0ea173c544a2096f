package link

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/coder/websocket"
	"github.com/hashicorp/yamux"
)

// Path is where the platform takes tunnels.
const Path = "/link"

// Bounds of a tunnel.
const (
	handshakeTime  = 15 * time.Second
	handshakeBytes = 4 << 10
	questionTime   = 15 * time.Second
	questionBytes  = 16 << 10
	frameBytes     = 1 << 20          // longest WebSocket message
	pingTime       = 50 * time.Second // between two pings of the device
	silence        = 130 * time.Second
	writeTime      = 20 * time.Second
	nonceBytes     = 32
)

// The first byte of a stream that the platform opens.
const (
	kindHTTP   = 'H' // a connection to the editor
	kindNotice = 'N' // one notice and its answer
	kindDoor   = 'D' // a connection to the door for the panel
	kindPages  = 'P' // a connection to the flows' pages
)

// ErrRefused is the end of a handshake that failed: which side did not believe the other is for its own log.
var ErrRefused = errors.New("the other side was not accepted")

// hello is the first message of a handshake, by the device.
type hello struct {
	Version int    `json:"v"`
	Device  string `json:"device"`
	Nonce   []byte `json:"nonce"`
}

// challenge is the platform's answer: it signs the device's nonce and draws one.
type challenge struct {
	Nonce []byte `json:"nonce"`
	Proof []byte `json:"proof"`
}

// proof is the device's: it signs the platform's nonce.
type proof struct {
	Proof     []byte `json:"proof"`
	Version   string `json:"version"`    // of its program
	NoEditing bool   `json:"no_editing"` // the device itself forbids it
	Pages     string `json:"pages"`      // who at most may see its flows' pages; "": a program that offers none
}

// welcome ends a handshake, by the platform.
type welcome struct {
	OK        bool   `json:"ok"`
	Name      string `json:"name,omitempty"`
	Host      string `json:"host,omitempty"` // of the editor's origin, without port
	NoEditing bool   `json:"no_editing,omitempty"`
	Pages     string `json:"pages,omitempty"`      // who may see the flows' pages; "": a platform that offers none
	PagesHost string `json:"pages_host,omitempty"` // of their origin, without port
}

// signed is what a side signs: its role, both nonces and the name of both sides, each with its length before it, so
// that a proof is good for this tunnel of this device to this platform, in this direction.
func signed(role, device string, platform ed25519.PublicKey, theirs, ours []byte) []byte {
	var out []byte
	for _, part := range [][]byte{[]byte("tsunagi link 1"), []byte(role), []byte(device), platform, theirs, ours} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// rotation is what a new key signs to prove that the device has it.
func rotation(device string, key ed25519.PublicKey) []byte {
	return signed("rotate", device, key, nil, nil)
}

func newNonce() []byte {
	b := make([]byte, nonceBytes)
	rand.Read(b) // never fails
	return b
}

func writeMessage(ctx context.Context, ws *websocket.Conn, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return ws.Write(ctx, websocket.MessageText, raw)
}

func readMessage(ctx context.Context, ws *websocket.Conn, v any) error {
	kind, raw, err := ws.Read(ctx)
	if err != nil {
		return err
	}
	if kind != websocket.MessageText {
		return errors.New("handshake: want text")
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	return nil
}

// message is a question, a notice, or the answer to one: a line of JSON in a stream of its own.
type message struct {
	Op       string `json:"op,omitempty"`
	Error    string `json:"error,omitempty"`
	Code     string `json:"code,omitempty"`
	Agent    string `json:"agent,omitempty"`
	Session  string `json:"session,omitempty"`
	Name     string `json:"name,omitempty"`
	Alive    bool   `json:"alive,omitempty"`
	Key      []byte `json:"key,omitempty"`
	Proof    []byte `json:"proof,omitempty"`
	Password string `json:"password,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// What a message is about.
const (
	opExchange = "exchange" // device: who is Code; answered with Name and Session
	opAlive    = "alive"    // device: does Session still hold; answered with Alive
	opRotate   = "rotate"   // device: take Key, which signed Proof; answered with Password. Platform: please do so
	opUnpair   = "unpair"   // device: forget me. Platform: you are forgotten
	opEnded    = "ended"    // platform: Session is over
	opAgain    = "again"    // platform: something has changed, begin anew at once
	opBye      = "bye"      // device: the tunnel ends now, for Reason
)

// ask sends a message over a new stream and reads the answer.
func ask(ctx context.Context, mux *yamux.Session, kind string, m message) (message, error) {
	c, err := mux.Open()
	if err != nil {
		return message{}, err
	}
	defer c.Close()
	deadline := time.Now().Add(questionTime)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Now()) })
	defer stop()
	if err := c.SetDeadline(deadline); err != nil {
		return message{}, err
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return message{}, err
	}
	if _, err := c.Write(append(append([]byte(kind), raw...), '\n')); err != nil {
		return message{}, err
	}
	out, err := readLine(c)
	if err == nil && out.Error != "" {
		err = errors.New(out.Error)
	}
	return out, err
}

// answer reads a message of a stream whose kind has been read, and writes what f says to it.
func answer(c net.Conn, f func(message) message) error {
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(questionTime)); err != nil {
		return err
	}
	m, err := readLine(c)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(f(m))
	if err != nil {
		return err
	}
	_, err = c.Write(append(raw, '\n'))
	return err
}

func readLine(r io.Reader) (m message, err error) {
	line, err := bufio.NewReaderSize(io.LimitReader(r, questionBytes), 512).ReadBytes('\n')
	if err != nil {
		return message{}, fmt.Errorf("a message of at most %d bytes: %w", questionBytes, err)
	}
	err = json.Unmarshal(line, &m)
	return m, err
}

// muxConfig is yamux's. Only the device pings; the platform counts the silence.
func muxConfig(device bool, log *slog.Logger) *yamux.Config {
	c := yamux.DefaultConfig()
	c.EnableKeepAlive = device
	c.KeepAliveInterval = pingTime
	c.ConnectionWriteTimeout = writeTime
	c.StreamCloseTimeout = time.Minute
	c.StreamOpenTimeout = time.Minute
	c.AcceptBacklog = 64
	c.LogOutput = nil
	c.Logger = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	return c
}
