package account

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"
)

// NewUser is an MQTT user to be made. An empty password asks for a generated one.
type NewUser struct {
	Name     string
	Password string
	Connect  bool
	Note     string

	ClientID  string    // the one client id that it may connect with; "" for any
	ExpiresAt time.Time // zero: never
}

// UserChange is what changes of a user; nil stays as it is.
type UserChange struct {
	Password *string // chosen by a person
	Rotate   bool    // a new generated password
	Connect  *bool
	Note     *string

	ClientID  *string
	ExpiresAt *time.Time // zero: never
}

// UserPage is one page of users with how many there are in all and how many rules name each.
type UserPage struct {
	Users []User
	Rules map[string]int // by user name
	Total int
	Next  string // After of the next page; "" on the last
}

// CreateUser makes an MQTT user. It returns the password where it was generated, for the only time.
func (s *Service) CreateUser(ctx context.Context, by Actor, instance string, n NewUser) (u User, password string, err error) {
	if err := checkUserName(n.Name); err != nil {
		return User{}, "", err
	}
	if _, err := s.Instance(ctx, by, instance); err != nil { // before the work of hashing
		return User{}, "", err
	}
	u = User{Instance: instance, Name: n.Name, Connect: n.Connect, CreatedAt: s.now()}
	if u.Note, err = checkText("note", n.Note, 200, true); err != nil {
		return User{}, "", err
	}
	if u.ClientID, u.ExpiresAt, err = checkBounds(n.ClientID, n.ExpiresAt); err != nil {
		return User{}, "", err
	}
	if password, err = s.setSecret(ctx, &u, n.Password); err != nil {
		return User{}, "", err
	}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		in, err := instanceOf(tx, by, instance)
		if err != nil {
			return Change{}, err
		}
		plan := s.Plan(in.Plan)
		have, err := tx.CountUsers(UserQuery{Instance: instance})
		if err != nil {
			return Change{}, err
		}
		if plan.Users > 0 && have >= plan.Users {
			return Change{}, fail(Limit, "api.user.limit", "limit", plan.Users, "plan", plan.Name)
		}
		if err := tx.Insert(u); errors.Is(err, ErrExists) {
			return Change{}, fail(Conflict, "api.user.taken", "name", u.Name)
		} else if err != nil {
			return Change{}, err
		}
		return Change{}, s.audit(tx, by, "user.create", instance+":"+u.Name, "")
	})
	return u, password, err
}

// checkBounds judges what a user is bound to. Times are kept to the microsecond.
func checkBounds(clientID string, expires time.Time) (string, time.Time, error) {
	if len(clientID) > 256 || !plainText(clientID) {
		return "", time.Time{}, invalid("client_id", "api.text", "limit", 256)
	}
	if !expires.IsZero() {
		expires = expires.UTC().Truncate(time.Microsecond)
	}
	return clientID, expires, nil
}

// over says whether a thing with an expiry has expired.
func over(expires, now time.Time) bool { return !expires.IsZero() && !now.Before(expires) }

// setSecret gives u the chosen password, or a generated one that is returned. The first user's stays revealable when
// generated; a chosen one is never kept in a form that can be read.
func (s *Service) setSecret(ctx context.Context, u *User, chosen string) (generated string, err error) {
	u.Sealed = nil
	if chosen == "" {
		generated = newPassword()
		u.Kind, u.Secret = SecretGenerated, s.o.Keys.hashGenerated(u.Instance, u.Name, generated)
		if u.First {
			u.Sealed = s.o.Keys.sealPassword(u.Instance, generated)
		}
		return generated, nil
	}
	if utf8.RuneCountInString(chosen) < 8 || len(chosen) > 256 || !utf8.ValidString(chosen) {
		return "", invalid("password", "api.password.length", "min", 8)
	}
	hash, err := s.people.hash(ctx, chosen)
	u.Kind, u.Secret = SecretChosen, []byte(hash)
	return "", err
}

// User reads one user and how many rules name it.
func (s *Service) User(ctx context.Context, by Actor, instance, name string) (u User, rules int, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		if u, err = r.User(instance, name); err != nil {
			return err
		}
		all, err := r.Rules(instance)
		rules = countRules(all)[name]
		return err
	})
	return u, rules, err
}

