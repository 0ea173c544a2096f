package account

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"tsunagi/internal/topic"
)

// pageKeyHead begins every publishable key, and so the user names of those who come with one.
const pageKeyHead = "pk_"

// Bounds of publishable keys.
const (
	maxPageKeys        = 100 // of an instance
	maxPageKeyList     = 16  // filters, and origins, of one
	maxPageConnections = 10_000
)

// PublishableKey lets the pages of some origins use an instance: it stands in their source for everybody to read, so it
// opens little. Primary key (Instance, ID); parent Instance.
type PublishableKey struct {
	Instance    string
	ID          string // the key itself, without pageKeyHead: no secret
	Name        string
	Publish     []string // filters of what may be published
	Subscribe   []string // and subscribed to
	Origins     []string // of pages that may use it, such as https://www.example.org
	Connections int      // at a time
	CreatedAt   time.Time
	ExpiresAt   time.Time // zero: never
}

func (PublishableKey) row() {}

// Key is the key as pages show it; it is also the user name in logs and lists.
func (k PublishableKey) Key() string { return pageKeyHead + k.ID }

// NewPublishableKey is what a person chooses.
type NewPublishableKey struct {
	Name               string
	Publish, Subscribe []string
	Origins            []string
	Connections        int // 0: 10
	Days               int // until it expires; 0: never
}

// PublishableKeys lists the keys of an instance, oldest first.
func (s *Service) PublishableKeys(ctx context.Context, by Actor, instance string) (list []PublishableKey, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		list, err = r.PublishableKeys(instance)
		return err
	})
	return list, err
}

// CreatePublishableKey makes a key. It isn't a secret and can be read again.
func (s *Service) CreatePublishableKey(ctx context.Context, by Actor, instance string, n NewPublishableKey) (k PublishableKey, err error) {
	if k, err = s.pageKey(instance, n); err != nil {
		return PublishableKey{}, err
	}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		have, err := tx.PublishableKeys(instance)
		if err != nil {
			return Change{}, err
		}
		if len(have) >= maxPageKeys {
			return Change{}, fail(Limit, "api.page_key.limit", "limit", maxPageKeys)
		}
		if err := tx.Insert(k); err != nil {
			return Change{}, err
		}
		return Change{}, s.audit(tx, by, "page_key.create", instance, k.Name)
	})
	return k, err
}

// pageKey judges what a person chooses, and makes the row of it.
func (s *Service) pageKey(instance string, n NewPublishableKey) (k PublishableKey, err error) {
	k = PublishableKey{Instance: instance, ID: newID(), Publish: n.Publish, Subscribe: n.Subscribe, Connections: n.Connections, CreatedAt: s.now()}
	if k.Name, err = checkText("name", n.Name, 64, false); err != nil {
		return PublishableKey{}, err
	}
	if k.Origins, err = checkOrigins(n.Origins); err != nil {
		return PublishableKey{}, err
	}
	if err := errors.Join(checkNarrow("publish", n.Publish), checkNarrow("subscribe", n.Subscribe)); err != nil {
		return PublishableKey{}, err
	}
	if len(n.Publish)+len(n.Subscribe) == 0 {
		return PublishableKey{}, invalid("subscribe", "api.page_key.nothing")
	}
	if k.Connections == 0 {
		k.Connections = 10
	}
	if k.Connections < 0 || k.Connections > maxPageConnections {
		return PublishableKey{}, invalid("connections", "api.page_key.connections", "limit", maxPageConnections)
	}
	if n.Days < 0 || n.Days > 3650 {
		return PublishableKey{}, invalid("days", "api.page_key.days", "limit", 3650)
	}
	if n.Days > 0 {
		k.ExpiresAt = k.CreatedAt.Add(time.Duration(n.Days) * 24 * time.Hour)
	}
	return k, nil
}

// DeletePublishableKey deletes a key; its connections end.
func (s *Service) DeletePublishableKey(ctx context.Context, by Actor, instance, id string) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		k, err := tx.PublishableKey(instance, strings.TrimPrefix(id, pageKeyHead))
		if err != nil {
			return Change{}, err
		}
		if err := tx.Delete(k); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Logins: true, revoked: []shown{{page: k.ID}}}, s.audit(tx, by, "page_key.delete", instance, k.Name)
	})
}

