package account

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// Times and bounds of host names.
const (
	maxHostName      = 253 - len(proofHead) // bytes: the record of the proof is a name, too
	hostLookTime     = 10 * time.Second     // for all look-ups of one check
	hostLooks        = 8                    // checks at once
	hostCheckAgain   = 24 * time.Hour       // between two looks at a proven name
	hostGrace        = 7 * 24 * time.Hour   // a proven name lapses when its record has been missing for so long
	maxSeen          = 5
	maxSeenAddresses = 10
)

// HostNames lists an instance's own names, proven or not, oldest first.
func (s *Service) HostNames(ctx context.Context, by Actor, instance string) (list []HostName, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		list, err = r.HostNames(instance)
		return err
	})
	return list, err
}

// AddHostName notes that an instance is to be reached by a name. It leads nowhere until CheckHostName has seen its proof.
func (s *Service) AddHostName(ctx context.Context, by Actor, instance, name string) (h HostName, err error) {
	if name, err = s.hostName(name); err != nil {
		return HostName{}, err
	}
	h = HostName{Instance: instance, Name: name, Token: newID(), CreatedAt: s.now()}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		in, err := instanceOf(tx, by, instance)
		if err != nil {
			return Change{}, err
		}
		plan := s.Plan(in.Plan)
		if plan.HostNames == 0 || s.o.Names == nil {
			return Change{}, fail(Limit, "api.host.off", "plan", plan.Name)
		}
		have, err := tx.HostNames(instance)
		if err != nil {
			return Change{}, err
		}
		if len(have) >= plan.HostNames {
			return Change{}, fail(Limit, "api.host.limit", "limit", plan.HostNames, "plan", plan.Name)
		}
		if err := tx.Insert(h); errors.Is(err, ErrExists) {
			return Change{}, &Error{Code: Conflict, Key: "api.host.twice", Field: "name"}
		} else if err != nil {
			return Change{}, err
		}
		return Change{}, s.audit(tx, by, "host_name.add", instance, name)
	})
	if err != nil {
		return HostName{}, err
	}
	return h, nil
}

// hostName brings a name into the form in which TLS tells it, and refuses what can't be anybody's own.
func (s *Service) hostName(text string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(text), "."))
	if ascii, err := idna.Lookup.ToASCII(name); err == nil {
		name = ascii
	}
	labels := strings.Split(name, ".")
	bad := len(name) > maxHostName || len(labels) < 2 || slices.ContainsFunc(labels, func(l string) bool { return !dnsLabel(l) }) ||
		strings.Trim(labels[len(labels)-1], "0123456789") == "" || labels[len(labels)-1] == "localhost"
	if bad {
		return "", invalid("name", "api.host.name")
	}
	domain := strings.ToLower(s.o.Domain)
	if name == domain || domain != "" && strings.HasSuffix(name, "."+domain) || slices.ContainsFunc(s.o.OwnNames, func(n string) bool { return strings.EqualFold(n, name) }) {
		return "", invalid("name", "api.host.ours", "domain", s.o.Domain)
	}
	return name, nil
}

// dnsLabel says whether a text is a label of a host name.
func dnsLabel(l string) bool {
	if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	return !strings.ContainsFunc(l, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
}

// RemoveHostName takes a name back. It leads to the instance no more; connections that came by it go on.
func (s *Service) RemoveHostName(ctx context.Context, by Actor, instance, name string) error {
	return s.changeAll(ctx, func(tx Tx) ([]Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return nil, err
		}
		h, err := tx.HostName(instance, name)
		if err != nil {
			return nil, err
		}
		if err := tx.Delete(h); err != nil {
			return nil, err
		}
		return []Change{{Instance: instance, HostNames: true}}, s.audit(tx, by, "host_name.remove", instance, name)
	})
}

// CheckHostName looks at the records of a name. Where its proof is there, the name leads to the instance from now on. An
// instance that had the name before and whose own proof is there no more loses it; one whose proof stands keeps it.
func (s *Service) CheckHostName(ctx context.Context, by Actor, instance, name string) (c HostNameCheck, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		c.HostName, err = r.HostName(instance, name)
		return err
	})
	if err != nil {
		return HostNameCheck{}, err
	}
	select {
	case s.looks <- struct{}{}:
		defer func() { <-s.looks }()
	default:
		return HostNameCheck{}, &Error{Code: RateLimited, Key: "api.host.busy", Wait: 5 * time.Second}
	}
	found, known := s.look(ctx, &c)
	if !known {
		return c, nil
	}
	err = s.changeAll(ctx, func(tx Tx) (news []Change, err error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return nil, err
		}
		news, c.HostName, c.Record, err = s.settle(tx, by, instance, name, found)
		return news, err
	})
	if err == nil && c.Record == ProofMissing && len(found) > 0 {
		c.Record = ProofOther
	}
	return c, err
}

// look asks the name servers; known is false when they don't say which TXT records there are.
func (s *Service) look(ctx context.Context, c *HostNameCheck) (found []string, known bool) {
	ctx, cancel := context.WithTimeout(ctx, hostLookTime)
	defer cancel()
	c.Points, c.Addresses = s.points(ctx, c.Name)
	record, _ := c.Proof()
	found, err := s.o.Names.TXT(ctx, record)
	if err != nil {
		c.Record = ProofUnknown
		return nil, false
	}
	for _, text := range found[:min(len(found), maxSeen)] {
		c.Seen = append(c.Seen, clipTo(text, 100))
	}
	return found, true
}

