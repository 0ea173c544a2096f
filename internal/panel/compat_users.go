package panel

import (
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"tsunagi/internal/account"
)

type compatName struct {
	Username string `json:"username"`
}

func (p *Panel) compatUsers(c *compatCall) (any, error) {
	skip, limit, err := c.page()
	if err != nil {
		return nil, err
	}
	list, err := p.o.Accounts.Users(c.ctx, c.by, account.UserQuery{Instance: c.instance.ID, Prefix: c.r.URL.Query().Get("query"), Skip: skip, Limit: limit})
	return shown(list.Users, func(u account.User) compatName { return compatName{u.Name} }), err
}

type compatGrant struct {
	Topic string `json:"topic"`
	Read  bool   `json:"read"`
	Write bool   `json:"write"`
}

type compatUserBody struct {
	Username string        `json:"username"`
	ACLs     []compatGrant `json:"acls" nullable:"false"`
}

func (p *Panel) compatUser(c *compatCall) (any, error) {
	name := c.r.PathValue("name")
	u, _, err := p.o.Accounts.User(c.ctx, c.by, c.instance.ID, name)
	if err != nil {
		return nil, err
	}
	rules, err := p.o.Accounts.Rules(c.ctx, c.by, c.instance.ID, name)
	out := compatUserBody{u.Name, []compatGrant{}}
	if u.First {
		out.ACLs = append(out.ACLs, compatGrant{"#", true, true})
	}
	for _, r := range rules {
		shown := showCompatRule(r)
		out.ACLs = append(out.ACLs, compatGrant{r.Filter, shown.Read, shown.Write})
	}
	return out, err
}

func (p *Panel) compatCreateUser(c *compatCall) (any, error) {
	name, err := c.text("username")
	if err != nil {
		return nil, err
	}
	password, err := c.text("password")
	if err != nil {
		return nil, err
	}
	if password == "" { // one that is generated could not be told: the answer has no body
		return nil, &account.Error{Code: account.Invalid, Key: "api.password.length", Args: []any{"min", 8}, Field: "password"}
	}
	_, _, err = p.o.Accounts.CreateUser(c.ctx, c.by, c.instance.ID, account.NewUser{Name: name, Password: password, Connect: true})
	return nil, err
}

// compatChangeUser takes the user's name from the path or from the body.
func (p *Panel) compatChangeUser(c *compatCall) (any, error) {
	name := c.r.PathValue("name")
	var err error
	if name == "" {
		if name, err = c.text("username"); err != nil {
			return nil, err
		}
	}
	password, err := c.text("password")
	if err != nil {
		return nil, err
	}
	_, _, err = p.o.Accounts.ChangeUser(c.ctx, c.by, c.instance.ID, name, account.UserChange{Password: &password})
	return nil, err
}

func (p *Panel) compatDeleteUser(c *compatCall) (any, error) {
	return nil, p.o.Accounts.DeleteUser(c.ctx, c.by, c.instance.ID, c.r.PathValue("name"))
}

// compatRule is a rule in CloudMQTT's words. A deny rule grants nothing there; effect and access tell what it is here.
type compatRule struct {
	Type     string  `json:"type"` // topic: of one user; pattern: of all, with %u and %c
	Username *string `json:"username"`
	User     *string `json:"user"` // as Username
	Pattern  string  `json:"pattern"`
	Topic    string  `json:"topic"` // as Pattern
	Read     bool    `json:"read"`
	Write    bool    `json:"write"`
	Effect   string  `json:"effect"`
	Access   string  `json:"access"`
}

func showCompatRule(r account.Rule) compatRule {
	out := compatRule{Type: "pattern", Pattern: r.Filter, Topic: r.Filter, Effect: string(r.Effect), Access: string(r.Access)}
	if r.User != "" {
		out.Type, out.Username, out.User = "topic", &r.User, &r.User
	}
	if r.Effect == account.Allow {
		out.Read, out.Write = r.Access != account.Publish, r.Access != account.Subscribe
	}
	return out
}

// compatItem is a rule in the other form that CloudMQTT's API had. A library for it fails at fields that it doesn't
// know, and takes the id for a number of 31 bits.
type compatItem struct {
	ID      uint32  `json:"id"`
	Type    string  `json:"type"`
	User    *string `json:"user"`
	Pattern string  `json:"pattern"`
	Read    bool    `json:"read"`
	Write   bool    `json:"write"`
}

func showCompatItem(r account.Rule) compatItem {
	h := fnv.New32a()
	_, _ = h.Write([]byte(r.ID)) // never fails
	rule := showCompatRule(r)
	return compatItem{max(h.Sum32()>>1, 1), rule.Type, rule.User, rule.Pattern, rule.Read, rule.Write}
}

