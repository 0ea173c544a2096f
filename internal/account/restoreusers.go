package account

func (w *restoring) judgeUsers(from []PortableUser) error {
	plan, seen, now := w.s.Plan(w.in.Plan), map[string]bool{w.in.ID: true}, w.s.now()
	err := entries(w, SourceUsers, from, func(_ int, u PortableUser) error {
		row := User{Instance: w.in.ID, Name: u.Name, Connect: u.Connect, CreatedAt: now}
		err := checkUserName(u.Name)
		if err == nil && seen[u.Name] {
			err = fail(Conflict, "api.import.twice", "name", clip(u.Name))
		}
		if err == nil {
			row.Note, err = checkText("note", u.Note, 200, true)
		}
		if err == nil {
			row.ClientID, row.ExpiresAt, err = checkBounds(u.ClientID, never(u.ExpiresAt))
		}
		if err == nil {
			row.Kind, row.Secret, err = w.secret(u.Hash)
		}
		if err == nil && plan.Users > 0 && len(w.users)+1 >= plan.Users {
			err = fail(Limit, "api.user.limit", "limit", plan.Users, "plan", plan.Name)
		}
		if err != nil {
			return err
		}
		seen[u.Name] = true
		w.users = append(w.users, row)
		return nil
	})
	if w.Users = len(w.users); w.generate > 0 {
		w.note("api.restore.generated", "count", w.generate)
	}
	return err
}

// secret is how a hash is kept; kind "" asks for a new password.
func (w *restoring) secret(hash string) (SecretKind, []byte, error) {
	if server, _, _, ok := parseGenerated(hash); ok && server == w.s.o.Keys.Server() {
		return SecretImported, []byte(hash), nil
	} else if ok || hash == "" {
		w.generate++
		return "", nil, nil
	}
	kind, ok := takeHash(hash)
	if !ok {
		return "", nil, invalid("", "api.import.hash")
	}
	return kind, []byte(hash), nil
}

func (w *restoring) judgeRules() error {
	names := map[string]bool{"": true, w.in.ID: true}
	for _, u := range w.users {
		names[u.Name] = true
	}
	seen := map[ruleKey]bool{}
	return entries(w, SourceInstance, w.from.Rules, func(i int, p PortableRule) error {
		if p.User == w.from.Instance && p.User != "" {
			p.User = w.in.ID // the first user's
		}
		n := Rule{Instance: w.in.ID, ID: newID(), User: p.User, Effect: p.Effect, Access: p.Access, Filter: p.Filter, QoSBelow: p.QoSBelow, NoRetain: p.NoRetain,
			ExpiresAt: never(p.ExpiresAt), CreatedAt: w.at(i)}
		key := ruleKey{n.User, n.Filter, n.Effect, n.Access}
		err := checkRule(n)
		if err == nil {
			n.Note, err = checkText("note", p.Note, 200, true)
		}
		switch {
		case err != nil:
			return err
		case !names[n.User]:
			return invalid("user", "api.rule.user", "name", clip(n.User))
		case seen[key]:
			return fail(Conflict, "api.rule.twice")
		case i >= maxRules:
			return fail(Limit, "api.rule.limit", "limit", maxRules)
		}
		seen[key] = true
		w.rows = append(w.rows, n)
		w.Rules++
		return nil
	})
}
