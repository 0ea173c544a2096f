package account

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"tsunagi/internal/roster"
)

// importClearMax bounds the passwords that one import hashes: each takes up to a tenth of a second.
const importClearMax = 200

// ImportWish says how an import is to be done.
type ImportWish struct {
	DryRun       bool // only tell what would happen
	KeepExisting bool // users that are there already stay as they are, instead of being faults
	SkipFaults   bool // take the rest where lines can't be taken
}

// ImportReport is what an import did or would do.
type ImportReport struct {
	Applied   bool
	Users     []ImportedUser // new ones, in the order of the files
	Kept      int            // users that were there and stay
	Rules     []Rule         // new ones
	Same      int            // rules that were there already
	Faults    roster.Remarks
	Notes     roster.Remarks
	Generated map[string]string // new passwords by user name, told once; empty in a dry run
}

// ImportedUser is one new user.
type ImportedUser struct {
	Name     string
	Connect  bool
	Password string // whence it comes: "hash", "given" or "generated"
}

// importPlan is a report with the rows behind it.
type importPlan struct {
	ImportReport
	users []importUser
}

type importUser struct {
	row   User
	clear string // to be hashed
}

// Import makes users and rules of an instance from what was read elsewhere: all that is asked for in one transaction,
// or nothing. Connected clients stay; the rules hold at once.
func (s *Service) Import(ctx context.Context, by Actor, instance string, from *roster.Roster, wish ImportWish) (ImportReport, error) {
	var plan *importPlan
	err := s.view(ctx, func(r Reader) (err error) {
		plan, err = s.planImport(r, by, instance, from, wish)
		return err
	})
	if err != nil {
		return ImportReport{}, err
	}
	if wish.DryRun || plan.Faults.Total > 0 && !wish.SkipFaults {
		return plan.ImportReport, nil
	}
	hashes := map[string][]byte{} // by name; made before the transaction, for they take long
	for _, u := range plan.users {
		if u.clear == "" {
			continue
		}
		phc, err := s.people.hash(ctx, u.clear)
		if err != nil {
			return ImportReport{}, err
		}
		hashes[u.row.Name] = []byte(phc)
	}
	err = s.change(ctx, func(tx Tx) (Change, error) {
		if plan, err = s.planImport(tx, by, instance, from, wish); err != nil {
			return Change{}, err
		}
		if plan.Faults.Total > 0 && !wish.SkipFaults { // changed meanwhile
			return Change{}, nil
		}
		if err := s.insertImport(tx, plan, hashes); err != nil {
			return Change{}, err
		}
		plan.Applied = true
		return Change{Instance: instance, Recheck: true}, s.audit(tx, by, "users.import", instance, importWords(plan))
	})
	if err != nil {
		return ImportReport{}, err
	}
	return plan.ImportReport, nil
}

func (s *Service) insertImport(tx Tx, plan *importPlan, hashes map[string][]byte) error {
	plan.Generated = map[string]string{}
	now := s.now()
	for _, u := range plan.users {
		row := u.row
		row.CreatedAt = now
		switch {
		case u.clear != "":
			row.Kind, row.Secret = SecretChosen, hashes[row.Name]
			if row.Secret == nil { // a user that was there has been deleted meanwhile
				return fail(Conflict, "api.import.again")
			}
		case row.Kind == "":
			password := newPassword()
			row.Kind, row.Secret = SecretGenerated, s.o.Keys.hashGenerated(row.Instance, row.Name, password)
			plan.Generated[row.Name] = password
		}
		if err := tx.Insert(row); err != nil {
			return err
		}
	}
	for i := range plan.Rules {
		plan.Rules[i].ID, plan.Rules[i].CreatedAt = newID(), now
		if err := tx.Insert(plan.Rules[i]); err != nil {
			return err
		}
	}
	return nil
}

// planImport judges every line against the instance as it is.
func (s *Service) planImport(r Reader, by Actor, instance string, from *roster.Roster, wish ImportWish) (*importPlan, error) {
	in, err := instanceOf(r, by, instance)
	if err != nil {
		return nil, err
	}
	plan := &importPlan{}
	plan.Faults, plan.Notes = from.Faults, from.Notes
	plan.Faults.List = append([]roster.Remark(nil), from.Faults.List...)
	known := map[string]bool{}
	if err := s.planUsers(r, in, from.Users, wish, plan, known); err != nil {
		return nil, err
	}
	return plan, planRules(r, in, from.Rules, plan, known)
}

