package hosted

import (
	"context"
	"errors"
	"time"
)

// maxTopics bounds the filters of one user that is made for flows.
const maxTopics = 10

// Instance is a broker of the platform on which a flow server can be given a user.
type Instance struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Credential is a user on an instance and where to find it.
type Credential struct {
	Host     string `json:"host"`
	Port     int    `json:"port"` // TLS
	User     string `json:"user"`
	Password string `json:"password"`
}

// Instances asks the platform for the instances of the flow server's owner, for a person who is signed in here.
func (c *Child) Instances(ctx context.Context, session string) ([]Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	r, err := c.link.ask(ctx, message{Op: opInstances, Session: session})
	return r.Instances, err
}

// Credential asks the platform for a user on an instance that may use topics only, for a person who is signed in here.
func (c *Child) Credential(ctx context.Context, session, instance string, topics []string) (Credential, error) {
	if len(topics) > maxTopics {
		return Credential{}, errors.New("at most 10 topics")
	}
	for i := range topics {
		topics[i] = clip(topics[i], 1000)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	r, err := c.link.ask(ctx, message{Op: opCredential, Session: session, Instance: clip(instance, 100), Topics: topics})
	if err != nil {
		return Credential{}, err
	}
	if r.Credential == nil {
		return Credential{}, errors.New("the platform sent no user")
	}
	return *r.Credential, nil
}

// access answers what a person in the editor asks of the instances. The person must have signed in to this very server,
// and their session in the panel must still hold: a flow by itself can ask for nothing.
func (c *child) access(ctx context.Context, m message) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c.mu.Lock()
	_, known := c.sessions[m.Session]
	c.mu.Unlock()
	alive, err := c.m.o.SessionAlive(ctx, m.Session)
	var out message
	switch {
	case err != nil || !known || !alive || m.Session == "":
		err = errors.New("sign in to the editor again, please")
	case m.Op == opInstances:
		out.Instances, err = c.m.o.Instances(ctx, c.server.ID)
	case len(m.Topics) == 0 || len(m.Topics) > maxTopics:
		err = errors.New("want one to ten topics")
	default:
		var made Credential
		made, err = c.m.o.Credential(ctx, c.server.ID, m.Instance, m.Topics)
		out.Credential = &made
	}
	if err != nil {
		c.log.Info("flow server got no user on an instance", "error", err)
		out = message{Error: clip(err.Error(), 500)}
	}
	c.reply(m.ID, out, nil)
}
