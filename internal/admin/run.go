package admin

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

func row(words ...any) string {
	parts := make([]string, len(words))
	for i, w := range words {
		if t, ok := w.(time.Time); ok {
			w = t.Format(time.RFC3339)
		}
		parts[i] = fmt.Sprint(w)
	}
	return strings.Join(parts, "\t")
}

func createAccount(k *call) error {
	email, err := k.needed("email")
	if err != nil {
		return err
	}
	password, err := k.password()
	if err != nil {
		return err
	}
	var a accountShape
	if err := k.client.call(k.ctx, http.MethodPost, "/accounts", newAccount{email, password, k.text("role"), k.text("plan")}, &a); err != nil {
		return err
	}
	rows := []string{row("account", a.ID), row("e-mail", a.Email), row("role", a.Role)}
	if a.Password != "" {
		rows = append(rows, row("password", a.Password))
	}
	return k.print(a, rows...)
}

func listAccounts(k *call) error {
	var list []accountShape
	if err := k.client.call(k.ctx, http.MethodGet, "/accounts", nil, &list); err != nil {
		return err
	}
	rows := []string{row("ID", "E-MAIL OR TEAM", "ROLE", "PLAN", "CREATED", "SUSPENDED")}
	for _, a := range list {
		rows = append(rows, row(a.ID, a.Email+a.Name, a.Role, a.Plan, a.CreatedAt, a.Suspended))
	}
	return k.print(list, rows...)
}

func createInstance(k *call) error {
	name, err := k.needed("name")
	if err != nil {
		return err
	}
	var i instanceShape
	if err := k.client.call(k.ctx, http.MethodPost, "/instances", newInstance{name, k.text("owner"), k.text("region"), k.text("plan")}, &i); err != nil {
		return err
	}
	return k.print(i, row("instance", i.ID), row("name", i.Name), row("plan", i.Plan), row("region", i.Region), row("user", i.User), row("password", i.Password))
}

func listInstances(k *call) error {
	var list []instanceShape
	if err := k.client.call(k.ctx, http.MethodGet, "/instances", nil, &list); err != nil {
		return err
	}
	rows := []string{row("ID", "NAME", "PLAN", "REGION", "OWNER", "CREATED")}
	for _, i := range list {
		rows = append(rows, row(i.ID, i.Name, i.Plan, i.Region, i.Owner, i.CreatedAt))
	}
	return k.print(list, rows...)
}

func instancePassword(k *call) error {
	var i instanceShape
	if err := k.client.call(k.ctx, http.MethodPost, path("instances", k.args[0], "password"), passwordWish{k.on("rotate")}, &i); err != nil {
		return err
	}
	return k.print(i, i.Password)
}

func deleteInstance(k *call) error {
	return k.client.call(k.ctx, http.MethodDelete, path("instances", k.args[0]), nil, nil)
}

func createUser(k *call) error {
	password, err := k.password()
	if err != nil {
		return err
	}
	var u userShape
	in := newUser{Name: k.args[1], Password: password, Note: k.text("note"), Connect: !k.on("no-connect")}
	if err := k.client.call(k.ctx, http.MethodPost, path("instances", k.args[0], "users"), in, &u); err != nil {
		return err
	}
	return k.printUser(u)
}

func (k *call) printUser(u userShape) error {
	rows := []string{row("user", u.Name), row("may connect", u.Connect)}
	if u.Password != "" {
		rows = append(rows, row("password", u.Password))
	}
	return k.print(u, rows...)
}

func listUsers(k *call) error {
	var list []userShape
	if err := k.client.call(k.ctx, http.MethodGet, path("instances", k.args[0], "users"), nil, &list); err != nil {
		return err
	}
	rows := []string{row("NAME", "MAY CONNECT", "FIRST", "CREATED", "NOTE")}
	for _, u := range list {
		rows = append(rows, row(u.Name, u.Connect, u.First, u.CreatedAt, u.Note))
	}
	return k.print(list, rows...)
}

func setUser(k *call) error {
	password, err := k.password()
	if err != nil {
		return err
	}
	in := userChange{Rotate: k.on("rotate")}
	if password != "" {
		in.Password = &password
	}
	if k.flags.Changed("connect") {
		in.Connect = new(k.on("connect"))
	}
	if k.flags.Changed("note") {
		in.Note = new(k.text("note"))
	}
	if in == (userChange{}) {
		return &usageError{"nothing to change: want --password-stdin, --rotate, --connect or --note"}
	}
	var u userShape
	if err := k.client.call(k.ctx, http.MethodPatch, path("instances", k.args[0], "users", k.args[1]), in, &u); err != nil {
		return err
	}
	return k.printUser(u)
}

func deleteUser(k *call) error {
	return k.client.call(k.ctx, http.MethodDelete, path("instances", k.args[0], "users", k.args[1]), nil, nil)
}

func createRule(k *call) error {
	var r ruleShape
	in := newRule{User: k.text("user"), Effect: k.args[1], Access: k.args[2], Filter: k.args[3]}
	if err := k.client.call(k.ctx, http.MethodPost, path("instances", k.args[0], "rules"), in, &r); err != nil {
		return err
	}
	return k.print(r, row("rule", r.ID))
}

func listRules(k *call) error {
	var list []ruleShape
	if err := k.client.call(k.ctx, http.MethodGet, path("instances", k.args[0], "rules"), nil, &list); err != nil {
		return err
	}
	rows := []string{row("ID", "USER", "EFFECT", "ACCESS", "FILTER")}
	for _, r := range list {
		user := r.User
		if user == "" {
			user = "(all)"
		}
		rows = append(rows, row(r.ID, user, r.Effect, r.Access, r.Filter))
	}
	return k.print(list, rows...)
}

func deleteRule(k *call) error {
	return k.client.call(k.ctx, http.MethodDelete, path("instances", k.args[0], "rules", k.args[1]), nil, nil)
}