// points says whether a name has an address of the server's own name.
func (s *Service) points(ctx context.Context, name string) (Pointing, []string) {
	theirs, err := s.o.Names.Addresses(ctx, name)
	if err != nil {
		return PointsUnknown, nil
	}
	theirs = theirs[:min(len(theirs), maxSeenAddresses)]
	if len(theirs) == 0 {
		return PointsNowhere, nil
	}
	ours, err := s.OwnAddresses(ctx)
	switch {
	case err != nil || len(ours) == 0:
		return PointsUnknown, theirs
	case slices.ContainsFunc(theirs, func(a string) bool { return slices.Contains(ours, a) }):
		return PointsHere, theirs
	}
	return PointsAway, theirs
}

// OwnAddresses are those of the server's own name, to which customers' names must lead.
func (s *Service) OwnAddresses(ctx context.Context) ([]string, error) {
	if s.o.Names == nil || s.o.Domain == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, hostLookTime)
	defer cancel()
	return s.o.Names.Addresses(ctx, s.o.Domain)
}

// settle writes down what the TXT records at a name say about an instance's claim to it.
func (s *Service) settle(tx Tx, by Actor, instance, name string, found []string) (news []Change, h HostName, record HostProof, err error) {
	if h, err = tx.HostName(instance, name); err != nil {
		return nil, h, "", err
	}
	h.CheckedAt, record = s.now(), ProofFound
	if _, value := h.Proof(); !among(found, value) {
		news, err := s.missing(tx, &h)
		return news, h, ProofMissing, err
	}
	h.FailingAt = time.Time{}
	if h.ProvenAt.IsZero() {
		claims, err := tx.HostNameClaims(name)
		if err != nil {
			return nil, h, "", err
		}
		for _, other := range claims {
			if other.Instance == instance || other.ProvenAt.IsZero() {
				continue
			}
			if _, value := other.Proof(); among(found, value) {
				return nil, h, ProofTaken, tx.Save(h)
			}
			if err := s.lapse(tx, &other); err != nil {
				return nil, h, "", err
			}
			news = append(news, Change{Instance: other.Instance, HostNames: true})
		}
		h.ProvenAt = h.CheckedAt
		news = append(news, Change{Instance: instance, HostNames: true})
		if err := s.audit(tx, by, "host_name.prove", instance, name); err != nil {
			return nil, h, "", err
		}
	}
	return news, h, record, tx.Save(h)
}

// among says whether a value is one of some TXT records. Some providers' forms keep the quotes that people type.
func among(found []string, value string) bool {
	return slices.ContainsFunc(found, func(f string) bool { return strings.Trim(f, "\" ") == value })
}

// missing notes that a proof isn't there; a name that leads to the instance goes on doing so for a while.
func (s *Service) missing(tx Tx, h *HostName) ([]Change, error) {
	if h.ProvenAt.IsZero() {
		return nil, tx.Save(*h)
	}
	if h.FailingAt.IsZero() {
		h.FailingAt = h.CheckedAt
	}
	if h.CheckedAt.Sub(h.FailingAt) < hostGrace {
		return nil, tx.Save(*h)
	}
	return []Change{{Instance: h.Instance, HostNames: true}}, s.lapse(tx, h)
}

// lapse takes a name from an instance whose proof is gone.
func (s *Service) lapse(tx Tx, h *HostName) error {
	in, err := tx.Instance(h.Instance)
	if err != nil {
		return err
	}
	h.ProvenAt, h.FailingAt, h.CheckedAt = time.Time{}, time.Time{}, s.now()
	by := Actor{Team: Account{ID: in.Owner}, Via: "server"}
	return errors.Join(tx.Save(*h), s.audit(tx, by, "host_name.lapse", h.Instance, h.Name))
}

// RecheckHostNames looks again at the proven names whose last look is a day old. It ends with ctx.
func (s *Service) RecheckHostNames(ctx context.Context) error {
	if s.o.Names == nil {
		return nil
	}
	var all []HostName
	err := s.view(ctx, func(r Reader) (err error) {
		all, err = r.HostNames("")
		return err
	})
	for _, h := range all {
		if err != nil || ctx.Err() != nil {
			break
		}
		if !h.ProvenAt.IsZero() && s.now().Sub(h.CheckedAt) >= hostCheckAgain {
			err = s.recheck(ctx, h)
		}
	}
	return err
}

func (s *Service) recheck(ctx context.Context, h HostName) error {
	looking, cancel := context.WithTimeout(ctx, hostLookTime)
	defer cancel()
	record, _ := h.Proof()
	found, err := s.o.Names.TXT(looking, record)
	if err != nil {
		return nil // no answer says nothing; it is asked again
	}
	err = s.changeAll(ctx, func(tx Tx) (news []Change, err error) {
		news, _, _, err = s.settle(tx, Actor{Via: "server"}, h.Instance, h.Name, found)
		return news, err
	})
	if e, ok := errors.AsType[*Error](err); ok && e.Code == NotFound { // removed meanwhile
		return nil
	}
	return err
}