// compatRules answers a bare list, or {"items": […]} to clients that ask for version 1 in the header Api-Version.
func (p *Panel) compatRules(c *compatCall) (any, error) {
	rules, err := p.o.Accounts.Rules(c.ctx, c.by, c.instance.ID, "")
	if err != nil {
		return nil, err
	}
	beginning := c.r.URL.Query().Get("query")
	rules = slices.DeleteFunc(rules, func(r account.Rule) bool { return !strings.HasPrefix(r.User, beginning) })
	if rules, err = cut(c, rules); err != nil {
		return nil, err
	}
	if c.r.Header.Get("Api-Version") == "1" {
		return compatItems{shown(rules, showCompatItem)}, nil
	}
	return shown(rules, showCompatRule), nil
}

// compatItems is the other form of a list of rules.
type compatItems struct {
	Items []compatItem `json:"items" nullable:"false"`
}

// ruleWish is whom and which filter a request about a rule names.
func (c *compatCall) ruleWish() (user, filter string, err error) {
	kind, err := c.text("type")
	if err != nil {
		return "", "", err
	}
	if user, err = c.text("username"); err == nil && user == "" {
		user, err = c.text("user")
	}
	if err != nil {
		return "", "", err
	}
	if filter, err = c.text("pattern"); err == nil && filter == "" {
		filter, err = c.text("topic")
	}
	switch {
	case err != nil:
		return "", "", err
	case kind == "pattern" && user != "", kind == "topic" && user == "", kind != "" && kind != "topic" && kind != "pattern":
		return "", "", &account.Error{Code: account.Invalid, Key: "api.compat.type", Field: "type"}
	}
	return user, filter, nil
}

// compatCreateRule makes an allow rule, or gives the one of that user and filter another access.
func (p *Panel) compatCreateRule(c *compatCall) (any, error) {
	user, filter, err := c.ruleWish()
	if err != nil {
		return nil, err
	}
	access, _, err := c.access()
	if err != nil {
		return nil, err
	}
	if access == "" {
		return nil, &account.Error{Code: account.Invalid, Key: "api.compat.access", Field: "read"}
	}
	have, err := p.o.Accounts.Rules(c.ctx, c.by, c.instance.ID, "")
	if err != nil {
		return nil, err
	}
	for _, r := range have {
		if r.User == user && r.Filter == filter && r.Effect == account.Allow {
			if r.Access != access {
				_, err = p.o.Accounts.ChangeRule(c.ctx, c.by, c.instance.ID, r.ID, account.RuleChange{Access: &access})
			}
			return nil, err
		}
	}
	_, err = p.o.Accounts.CreateRule(c.ctx, c.by, account.Rule{Instance: c.instance.ID, User: user, Effect: account.Allow, Access: access, Filter: filter})
	return nil, err
}

// access is what read and write ask for; "" for neither. given says whether the request has them at all.
func (c *compatCall) access() (a account.Access, given bool, err error) {
	read, hasRead, err := c.flag("read")
	if err != nil {
		return "", false, err
	}
	write, hasWrite, err := c.flag("write")
	switch {
	case read && write:
		a = account.Both
	case read:
		a = account.Subscribe
	case write:
		a = account.Publish
	}
	return a, hasRead || hasWrite, err
}

// compatDeleteRule deletes the allow rules of a user and filter; where read or write is given, those of that access.
func (p *Panel) compatDeleteRule(c *compatCall) (any, error) {
	user, filter, err := c.ruleWish()
	if err != nil {
		return nil, err
	}
	access, given, err := c.access()
	if err != nil {
		return nil, err
	}
	have, err := p.o.Accounts.Rules(c.ctx, c.by, c.instance.ID, "")
	if err != nil {
		return nil, err
	}
	found := false
	for _, r := range have {
		if r.User != user || r.Filter != filter || r.Effect != account.Allow || given && r.Access != access {
			continue
		}
		found = true
		if err := p.o.Accounts.DeleteRule(c.ctx, c.by, c.instance.ID, r.ID); err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, &account.Error{Code: account.NotFound, Key: "api.compat.rule"}
	}
	return nil, nil
}

type compatConnection struct {
	ClientID    string    `json:"client_id"`
	Username    string    `json:"username"`
	Address     string    `json:"address"`
	Protocol    string    `json:"protocol"`
	Version     string    `json:"version"`
	ConnectedAt time.Time `json:"connected_at"`
	KeepAlive   int       `json:"keepalive"`
}

func (p *Panel) compatConnections(c *compatCall) (any, error) {
	skip, limit, err := c.page()
	if err != nil {
		return nil, err
	}
	list := p.o.Brokers.Connections(c.instance.ID, ClientQuery{Sort: "since", Skip: skip, Limit: limit})
	out := make([]compatConnection, 0, len(list.Items))
	for _, one := range list.Items {
		out = append(out, compatConnection{one.ClientID, one.User, one.Remote, one.Via, one.Version, one.ConnectedAt, one.KeepAlive})
	}
	return out, nil
}

func (p *Panel) compatRestart(c *compatCall) (any, error) {
	_, err := p.restartInstance(c.ctx, &WithID{ID: c.instance.ID})
	return nil, err
}

func (p *Panel) compatReset(c *compatCall) (any, error) {
	_, err := p.resetInstance(c.ctx, &WithID{ID: c.instance.ID})
	return nil, err
}
