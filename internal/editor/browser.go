package editor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// Times and bounds of one connection.
const (
	batchTime   = 50 * time.Millisecond // shortest time between two frames
	batchItems  = 50                    // messages in a frame
	heartbeat   = 15 * time.Second      // longest time without a frame
	writeTime   = 10 * time.Second      // longest time for a frame to leave
	signInTime  = 10 * time.Second      // longest wait for the token
	maxFrame    = 64 << 10              // bytes of a frame from a browser
	maxQueue    = 2000                  // messages that wait; then the connection ends, and the browser comes back
	maxQueued   = 8 << 20               // bytes that wait
	maxDebug    = 1000                  // debug messages that wait; more are counted instead
	squeezeFrom = 200                   // messages that wait before a newer status takes the place of an older one
)

// browser is one comms connection.
type browser struct {
	comms *Comms
	stop  context.CancelFunc
	wake  chan struct{} // has a token when there is something to write

	// Under comms.mu:
	known   bool // signed in
	user    User
	token   string
	session string // private id in multiplayer, "" before it has joined
	queue   []*item
	bytes   int
	debug   int // debug messages in queue
	dropped int // debug messages left out since the last frame
	control [][]byte
	out     bool // to be closed when control is written
}

// getComms is the WebSocket. It checks Origin, and signs in by its first frame, since browsers can't send headers.
func (s *Server) getComms(w http.ResponseWriter, r *http.Request) error {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return refusal(http.StatusUpgradeRequired, "unexpected_error", "This is a WebSocket.")
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(r.Context()))
	b := &browser{comms: s.comms, stop: stop, wake: make(chan struct{}, 1), known: s.auth == nil}
	b.user.Scope = "*"
	if !s.comms.join(b) {
		stop()
		return refusal(http.StatusServiceUnavailable, "unexpected_error", "Too many browsers are connected.")
	}
	defer s.comms.part(b)
	defer stop()
	conn, err := websocket.Accept(w, r, nil) // refuses other origins
	if err != nil {
		return nil // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxFrame)
	go func() { // ends with ctx, and ends the connection
		defer conn.CloseNow()
		b.write(ctx, conn)
		stop()
	}()
	b.read(ctx, conn)
	return nil
}

// read handles what the browser sends until the connection ends.
func (b *browser) read(ctx context.Context, conn *websocket.Conn) {
	defer b.dismissLate().Stop()
	for {
		kind, text, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var in struct {
			Auth      string          `json:"auth"`
			Subscribe string          `json:"subscribe"`
			Topic     string          `json:"topic"`
			Data      json.RawMessage `json:"data"`
		}
		if kind != websocket.MessageText || json.Unmarshal(text, &in) != nil {
			continue // as Node-RED does
		}
		switch {
		case in.Auth != "":
			b.signIn(in.Auth)
		case !b.mayRead():
		case in.Subscribe != "":
			b.subscribe(in.Subscribe)
		case in.Topic != "":
			b.comms.play(b, in.Topic, in.Data)
		}
	}
}

// dismissLate ends the connection if it has not signed in when the time is over.
func (b *browser) dismissLate() *time.Timer {
	return time.AfterFunc(signInTime, func() {
		b.comms.mu.Lock()
		defer b.comms.mu.Unlock()
		if !b.known {
			b.stop()
		}
	})
}

// signIn takes a token.
func (b *browser) signIn(token string) {
	user, ok := b.comms.signedIn(token)
	b.comms.mu.Lock()
	defer b.comms.mu.Unlock()
	if !ok || !allows(user.Scope, "status.read") {
		b.dismiss()
		return
	}
	b.known, b.user, b.token = true, user, token
	b.control = append(b.control, []byte(`{"auth":"ok"}`))
	b.poke()
}

// mayRead tells whether the browser is signed in; one that asks before is shown out.
func (b *browser) mayRead() bool {
	b.comms.mu.Lock()
	defer b.comms.mu.Unlock()
	if !b.known {
		b.dismiss()
	}
	return b.known
}

// subscribe sends what is retained. Everything else comes anyway.
func (b *browser) subscribe(filter string) {
	if len(filter) > 1000 {
		return
	}
	b.comms.mu.Lock()
	defer b.comms.mu.Unlock()
	b.comms.resend(b, filter)
}

// dismiss tells the browser to sign in again and ends the connection. The caller has the lock.
func (b *browser) dismiss() {
	b.known, b.out = false, true
	b.control = append(b.control, []byte(`{"auth":"fail"}`))
	b.queue, b.bytes, b.debug, b.dropped = nil, 0, 0, 0
	b.poke()
}

// poke wakes the writer. The caller has the lock.
func (b *browser) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// write sends what is queued, no more often than batchTime, and a heartbeat when there is nothing.
func (b *browser) write(ctx context.Context, conn *websocket.Conn) {
	beat := time.NewTimer(heartbeat)
	defer beat.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			if !b.alive(ctx, conn) {
				return
			}
		case <-b.wake:
			select {
			case <-pause.C:
			case <-ctx.Done():
				return
			}
			if !b.flush(ctx, conn) {
				return
			}
			pause.Reset(batchTime)
		}
		beat.Reset(heartbeat)
	}
}

// alive sends a heartbeat, and checks that the token is still good and the browser still there.
func (b *browser) alive(ctx context.Context, conn *websocket.Conn) bool {
	if !b.recheck() {
		return true // the farewell is written first
	}
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	text := `[{"topic":"hb","data":` + strconv.FormatInt(time.Now().UnixMilli(), 10) + `}]`
	return conn.Write(ctx, websocket.MessageText, []byte(text)) == nil && conn.Ping(ctx) == nil
}

// recheck tells whether the browser may go on; if its token has ended it is shown out.
func (b *browser) recheck() bool {
	b.comms.mu.Lock()
	token, known := b.token, b.known
	b.comms.mu.Unlock()
	if _, ok := b.comms.signedIn(token); ok || !known {
		return true
	}
	b.comms.mu.Lock()
	defer b.comms.mu.Unlock()
	b.dismiss()
	return false
}

// flush writes the sign-in answers, then one frame of messages. It tells whether the connection goes on.
func (b *browser) flush(ctx context.Context, conn *websocket.Conn) bool {
	control, batch, out := b.take()
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	for _, text := range control {
		if conn.Write(ctx, websocket.MessageText, text) != nil {
			return false
		}
	}
	if out {
		conn.Close(websocket.StatusNormalClosure, "sign in again")
		return false
	}
	if len(batch) == 0 {
		return true
	}
	frame := []byte{'['}
	for i, it := range batch {
		if i > 0 {
			frame = append(frame, ',')
		}
		frame = append(frame, it.text...)
	}
	err := conn.Write(ctx, websocket.MessageText, append(frame, ']'))
	if errors.Is(err, context.DeadlineExceeded) {
		b.comms.log.Info("editor connection too slow", "user", b.user.Name)
	}
	return err == nil
}
