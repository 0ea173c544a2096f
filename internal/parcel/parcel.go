// Package parcel is the form in which one instance leaves a server and comes to another: a zip file.
//
//	instance.json     what the file is (Head), with everything of the instance that is small
//	users.ndjson      a user on each line, in the order of their names
//	retained.ndjson   a retained message on each line, in the order of their topics
//
// Both ways keep little in memory: users are read by pages and retained messages one after the other. A parcel holds no
// secret but the hashes of its users' passwords, where they were asked for.
package parcel

import (
	"context"
	"time"
	"unicode/utf8"

	"tsunagi/internal/account"
)

// The names inside.
const (
	instanceName = account.SourceInstance
	usersName    = account.SourceUsers
	retainedName = "retained.ndjson"
)

// Bounds of what is read, in bytes.
const (
	MaxSize  = 512 << 20 // of the file
	maxHead  = 16 << 20  // of instance.json
	maxUsers = 256 << 20 // of users.ndjson
	maxLine  = 64 << 20  // of one line
	maxAll   = 4 << 30   // of retained.ndjson
)

// format of Head.Format and version of Head.Version.
const (
	format  = "tsunagi-instance"
	version = 1
)

// Head is instance.json.
type Head struct {
	Format  string           `json:"format"`
	Version int              `json:"version"`
	Program string           `json:"program"` // version of the program that made it
	Made    time.Time        `json:"made"`
	Content account.Portable `json:"content"`
}

// Retained is a retained message. Payload is text or base64.
type Retained struct {
	Topic         string      `json:"topic"`
	Payload       string      `json:"payload,omitempty"`
	Base64        []byte      `json:"base64,omitempty"` // instead of Payload where that is no text
	QoS           byte        `json:"qos"`
	ExpiresIn     uint32      `json:"expires_in,omitempty"` // seconds from when the file was made; 0: never
	UTF8          bool        `json:"utf8,omitempty"`       // payload format indicator
	ContentType   string      `json:"content_type,omitempty"`
	ResponseTopic string      `json:"response_topic,omitempty"`
	Correlation   []byte      `json:"correlation,omitempty"`
	User          [][2]string `json:"user_properties,omitempty"`
}

// SetPayload keeps a payload in the form that fits it.
func (m *Retained) SetPayload(b []byte) {
	if m.Payload, m.Base64 = string(b), nil; !utf8.Valid(b) {
		m.Payload, m.Base64 = "", b
	}
}

// Bytes are the payload.
func (m *Retained) Bytes() []byte {
	if m.Base64 != nil {
		return m.Base64
	}
	return []byte(m.Payload)
}

// Accounts are the rules about instances; *account.Service has them.
type Accounts interface {
	Export(ctx context.Context, by account.Actor, instance string, proof account.Proof, hashes bool) (account.Portable, error)
	ExportUsers(ctx context.Context, by account.Actor, instance string, hashes bool, after string) (list []account.PortableUser, next string, err error)
	Restore(ctx context.Context, by account.Actor, instance string, from account.Portable, users []account.PortableUser, dry bool) (account.Restoration, error)
	RestoreFirst(ctx context.Context, by account.Actor, instance string) error
}

// Messages are the retained messages of instances.
type Messages interface {
	// Retained are at most limit of an instance behind a topic, in order; after "" from the first.
	Retained(ctx context.Context, instance, after string, limit int) ([]Retained, error)
	// Keep retains messages and returns when they are on disk. The error is in words where one of them is refused.
	Keep(ctx context.Context, instance string, list []Retained) error
}

// Courier makes and takes parcels.
type Courier struct {
	Accounts Accounts
	Messages Messages
	Dir      string // where a parcel that comes lies while it is judged
	Program  string // version
	Now      func() time.Time

	places chan struct{}
}

// New makes a courier.
func New(accounts Accounts, messages Messages, dir, program string) *Courier {
	return &Courier{Accounts: accounts, Messages: messages, Dir: dir, Program: program, Now: time.Now, places: make(chan struct{}, 2)}
}