// checkNarrow wants filters that begin with a name: whoever reads a page can use its key.
func checkNarrow(field string, filters []string) error {
	if len(filters) > maxPageKeyList {
		return invalid(field, "api.page_key.many", "limit", maxPageKeyList)
	}
	for _, one := range filters {
		f, err := topic.ParseFilter(one)
		if err != nil || f.Share != "" || !plainText(one) || len(one) > 1024 || strings.ContainsAny(one[:1], "$+#/") {
			return invalid(field, "api.page_key.narrow", "filter", clip(one))
		}
	}
	return nil
}

// checkOrigins wants https origins, or http ones of this machine, and writes them as browsers do.
func checkOrigins(list []string) (out []string, err error) {
	if len(list) == 0 || len(list) > maxPageKeyList {
		return nil, invalid("origins", "api.page_key.origins", "limit", maxPageKeyList)
	}
	for _, one := range list {
		u, err := url.Parse(strings.ToLower(strings.TrimSpace(one)))
		if err != nil || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || len(one) > 256 || !plainText(one) ||
			strings.Contains(u.Host, "*") {
			return nil, invalid("origins", "api.page_key.origin", "origin", clip(one))
		}
		local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || strings.HasSuffix(u.Hostname(), ".localhost")
		if u.Scheme != "https" && (u.Scheme != "http" || !local) {
			return nil, invalid("origins", "api.page_key.origin", "origin", clip(one))
		}
		host := u.Host
		if u.Scheme == "https" {
			host = strings.TrimSuffix(host, ":443")
		} else {
			host = strings.TrimSuffix(host, ":80")
		}
		out = append(out, u.Scheme+"://"+host)
	}
	return out, nil
}

// CheckPublishableKey says whether a page may open a WebSocket with a key. A failure is a *Refusal; which of instance
// and key was wrong, the page isn't told.
func (d *Directory) CheckPublishableKey(ctx context.Context, instance, key, origin string) (k PublishableKey, in Instance, err error) {
	id, ok := strings.CutPrefix(key, pageKeyHead)
	if !ok || len(id) > 64 || !ValidInstanceID(instance) {
		id, instance = "", ""
	}
	err = d.o.Store.View(ctx, func(r Reader) error {
		if k, err = r.PublishableKey(instance, id); err != nil {
			return err
		}
		in, err = r.Instance(instance)
		return err
	})
	refuse := func(instance, cause string) error {
		return &Refusal{Instance: instance, User: clip(key), Cause: cause}
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return k, in, refuse("", "no such publishable key")
	case err != nil:
		return k, in, err
	case !k.ExpiresAt.IsZero() && !d.o.Now().Before(k.ExpiresAt):
		return k, in, refuse(in.ID, "the publishable key "+k.Name+" has expired")
	case !slices.Contains(k.Origins, origin):
		return k, in, refuse(in.ID, fmt.Sprintf("the publishable key %s isn't for pages of %q: allow this origin, or use a user for what is no page", k.Name, clip(origin)))
	}
	return k, in, nil
}

// authenticatePage lets a page in by its key. The key opens what everybody may know, so that nothing slow is needed.
func (d *Directory) authenticatePage(ctx context.Context, c Credentials) (*Login, error) {
	if c.User != "" || c.Password != "" {
		return nil, &Refusal{Instance: "", User: clip(c.Key), Cause: "a publishable key in the address and a user name or password in CONNECT: leave one of them out"}
	}
	sh := d.shard(c.Instance)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	// Read under the lock: a deletion that comes later finds the login.
	k, in, err := d.CheckPublishableKey(ctx, c.Instance, c.Key, c.Origin)
	if err != nil {
		return nil, err
	}
	set, err := d.set(ctx, sh, in.ID)
	if err != nil {
		return nil, err
	}
	what := shown{page: k.ID}
	if !set.methods.Load().allow(what) {
		return nil, &Refusal{Instance: in.ID, User: k.Key(), Cause: "this instance wants a certificate of every client, which pages don't have"}
	}
	r := &Rights{set: set, user: &userState{}, name: k.Key(), all: true, why: "the publishable key " + k.Name, shown: set.credential(what),
		narrow: &narrow{k.Publish, k.Subscribe, Verdict{false, "the publishable key " + k.Name}}}
	return &Login{Instance: in, User: k.Key(), Rights: r, Until: k.ExpiresAt, Most: k.Connections}, nil
}
