package hosted

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// maxMessage bounds a message in bytes.
const maxMessage = 64 << 10

// linkPatience is how long a message may wait for the other side to make room.
const linkPatience = 5 * time.Second

// link is one end of the socket between parent and child. Messages arrive whole, in order, each with one descriptor at
// most. Many goroutines may send; one receives.
type link struct {
	conn *net.UnixConn

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan reply // requests without an answer
	gone    error                 // why there will be no more answers
}

// reply is an answer and what came with it.
type reply struct {
	message
	file *os.File // nil without a descriptor
}

func newLink(conn *net.UnixConn) *link { return &link{conn: conn, waiting: map[uint64]chan reply{}} }

// send writes a message, with a descriptor unless file is nil. The descriptor is copied: the caller closes its own.
func (l *link) send(m message, file *os.File) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(text) > maxMessage {
		return fmt.Errorf("message of %d bytes to the other process: at most %d", len(text), maxMessage)
	}
	if err := l.conn.SetWriteDeadline(time.Now().Add(linkPatience)); err != nil {
		return err
	}
	return sendMessage(l.conn, text, file)
}

// receive reads the next message. Answers go to who asked, everything else to handle, which owns the descriptor and
// must not block. It returns when the link has ended.
func (l *link) receive(handle func(message, *os.File)) error {
	buffer := make([]byte, maxMessage)
	for {
		text, file, err := receiveMessage(l.conn, buffer)
		if err != nil {
			l.end(err)
			return err
		}
		var m message
		if err := json.Unmarshal(text, &m); err != nil {
			closeFile(file)
			err = fmt.Errorf("message from the other process: %w", err)
			l.end(err)
			return err
		}
		if m.Op != opAnswer {
			handle(m, file)
			continue
		}
		l.mu.Lock()
		c, ok := l.waiting[m.ID]
		delete(l.waiting, m.ID)
		l.mu.Unlock()
		if ok {
			c <- reply{m, file} // has room for one
		} else {
			closeFile(file) // nobody waits any longer
		}
	}
}

// ask sends a request and waits for its answer. The caller owns the descriptor that comes with it.
func (l *link) ask(ctx context.Context, m message) (reply, error) {
	c := make(chan reply, 1)
	l.mu.Lock()
	if l.gone != nil {
		l.mu.Unlock()
		return reply{}, l.gone
	}
	l.next++
	m.ID = l.next
	l.waiting[m.ID] = c
	l.mu.Unlock()

	if err := l.send(m, nil); err != nil {
		l.forget(m.ID, c)
		return reply{}, err
	}
	select {
	case r, ok := <-c:
		switch {
		case !ok:
			return reply{}, errors.New("the platform has ended")
		case r.Error != "":
			closeFile(r.file)
			return reply{}, errors.New(r.Error)
		}
		return r, nil
	case <-ctx.Done():
		l.forget(m.ID, c)
		return reply{}, ctx.Err()
	}
}

// forget gives up a request; an answer that came meanwhile is dropped with its descriptor.
func (l *link) forget(id uint64, c chan reply) {
	l.mu.Lock()
	delete(l.waiting, id)
	l.mu.Unlock()
	select {
	case r := <-c:
		closeFile(r.file)
	default:
	}
}

// end fails all requests without an answer.
func (l *link) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone == nil {
		l.gone = fmt.Errorf("the other process is gone: %w", err)
	}
	for id, c := range l.waiting {
		delete(l.waiting, id)
		close(c)
	}
}

func closeFile(f *os.File) {
	if f != nil {
		f.Close()
	}
}
