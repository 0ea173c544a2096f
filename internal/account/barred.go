package account

import (
	"hash/maphash"
	"time"
)

// Barred is why clients may not come from an address.
type Barred struct {
	Ban       bool
	Automatic bool   // a ban that came by itself: who is connected may stay
	Rule      string // the range that decides, or why the ban is
	Cause     string // in words, with what to change
	Until     time.Time
}

func barredBy(rule, addr string) *Barred {
	if rule == "" {
		return &Barred{Rule: "everybody else", Cause: "no address rule of this instance lets clients come from " + addr + ": add one on the addresses page"}
	}
	return &Barred{Rule: rule, Cause: "an address rule of this instance refuses clients from " + addr + ": change it on the addresses page"}
}

// readBarrier reads what an instance has of its own, and its bans by hand.
func readBarrier(r Reader, instance string) (*barrier, []Ban, error) {
	g, err := guardOf(r, instance)
	if err != nil {
		return nil, nil, err
	}
	rules, err := r.AddressRules(instance)
	if err != nil {
		return nil, nil, err
	}
	bans, err := r.Bans(instance)
	return newBarrier(g, rules), bans, err
}

func guardOf(r Reader, instance string) (Guard, error) {
	found, err := r.Guard(instance)
	g, _, err := orPreset(found, err, DefaultGuard(instance))
	return g, err
}

// load reads what all instances have of their own.
func (f *fence) load(r Reader) error {
	guards, err := r.Guards()
	if err != nil {
		return err
	}
	rules, err := r.AddressRules("")
	if err != nil {
		return err
	}
	bans, err := r.Bans("")
	if err != nil {
		return err
	}
	own := map[string]Guard{}
	for _, g := range guards {
		own[g.Instance] = g
	}
	ruled := map[string][]AddressRule{}
	for _, a := range rules {
		ruled[a.Instance] = append(ruled[a.Instance], a)
		if _, ok := own[a.Instance]; !ok {
			own[a.Instance] = DefaultGuard(a.Instance)
		}
	}
	for instance, g := range own {
		f.put(instance, newBarrier(g, ruled[instance]), nil)
	}
	f.bans.add(bans)
	return nil
}

// Barred says why clients may not come to an instance from an address, with or without a port; nil: they may. It costs
// a look into two maps, and one at each rule of the instance. An instance that doesn't exist has bans, too.
func (d *Directory) Barred(instance, remote string) *Barred { return d.fence.barred(instance, remote) }

// TurnedAway counts a connection that a ban refused.
func (d *Directory) TurnedAway(instance, remote string) { d.fence.turnedAway(instance, remote) }

// Paced says whether one more client of an instance may log in now, and how many may in a minute.
func (d *Directory) Paced(instance string) (ok bool, most int) { return d.fence.paced(instance) }

// digest tells wrong logins of one address apart, under a key that ends with the process. A certificate or a token that
// isn't good is no guess of a secret, so that it counts once for a user name.
func (d *Directory) digest(c Credentials, p proof) uint64 {
	var h maphash.Hash
	h.SetSeed(d.seed)
	_, _ = h.WriteString(c.User) // can't fail, as the next
	_ = h.WriteByte(0)
	if p.password || !p.decided && len(c.Certificates) == 0 {
		_, _ = h.WriteString(c.Password)
	}
	return h.Sum64()
}
