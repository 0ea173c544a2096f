package editor

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"time"
)

// Bounds of multiplayer.
const (
	maxPlayers = 2 * maxBrowsers  // sessions known at once, gone ones included
	playerTime = 30 * time.Second // how long a session waits for its browser to come back
)

// players are the sessions of people who see each other in the editor. Comms.mu guards them.
type players struct {
	byPrivate map[string]*player // by the id that the browser made; it is never shown to others
}

// player is one session.
type player struct {
	public   string // id for the others
	user     object
	active   bool
	location json.RawMessage
	gone     *time.Timer // forgets the session
}

func newPlayers() players { return players{map[string]*player{}} }

// view is what others see of a session.
func (p *player) view() object {
	out := object{"session": p.public, "user": p.user, "active": p.active}
	if p.location != nil {
		out["location"] = p.location
	}
	return out
}

var (
	playerID = regexp.MustCompile(`^[a-zA-Z0-9]{1,64}$`)
	placeID  = regexp.MustCompile(`^[a-zA-Z0-9.:_-]{1,128}$`)
)

// play handles what a browser says to the others. What isn't understood is passed over.
func (c *Comms) play(b *browser, topic string, data json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch topic {
	case "multiplayer/connect":
		c.connect(b, data)
	case "multiplayer/disconnect":
		if p := c.players.byPrivate[b.session]; p != nil {
			delete(c.players.byPrivate, b.session)
			b.session = ""
			c.tell("multiplayer/connection-removed", object{"session": p.public, "disconnected": true}, b)
		}
	case "multiplayer/location":
		c.move(b, data)
	}
}

// connect brings a session in, or back.
func (c *Comms) connect(b *browser, data json.RawMessage) {
	var in struct{ Session string }
	if json.Unmarshal(data, &in) != nil || !playerID.MatchString(in.Session) {
		return
	}
	p := c.players.byPrivate[in.Session]
	if p == nil {
		if len(c.players.byPrivate) >= maxPlayers {
			return
		}
		p = &player{public: "PUB" + randomHex(8) + "PUB"}
		c.players.byPrivate[in.Session] = p
	}
	if p.gone != nil {
		p.gone.Stop()
		p.gone = nil
	}
	b.session, p.active, p.user = in.Session, true, playerUser(b, p)
	c.tell("multiplayer/connection-added", p.view(), b)
	sessions := []object{}
	for _, other := range c.players.byPrivate {
		if other.active {
			sessions = append(sessions, other.view())
		}
	}
	if it, err := newItem("multiplayer/init", object{"session": p.public, "sessions": sessions}); err == nil {
		b.push(it)
	}
}

// playerUser is who a session belongs to. People without a name get a number.
func playerUser(b *browser, p *player) object {
	switch {
	case b.user.Name != "":
		return object{"username": b.user.Name}
	case p.user != nil:
		return p.user
	}
	var n [1]byte
	rand.Read(n[:])
	return object{"anonymous": true, "username": fmt.Sprintf("Anon %d", n[0]%100)}
}

// move tells the others where somebody is.
func (c *Comms) move(b *browser, data json.RawMessage) {
	p := c.players.byPrivate[b.session]
	var at struct {
		Workspace string `json:"workspace,omitempty"`
		Node      string `json:"node,omitempty"`
		Cursor    *struct {
			X float64 `json:"x"`
			Y float64 `json:"y"`
		} `json:"cursor,omitempty"`
	}
	if p == nil || json.Unmarshal(data, &at) != nil ||
		at.Workspace != "" && !placeID.MatchString(at.Workspace) || at.Node != "" && !placeID.MatchString(at.Node) {
		return
	}
	place, err := json.Marshal(at)
	if err != nil {
		return
	}
	p.location = place
	out := object{"session": p.public}
	json.Unmarshal(place, &out) // an object made just now
	c.tell("multiplayer/location", out, b)
}

// left notes that a browser went away; its session is forgotten if it doesn't come back. The caller has the lock.
func (c *Comms) left(b *browser) {
	p := c.players.byPrivate[b.session]
	if p == nil {
		return
	}
	for other := range c.browsers {
		if other.session == b.session {
			return // it has come back already
		}
	}
	session := b.session
	p.active = false
	p.gone = time.AfterFunc(playerTime, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.players.byPrivate[session] == p && !p.active {
			delete(c.players.byPrivate, session)
		}
	})
	c.tell("multiplayer/connection-removed", object{"session": p.public}, b)
}

// tell sends a message of multiplayer to all browsers but one. The caller has the lock.
func (c *Comms) tell(topic string, data object, except *browser) {
	if it, err := newItem(topic, data); err == nil {
		c.send(it, except)
	}
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