// Users reads a page of users.
func (s *Service) Users(ctx context.Context, by Actor, q UserQuery) (p UserPage, err error) {
	q.Limit = PageSize(q.Limit)
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, q.Instance); err != nil {
			return err
		}
		if p.Total, err = r.CountUsers(q); err != nil {
			return err
		}
		all, err := r.Rules(q.Instance)
		if err != nil {
			return err
		}
		p.Rules = countRules(all)
		more := q
		more.Limit++ // one more tells whether there is a next page
		p.Users, err = r.Users(more)
		if len(p.Users) > q.Limit {
			p.Users = p.Users[:q.Limit]
			p.Next = p.Users[q.Limit-1].Name
		}
		return err
	})
	return p, err
}

func countRules(all []Rule) map[string]int {
	n := map[string]int{}
	for _, r := range all {
		if r.User != "" {
			n[r.User]++
		}
	}
	return n
}

// PageSize bounds what a caller asks for; 0 is the default.
func PageSize(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, 1000)
}

// ChangeUser changes a user and ends its connections where the change says so. It returns a password that was
// generated, for the only time.
func (s *Service) ChangeUser(ctx context.Context, by Actor, instance, name string, c UserChange) (u User, password string, err error) {
	if c.Rotate && c.Password != nil {
		return User{}, "", invalid("password", "api.password.both")
	}
	if u, _, err = s.User(ctx, by, instance, name); err != nil { // before the work of hashing
		return User{}, "", err
	}
	fresh := u
	switch {
	case c.Rotate:
		password, err = s.setSecret(ctx, &fresh, "")
	case c.Password != nil && *c.Password == "":
		err = invalid("password", "api.password.length", "min", 8)
	case c.Password != nil:
		_, err = s.setSecret(ctx, &fresh, *c.Password)
	}
	if err != nil {
		return User{}, "", err
	}
	if c.Note != nil {
		if fresh.Note, err = checkText("note", *c.Note, 200, true); err != nil {
			return User{}, "", err
		}
	}
	if c.ClientID != nil || c.ExpiresAt != nil {
		set(&fresh.ClientID, c.ClientID)
		set(&fresh.ExpiresAt, c.ExpiresAt)
		if fresh.ClientID, fresh.ExpiresAt, err = checkBounds(fresh.ClientID, fresh.ExpiresAt); err != nil {
			return User{}, "", err
		}
	}
	newSecret := c.Rotate || c.Password != nil
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		if u, err = tx.User(instance, name); err != nil {
			return Change{}, err
		}
		was, news := u, Change{}
		if newSecret {
			u.Kind, u.Secret, u.Sealed = fresh.Kind, fresh.Secret, fresh.Sealed
			news = Change{Instance: instance, Users: []string{name}}
			if err := tx.Delete(Exposure{Instance: instance, User: name}); err != nil {
				return Change{}, err
			}
		}
		if c.Note != nil {
			u.Note = fresh.Note
		}
		if c.ClientID != nil && u.ClientID != fresh.ClientID || c.ExpiresAt != nil && !u.ExpiresAt.Equal(fresh.ExpiresAt) {
			if u.First {
				return Change{}, fail(Conflict, "api.user.first_bound")
			}
			news = Change{Instance: instance, Users: []string{name}} // who may stay comes again at once
		}
		if c.ClientID != nil {
			u.ClientID = fresh.ClientID
		}
		if c.ExpiresAt != nil {
			u.ExpiresAt = fresh.ExpiresAt
		}
		if c.Connect != nil {
			u.Connect = *c.Connect
			if !u.Connect {
				news = Change{Instance: instance, Users: []string{name}}
			}
		}
		if err := s.replace(ctx, tx, was, u); err != nil {
			return Change{}, err
		}
		return news, s.audit(tx, by, "user.change", instance+":"+name, c.words())
	})
	return u, password, err
}

// words tells the audit what changed, without secrets.
func (c UserChange) words() string {
	var w string
	if c.Rotate || c.Password != nil {
		w += "password "
	}
	if c.Connect != nil && *c.Connect {
		w += "may connect "
	}
	if c.Connect != nil && !*c.Connect {
		w += "may not connect "
	}
	if c.Note != nil {
		w += "note "
	}
	if c.ClientID != nil {
		w += "client id "
	}
	if c.ExpiresAt != nil {
		w += "expiry "
	}
	return w
}

// DeleteUser deletes a user with its rules and ends its connections. The first user stays: the instance's details are
// its login; "may connect" shuts it out.
func (s *Service) DeleteUser(ctx context.Context, by Actor, instance, name string) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		u, err := tx.User(instance, name)
		if err != nil {
			return Change{}, err
		}
		if u.First {
			return Change{}, fail(Conflict, "api.user.first")
		}
		if err := s.remove(ctx, tx, u); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Users: []string{name}, Recheck: true}, s.audit(tx, by, "user.delete", instance+":"+name, "")
	})
}
