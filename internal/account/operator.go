package account

import (
	"context"
	"slices"
	"strings"
	"time"
)

// FlowHost runs the hosted flow servers. Its methods do nothing where the flow server already is as they want it.
type FlowHost interface {
	Start(ctx context.Context, f FlowServer) error
	Stop(ctx context.Context, f FlowServer) error
	// Remove stops a flow server and deletes its directory.
	Remove(ctx context.Context, f FlowServer) error
}

// HostFlows says who runs the flow servers; call it before the first request.
func (s *Service) HostFlows(h FlowHost) { s.flowHost = h }

// Standing is an account as the operator sees it.
type Standing struct {
	Account     Account
	Instances   []Instance
	FlowServers int
	Devices     int
	People      []string  // of a team: its owners' e-mails
	Members     int       // of a team
	SeenAt      time.Time // last use by a browser; zero: none is signed in
}

// AccountQuery chooses accounts.
type AccountQuery struct {
	Contains string // part of name, e-mail or id; "" for all
	Skip     int
	Limit    int // 0: 100, at most 1000
}

// Standings is one page of all accounts, oldest first, for who runs the installation, and how many there are.
func (s *Service) Standings(ctx context.Context, by Actor, q AccountQuery) (list []Standing, total int, err error) {
	if !by.owner() {
		return nil, 0, fail(Forbidden, "api.forbidden")
	}
	part := strings.ToLower(q.Contains)
	err = s.view(ctx, func(r Reader) error {
		all, err := r.Accounts()
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(a Account) bool {
			return !strings.Contains(strings.ToLower(a.Title()), part) && !strings.Contains(a.ID, part)
		})
		total = len(all)
		list = nil
		all = all[min(max(q.Skip, 0), total):]
		for _, a := range all[:min(PageSize(q.Limit), len(all))] {
			one, err := standingOf(r, a)
			if err != nil {
				return err
			}
			list = append(list, one)
		}
		return nil
	})
	return list, total, err
}

// Standing is one account with what it has, for who runs the installation.
func (s *Service) Standing(ctx context.Context, by Actor, id string) (one Standing, err error) {
	if !by.owner() {
		return Standing{}, fail(Forbidden, "api.forbidden")
	}
	err = s.view(ctx, func(r Reader) error {
		a, err := accountNamed(r, id)
		if err == nil {
			one, err = standingOf(r, a)
		}
		return err
	})
	return one, err
}

func standingOf(r Reader, a Account) (one Standing, err error) {
	one.Account = a
	if one.Instances, err = r.Instances(a.ID); err != nil {
		return one, err
	}
	things, err := countThings(r, a.ID)
	if err != nil {
		return one, err
	}
	devices, err := r.Devices(a.ID)
	if err != nil {
		return one, err
	}
	one.Devices, one.FlowServers = len(devices), things-len(devices)-len(one.Instances)
	seen, err := r.BrowserSessions(a.ID)
	for _, b := range seen {
		if b.SeenAt.After(one.SeenAt) {
			one.SeenAt = b.SeenAt
		}
	}
	if err != nil || a.Role != RoleTeam {
		return one, err
	}
	people, err := r.Memberships(a.ID, "")
	if one.Members = len(people); err != nil {
		return one, err
	}
	for _, m := range people {
		if m.Role != TeamOwner {
			continue
		}
		p, err := r.Account(m.Person)
		if err != nil {
			return one, err
		}
		one.People = append(one.People, p.Email)
	}
	return one, nil
}

// accountNamed finds an account by its id or a person's e-mail.
func accountNamed(r Reader, name string) (Account, error) {
	a, err := r.Account(name)
	if err != nil && told(err) != err { // not found
		if email, bad := normalEmail(name); bad == nil {
			a, err = r.AccountByEmail(email)
		}
	}
	return a, err
}

// AccountChange is what the operator changes of an account; nil stays as it is.
type AccountChange struct {
	Plan      *string // "" is the default plan
	Instances *int    // how many it may have; 0: as the settings say
}

// ChangeAccount changes what an account may have. What it has already stays.
func (s *Service) ChangeAccount(ctx context.Context, by Actor, id string, c AccountChange) (acc Account, err error) {
	if !by.owner() {
		return Account{}, fail(Forbidden, "api.forbidden")
	}
	if c.Instances != nil && (*c.Instances < 0 || *c.Instances > 1_000_000) {
		return Account{}, invalid("instances", "api.account.instances", "max", 1_000_000)
	}
	if c.Plan != nil {
		if _, ok := findPlan(s.o.Plans, *c.Plan); !ok {
			return Account{}, NoPlan(s.o.Plans)
		}
	}
	err = s.update(ctx, func(tx Tx) error {
		if acc, err = accountNamed(tx, id); err != nil {
			return err
		}
		was, words := acc, ""
		if c.Plan != nil && *c.Plan != acc.Plan {
			words = "plan " + acc.Plan + " → " + *c.Plan + " "
			acc.Plan = *c.Plan
		}
		if c.Instances != nil && *c.Instances != acc.Instances {
			acc.Instances = *c.Instances
			words += "instances"
		}
		if err := s.replace(ctx, tx, was, acc); err != nil {
			return err
		}
		by.Team = acc
		return s.audit(tx, by, "account.change", acc.ID, words)
	})
	return acc, err
}

