package admin

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"syscall"

	"tsunagi/internal/account"
)

// Local is the way to the users of one instance for other commands of this program, by the socket of who runs it.
type Local struct {
	client   *client
	instance string
}

// LocalUser is an MQTT user, with what it may do.
type LocalUser struct {
	Name  string      `json:"name"`
	Note  string      `json:"note,omitempty"`
	Rules []LocalRule `json:"rules"`
}

// LocalRule allows access to a filter.
type LocalRule struct {
	Access account.Access `json:"access"`
	Filter string         `json:"filter"`
}

// NewLocal is for an instance of who runs in dir.
func NewLocal(dir, instance string) *Local {
	return &Local{newClient(filepath.Join(dir, SocketName)), instance}
}

// Running says whether somebody runs in the directory.
func (l *Local) Running(ctx context.Context) bool {
	l.client.nobody = false
	err := l.client.call(ctx, http.MethodGet, path("instances", l.instance, "rules"), nil, nil)
	return err == nil || !l.client.nobody
}

// Add makes a user with its rules, and returns its password where it was generated. A user whose rules can't be made is
// taken back.
func (l *Local) Add(ctx context.Context, u LocalUser, password string) (generated string, err error) {
	var made userShape
	in := newUser{Name: u.Name, Password: password, Note: u.Note, Connect: true}
	if err := l.client.call(ctx, http.MethodPost, path("instances", l.instance, "users"), in, &made); err != nil {
		return "", err
	}
	for _, r := range u.Rules {
		rule := newRule{User: u.Name, Effect: string(account.Allow), Access: string(r.Access), Filter: r.Filter}
		if err := l.client.call(ctx, http.MethodPost, path("instances", l.instance, "rules"), rule, nil); err != nil {
			return "", errors.Join(err, l.Remove(ctx, u.Name))
		}
	}
	return made.Password, nil
}

// List reads all users.
func (l *Local) List(ctx context.Context) (list []LocalUser, err error) {
	var users []userShape
	var rules []ruleShape
	if err := l.client.call(ctx, http.MethodGet, path("instances", l.instance, "users"), nil, &users); err != nil {
		return nil, err
	}
	if err := l.client.call(ctx, http.MethodGet, path("instances", l.instance, "rules"), nil, &rules); err != nil {
		return nil, err
	}
	for _, u := range users {
		one := LocalUser{Name: u.Name, Note: u.Note, Rules: []LocalRule{}}
		for _, r := range rules {
			if r.User == u.Name {
				one.Rules = append(one.Rules, LocalRule{account.Access(r.Access), r.Filter})
			}
		}
		list = append(list, one)
	}
	return list, nil
}

// Password gives a user another password: the given one, or a generated one that is returned.
func (l *Local) Password(ctx context.Context, name, password string) (generated string, err error) {
	in := userChange{Rotate: password == ""}
	if password != "" {
		in.Password = &password
	}
	var u userShape
	err = l.client.call(ctx, http.MethodPatch, path("instances", l.instance, "users", name), in, &u)
	return u.Password, err
}

// Remove deletes a user with its rules, and ends its connections.
func (l *Local) Remove(ctx context.Context, name string) error {
	return l.client.call(ctx, http.MethodDelete, path("instances", l.instance, "users", name), nil, nil)
}

// Status asks how what runs is.
func (l *Local) Status(ctx context.Context, into any) error {
	return l.client.call(ctx, http.MethodGet, "/status", nil, into)
}

// nobodyListens says whether a failure is that there is no server.
func nobodyListens(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}
