package account

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Rules lists the rules of an instance; with user those that name it.
func (s *Service) Rules(ctx context.Context, by Actor, instance, user string) (list []Rule, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		all, err := r.Rules(instance)
		for _, rule := range all {
			if user == "" || rule.User == user {
				list = append(list, rule)
			}
		}
		return err
	})
	return list, err
}

// Rule reads one rule.
func (s *Service) Rule(ctx context.Context, by Actor, instance, id string) (rule Rule, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		rule, err = r.Rule(instance, id)
		return err
	})
	return rule, err
}

// CreateRule adds a rule; it holds at once, for connected clients too. Instance, User, Effect, Access and Filter are
// taken from n.
func (s *Service) CreateRule(ctx context.Context, by Actor, n Rule) (Rule, error) {
	n.ID, n.CreatedAt, n.ExpiresAt = newID(), s.now(), n.ExpiresAt.UTC().Truncate(time.Microsecond)
	if err := checkRule(n); err != nil {
		return Rule{}, err
	}
	note, err := checkText("note", n.Note, 200, true)
	if err != nil {
		return Rule{}, err
	}
	n.Note = note
	err = s.change(ctx, func(tx Tx) (Change, error) {
		have, err := s.rulesOf(tx, by, n.Instance)
		if err != nil {
			return Change{}, err
		}
		if len(have) >= maxRules {
			return Change{}, fail(Limit, "api.rule.limit", "limit", maxRules)
		}
		if err := checkRuleIn(tx, have, n); err != nil {
			return Change{}, err
		}
		if err := tx.Insert(n); err != nil {
			return Change{}, err
		}
		return Change{Instance: n.Instance, Recheck: true}, s.audit(tx, by, "rule.create", n.Instance, n.words())
	})
	return n, err
}

// RuleChange is what changes of a rule; nil stays as it is. Whom it is about doesn't change: make another rule.
type RuleChange struct {
	Effect *Effect
	Access *Access
	Filter *string

	QoSBelow  *int
	NoRetain  *bool
	ExpiresAt *time.Time // zero: never
	Note      *string
}

// ChangeRule changes a rule; it holds at once.
func (s *Service) ChangeRule(ctx context.Context, by Actor, instance, id string, c RuleChange) (rule Rule, err error) {
	err = s.change(ctx, func(tx Tx) (Change, error) {
		have, err := s.rulesOf(tx, by, instance)
		if err != nil {
			return Change{}, err
		}
		if rule, err = tx.Rule(instance, id); err != nil {
			return Change{}, err
		}
		was := rule
		if c.Effect != nil {
			rule.Effect = *c.Effect
		}
		if c.Access != nil {
			rule.Access = *c.Access
		}
		set(&rule.Filter, c.Filter)
		set(&rule.QoSBelow, c.QoSBelow)
		set(&rule.NoRetain, c.NoRetain)
		if c.ExpiresAt != nil {
			rule.ExpiresAt = c.ExpiresAt.UTC().Truncate(time.Microsecond)
		}
		if c.Note != nil {
			if rule.Note, err = checkText("note", *c.Note, 200, true); err != nil {
				return Change{}, err
			}
		}
		if err := checkRule(rule); err != nil {
			return Change{}, err
		}
		if err := checkRuleIn(tx, have, rule); err != nil {
			return Change{}, err
		}
		if err := s.replace(ctx, tx, was, rule); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Recheck: true}, s.audit(tx, by, "rule.change", instance, was.words()+" → "+rule.words())
	})
	return rule, err
}

// DeleteRule deletes a rule; that holds at once.
func (s *Service) DeleteRule(ctx context.Context, by Actor, instance, id string) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		rule, err := tx.Rule(instance, id)
		if err != nil {
			return Change{}, err
		}
		if err := s.remove(ctx, tx, rule); err != nil {
			return Change{}, err
		}
		return Change{Instance: instance, Recheck: true}, s.audit(tx, by, "rule.delete", instance, rule.words())
	})
}

func (s *Service) rulesOf(r Reader, by Actor, instance string) ([]Rule, error) {
	if _, err := instanceOf(r, by, instance); err != nil {
		return nil, err
	}
	return r.Rules(instance)
}

// checkRuleIn wants the user to exist and no rule twice.
func checkRuleIn(r Reader, have []Rule, n Rule) error {
	if n.User != "" {
		if _, err := r.User(n.Instance, n.User); errors.Is(err, ErrNotFound) {
			return invalid("user", "api.rule.user", "name", n.User)
		} else if err != nil {
			return err
		}
	}
	for _, h := range have {
		if h.ID != n.ID && h.User == n.User && h.Effect == n.Effect && h.Access == n.Access && h.Filter == n.Filter {
			return fail(Conflict, "api.rule.twice")
		}
	}
	return nil
}

// words are how a rule is told in logs: "deny publish secret/#", with "for <user>" where it names one.
func (r Rule) words() string {
	access := string(r.Access)
	if r.Access == Both {
		access = "publish and subscribe"
	}
	w := fmt.Sprintf("%s %s %s", r.Effect, access, r.Filter)
	if r.User != "" {
		w += " for " + r.User
	}
	if r.QoSBelow > 0 {
		w += fmt.Sprintf(", QoS %d at most", r.QoSBelow-1)
	}
	if r.NoRetain {
		w += ", nothing retained"
	}
	return w
}