func (s *Service) planUsers(r Reader, in Instance, from []roster.User, wish ImportWish, plan *importPlan, known map[string]bool) error {
	have, err := r.CountUsers(UserQuery{Instance: in.ID})
	if err != nil {
		return err
	}
	limits, clear := s.Plan(in.Plan), 0
	for _, u := range from {
		if known[u.Name] {
			plan.Faults.Add(u.Place, "api.import.twice", "name", clip(u.Name))
			continue
		}
		_, err := r.User(in.ID, u.Name)
		if err == nil {
			if known[u.Name] = true; wish.KeepExisting {
				plan.Kept++
			} else {
				plan.Faults.Add(u.Place, "api.user.taken", "name", clip(u.Name))
			}
			continue
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		one, how, err := importedUser(in.ID, u)
		if err == nil && one.clear != "" {
			if clear++; clear > importClearMax {
				err = invalid("", "api.import.many", "limit", importClearMax)
			}
		}
		if err == nil && limits.Users > 0 && have+len(plan.users) >= limits.Users {
			err = fail(Limit, "api.user.limit", "limit", limits.Users, "plan", limits.Name)
		}
		if fault, ok := errors.AsType[*Error](err); ok {
			plan.Faults.Add(u.Place, fault.Key, fault.Args...)
			continue
		}
		known[u.Name] = true
		plan.users = append(plan.users, one)
		plan.Users = append(plan.Users, ImportedUser{u.Name, u.Connect, how})
	}
	return nil
}

// importedUser is the row of a user; its faults are *Error.
func importedUser(instance string, u roster.User) (one importUser, how string, err error) {
	if err := checkUserName(u.Name); err != nil {
		return one, "", err
	}
	one.row = User{Instance: instance, Name: u.Name, Connect: u.Connect}
	if one.row.Note, err = checkText("note", u.Note, 200, true); err != nil {
		return one, "", err
	}
	if one.row.ClientID, one.row.ExpiresAt, err = checkBounds(u.ClientID, u.ExpiresAt); err != nil {
		return one, "", err
	}
	switch {
	case u.Hash != "":
		kind, ok := takeHash(u.Hash)
		if !ok {
			return one, "", invalid("", "api.import.hash")
		}
		one.row.Kind, one.row.Secret = kind, []byte(u.Hash)
		return one, "hash", nil
	case u.Password != "":
		if utf8.RuneCountInString(u.Password) < 8 || len(u.Password) > 256 || !utf8.ValidString(u.Password) {
			return one, "", invalid("", "api.password.length", "min", 8)
		}
		one.clear = u.Password
		return one, "given", nil
	}
	return one, "generated", nil
}

type ruleKey struct {
	user, filter string
	effect       Effect
	access       Access
}

func planRules(r Reader, in Instance, from []roster.Rule, plan *importPlan, known map[string]bool) error {
	rules, err := r.Rules(in.ID)
	if err != nil {
		return err
	}
	have := map[ruleKey]bool{}
	for _, n := range rules {
		have[ruleKey{n.User, n.Filter, n.Effect, n.Access}] = true
	}
	for _, line := range from {
		n := Rule{Instance: in.ID, User: line.User, Effect: Effect(line.Effect), Access: Access(line.Access), Filter: line.Filter,
			QoSBelow: line.QoSBelow, NoRetain: line.NoRetain, ExpiresAt: line.ExpiresAt.UTC().Truncate(time.Microsecond)}
		key := ruleKey{n.User, n.Filter, n.Effect, n.Access}
		if have[key] {
			plan.Same++
			continue
		}
		err := checkRule(n)
		if err == nil && n.User != "" && !known[n.User] {
			if err = checkRuleIn(r, nil, n); err == nil {
				known[n.User] = true
			}
		}
		if err == nil && len(rules)+len(plan.Rules) >= maxRules {
			err = fail(Limit, "api.rule.limit", "limit", maxRules)
		}
		if fault, ok := errors.AsType[*Error](err); ok {
			plan.Faults.Add(line.Place, fault.Key, fault.Args...)
			continue
		}
		if err != nil {
			return err
		}
		have[key] = true
		plan.Rules = append(plan.Rules, n)
	}
	return nil
}

// importWords tell the audit.
func importWords(p *importPlan) string {
	return fmt.Sprintf("%d users, %d rules, %d lines left out", len(p.Users), len(p.Rules), p.Faults.Total)
}