// Suspend stops everything of an account: its clients are ended and refused with the reason, its flow servers, bridges,
// rules and histories stop, and its people can only look. Nothing is deleted; Resume undoes it.
func (s *Service) Suspend(ctx context.Context, by Actor, id, why string) (acc Account, err error) {
	if why, err = checkText("why", why, 256, false); err != nil {
		return Account{}, err
	}
	return s.stand(ctx, by, id, func(a *Account) (string, error) {
		if a.Role == RoleOwner {
			return "", fail(Conflict, "api.account.host")
		}
		if a.SuspendedAt.IsZero() {
			a.SuspendedAt = s.now()
		}
		a.SuspendedWhy = why
		return "account.suspend", nil
	})
}

// Suspended says whether the account of an instance is suspended, so that nothing of the instance may run.
func Suspended(r Reader, instance string) (bool, error) {
	in, err := r.Instance(instance)
	if err != nil {
		return false, err
	}
	owner, err := r.Account(in.Owner)
	return !owner.SuspendedAt.IsZero(), err
}

// Resume lets an account work again.
func (s *Service) Resume(ctx context.Context, by Actor, id string) (Account, error) {
	return s.stand(ctx, by, id, func(a *Account) (string, error) {
		a.SuspendedAt, a.SuspendedWhy = time.Time{}, ""
		return "account.resume", nil
	})
}

// stand suspends or resumes: the store first, then brokers and flow servers hear of it.
func (s *Service) stand(ctx context.Context, by Actor, id string, change func(*Account) (action string, err error)) (acc Account, err error) {
	if !by.owner() {
		return Account{}, fail(Forbidden, "api.forbidden")
	}
	var flows []FlowServer
	err = s.changeAll(ctx, func(tx Tx) ([]Change, error) {
		if acc, err = accountNamed(tx, id); err != nil {
			return nil, err
		}
		action, err := change(&acc)
		if err != nil {
			return nil, err
		}
		if err := tx.Save(acc); err != nil {
			return nil, err
		}
		instances, err := tx.Instances(acc.ID)
		if err != nil {
			return nil, err
		}
		var news []Change
		for _, in := range instances {
			news = append(news, Change{Instance: in.ID, Suspended: acc.SuspendedWhy, Bridges: true, Hooks: true, History: true})
		}
		if flows, err = tx.FlowServers(acc.ID); err != nil {
			return nil, err
		}
		by.Team = acc
		return news, s.audit(tx, by, action, acc.ID, acc.SuspendedWhy)
	})
	if err != nil {
		return Account{}, err
	}
	if !acc.SuspendedAt.IsZero() {
		s.endOpenOfAll(ctx, acc.ID)
	}
	for _, f := range flows {
		s.flowStands(ctx, f, acc)
	}
	return acc, nil
}

// flowStands starts or stops a flow server as its account stands. What fails is told to the operator's log; the next
// start of the program puts it right.
func (s *Service) flowStands(ctx context.Context, f FlowServer, acc Account) {
	if s.flowHost == nil {
		return
	}
	do := s.flowHost.Start
	if !acc.SuspendedAt.IsZero() {
		do = s.flowHost.Stop
	}
	if err := do(ctx, f); err != nil {
		s.o.Log.Error("flow server doesn't follow its account", "flow_server", f.ID, "suspended", !acc.SuspendedAt.IsZero(), "error", err)
	}
}

// changeAll is change for news about several instances, none of which are about rules or logins.
func (s *Service) changeAll(ctx context.Context, f func(tx Tx) ([]Change, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var news []Change
	hosts := map[string][]HostName{}
	err := s.update(ctx, func(tx Tx) (err error) {
		if news, err = f(tx); err != nil {
			return err
		}
		for _, c := range news {
			if c.HostNames {
				if hosts[c.Instance], err = tx.HostNames(c.Instance); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range news {
		if c.HostNames {
			s.directory.hosts.set(c.Instance, hosts[c.Instance])
		}
		s.directory.apply(c, nil, nil)
		s.tell(c)
	}
	return nil
}
