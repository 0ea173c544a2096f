package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// session is a client at work for one command.
type session struct {
	*mqttclient.Client
	ran chan error // what Run returned

	mu      sync.Mutex
	met     bool // there was a connection
	lastErr error
}

// connect runs a client of o and waits for its first connection. When reconnect is set, later losses are repaired. The
// version goes down to 3.1.1 when the user named none and the broker wants that.
func (c *common) connect(ctx context.Context, o mqttclient.Options, reconnect bool, errOut io.Writer) (*session, error) {
	s, err := c.attempt(ctx, o, reconnect, errOut)
	if c.version == "" && errors.Is(err, mqtt.UnsupportedProtocolVersion) {
		c.tell(errOut, "the broker does not speak 5.0, trying 3.1.1")
		o.Version = mqtt.V311
		return c.attempt(ctx, o, reconnect, errOut)
	}
	return s, err
}

func (c *common) attempt(ctx context.Context, o mqttclient.Options, reconnect bool, errOut io.Writer) (*session, error) {
	s := &session{ran: make(chan error, 1)}
	up := make(chan struct{}, 1)
	o.OnConnect = func(a *mqtt.Connack) {
		s.mu.Lock()
		first := !s.met
		s.met = true
		s.mu.Unlock()
		c.tell(errOut, "connected, session present: %v", a.SessionPresent)
		if first {
			up <- struct{}{}
		}
	}
	o.Retry = func(err error) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		again := s.met && reconnect && code(err) != ExitRefused
		if again {
			c.tell(errOut, "%v; connecting again", err)
		}
		s.lastErr = err
		return again
	}
	c.tell(errOut, "connecting to %s as %q", o.Addr, o.ClientID)
	client, err := mqttclient.New(o)
	if err != nil {
		return nil, usage("%v", err)
	}
	s.Client = client
	go func() { s.ran <- client.Run(ctx) }() // ends with ctx or with Disconnect
	select {
	case <-up:
		return s, nil
	case err := <-s.ran:
		if err == nil {
			err = context.Canceled
		}
		return nil, err
	}
}

// why replaces the answer "client has ended" with the cause of the end.
func (s *session) why(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	closed := errors.Is(err, mqttclient.ErrClosed)
	switch {
	case s.lastErr != nil && (closed || errors.Is(err, mqttclient.ErrConnectionLost)):
		return s.lastErr
	case closed:
		return context.Canceled
	}
	return err
}

// leave says DISCONNECT, also when ctx is over.
func (s *session) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	s.Disconnect(ctx, mqtt.Disconnect{}) // the connection is gone either way
}

// tell prints what happens when -d asks for it.
func (c *common) tell(errOut io.Writer, format string, args ...any) {
	if c.debug {
		fmt.Fprintf(errOut, format+"\n", args...)
	}
}
