package panel

import (
	"context"
	"slices"
	"time"

	"tsunagi/internal/account"
)

type userBody struct {
	Name      string    `json:"name"`
	First     bool      `json:"first" doc:"The first user owns # and can't be deleted"`
	Connect   bool      `json:"connect" doc:"May connect"`
	Note      string    `json:"note"`
	CreatedAt time.Time `json:"created_at"`
	Rules     int       `json:"rules" doc:"Rules that name this user"`
	Password  string    `json:"password,omitempty" doc:"Generated password; shown in this answer only"`

	ClientID  string     `json:"client_id,omitempty" doc:"The one client id that it may connect with"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"It logs in no more from then on"`
	VersionBody
}

func showUser(u account.User, rules int, password string) userBody {
	return userBody{u.Name, u.First, u.Connect, u.Note, u.CreatedAt, rules, password, u.ClientID, moment(u.ExpiresAt), VersionBody{}}
}

// end is a time of a request: "" is none.
func end(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Year() < 2000 || at.Year() > 9999 {
		return time.Time{}, &account.Error{Code: account.Invalid, Key: "api.time", Field: field}
	}
	return at, nil
}

// endOf is end of a field that may be missing.
func endOf(field string, text *string) (*time.Time, error) {
	if text == nil {
		return nil, nil
	}
	at, err := end(field, *text)
	return &at, err
}

type listUsersInput struct {
	WithID
	Query  string `query:"query" maxLength:"128" doc:"Part of the name"`
	Cursor string `query:"cursor" maxLength:"128"`
	Limit  int    `query:"limit" minimum:"0" maximum:"1000" doc:"0: 100"`
}

func (p *Panel) listUsers(ctx context.Context, in *listUsersInput) (*answer[page[userBody]], error) {
	list, err := p.o.Accounts.Users(ctx, actor(ctx), account.UserQuery{Instance: in.ID, Contains: in.Query, After: in.Cursor, Limit: in.Limit})
	out := pageOf(list.Users, inList(p, func(u account.User) userBody { return showUser(u, list.Rules[u.Name], "") }))
	out.Total, out.Next = list.Total, list.Next
	return reply(out), err
}

type createUserInput struct {
	WithID
	Body struct {
		Name     string `json:"name" maxLength:"256"`
		Password string `json:"password,omitempty" maxLength:"256" doc:"Empty: one is generated"`
		Connect  *bool  `json:"connect,omitempty" doc:"May connect [true]"`
		Note     string `json:"note,omitempty" maxLength:"1024"`

		ClientID  string `json:"client_id,omitempty" maxLength:"1024" doc:"The one client id that it may connect with; empty: any"`
		ExpiresAt string `json:"expires_at,omitempty" maxLength:"64" doc:"RFC 3339; empty: never"`
	}
}

func (p *Panel) createUser(ctx context.Context, in *createUserInput) (*tagged[userBody], error) {
	n := account.NewUser{Name: in.Body.Name, Password: in.Body.Password, Connect: true, Note: in.Body.Note}
	if in.Body.Connect != nil {
		n.Connect = *in.Body.Connect
	}
	var err error
	n.ClientID = in.Body.ClientID
	if n.ExpiresAt, err = end("expires_at", in.Body.ExpiresAt); err != nil {
		return nil, err
	}
	u, password, err := p.o.Accounts.CreateUser(ctx, actor(ctx), in.ID, n)
	return tag(p, u, showUser(u, 0, password)), err
}

// OneUser is the input of a route about one user.
type OneUser struct {
	WithID
	Name string `path:"name" maxLength:"256"`
}

func (p *Panel) getUser(ctx context.Context, in *OneUser) (*tagged[userBody], error) {
	u, rules, err := p.o.Accounts.User(ctx, actor(ctx), in.ID, in.Name)
	return tag(p, u, showUser(u, rules, "")), err
}

type changeUserInput struct {
	OneUser
	Body struct {
		Password *string `json:"password,omitempty" maxLength:"256"`
		Rotate   bool    `json:"rotate,omitempty" doc:"Generate a new password"`
		Connect  *bool   `json:"connect,omitempty"`
		Note     *string `json:"note,omitempty" maxLength:"1024"`

		ClientID  *string `json:"client_id,omitempty" maxLength:"1024" doc:"Empty: any"`
		ExpiresAt *string `json:"expires_at,omitempty" maxLength:"64" doc:"RFC 3339; empty: never"`
	}
}

func (p *Panel) changeUser(ctx context.Context, in *changeUserInput) (*tagged[userBody], error) {
	by := actor(ctx)
	c := account.UserChange{Password: in.Body.Password, Rotate: in.Body.Rotate, Connect: in.Body.Connect, Note: in.Body.Note, ClientID: in.Body.ClientID}
	var err error
	if c.ExpiresAt, err = endOf("expires_at", in.Body.ExpiresAt); err != nil {
		return nil, err
	}
	u, password, err := p.o.Accounts.ChangeUser(ctx, by, in.ID, in.Name, c)
	if err != nil {
		return nil, err
	}
	_, rules, err := p.o.Accounts.User(ctx, by, in.ID, in.Name)
	return tag(p, u, showUser(u, rules, password)), err
}

func (p *Panel) deleteUser(ctx context.Context, in *OneUser) (*nothing, error) {
	return nil, p.o.Accounts.DeleteUser(ctx, actor(ctx), in.ID, in.Name)
}

type ruleBody struct {
	ID        string    `json:"id"`
	User      *string   `json:"user" doc:"null: all users; %u and %c in the filter stand for user name and client id"`
	Effect    string    `json:"effect" enum:"allow,deny"`
	Access    string    `json:"access" enum:"publish,subscribe,both"`
	Filter    string    `json:"filter"`
	CreatedAt time.Time `json:"created_at"`

	MaxQoS    int        `json:"max_qos" doc:"Of an allow rule: higher QoS isn't let through, and subscriptions are granted at most this"`
	Retain    bool       `json:"retain" doc:"Of an allow rule: retained publishes are let through, too"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"It says nothing from then on"`
	Note      string     `json:"note"`
	VersionBody
}

// maxQoS and qosBelow turn into each other: 2 is no limit.
func maxQoS(below int) int {
	if below == 0 {
		return 2
	}
	return below - 1
}

func qosBelow(most int) int {
	if most == 2 {
		return 0
	}
	return most + 1
}

func showRule(r account.Rule) ruleBody {
	out := ruleBody{MaxQoS: maxQoS(r.QoSBelow), Retain: !r.NoRetain, ExpiresAt: moment(r.ExpiresAt), Note: r.Note, ID: r.ID, Effect: string(r.Effect), Access: string(r.Access), Filter: r.Filter, CreatedAt: r.CreatedAt}
	if r.User != "" {
		out.User = &r.User
	}
	return out
}

type listRulesInput struct {
	WithID
	User     string `query:"user" maxLength:"256" doc:"Only rules that name this user"`
	AllUsers bool   `query:"all_users" doc:"Only rules that hold for all users"`
}

func (p *Panel) listRules(ctx context.Context, in *listRulesInput) (*answer[page[ruleBody]], error) {
	list, err := p.o.Accounts.Rules(ctx, actor(ctx), in.ID, in.User)
	if in.AllUsers {
		list = slices.DeleteFunc(list, func(r account.Rule) bool { return r.User != "" })
	}
	return reply(pageOf(list, inList(p, showRule))), err
}

type createRuleInput struct {
	WithID
	Body struct {
		User   *string `json:"user,omitempty" nullable:"true" maxLength:"256" doc:"null: all users"`
		Effect string  `json:"effect" maxLength:"16"`
		Access string  `json:"access" maxLength:"16"`
		Filter string  `json:"filter" maxLength:"4096"`

		MaxQoS    *int   `json:"max_qos,omitempty" minimum:"0" maximum:"2" doc:"2 where it is left out"`
		Retain    *bool  `json:"retain,omitempty" doc:"true where it is left out"`
		ExpiresAt string `json:"expires_at,omitempty" maxLength:"64" doc:"RFC 3339; empty: never"`
		Note      string `json:"note,omitempty" maxLength:"1024"`
	}
}

func (p *Panel) createRule(ctx context.Context, in *createRuleInput) (*tagged[ruleBody], error) {
	n := account.Rule{Instance: in.ID, Effect: account.Effect(in.Body.Effect), Access: account.Access(in.Body.Access), Filter: in.Body.Filter}
	if in.Body.User != nil {
		n.User = *in.Body.User
	}
	var err error
	n.Note = in.Body.Note
	if in.Body.MaxQoS != nil {
		n.QoSBelow = qosBelow(*in.Body.MaxQoS)
	}
	if in.Body.Retain != nil {
		n.NoRetain = !*in.Body.Retain
	}
	if n.ExpiresAt, err = end("expires_at", in.Body.ExpiresAt); err != nil {
		return nil, err
	}
	rule, err := p.o.Accounts.CreateRule(ctx, actor(ctx), n)
	return tag(p, rule, showRule(rule)), err
}

// OneRule is the input of a route about one rule.
type OneRule struct {
	WithID
	Rule string `path:"rule" maxLength:"64"`
}

func (p *Panel) getRule(ctx context.Context, in *OneRule) (*tagged[ruleBody], error) {
	rule, err := p.o.Accounts.Rule(ctx, actor(ctx), in.ID, in.Rule)
	return tag(p, rule, showRule(rule)), err
}

type changeRuleInput struct {
	OneRule
	Body struct {
		Effect *account.Effect `json:"effect,omitempty" maxLength:"16"`
		Access *account.Access `json:"access,omitempty" maxLength:"16"`
		Filter *string         `json:"filter,omitempty" maxLength:"4096"`

		MaxQoS    *int    `json:"max_qos,omitempty" minimum:"0" maximum:"2"`
		Retain    *bool   `json:"retain,omitempty"`
		ExpiresAt *string `json:"expires_at,omitempty" maxLength:"64" doc:"RFC 3339; empty: never"`
		Note      *string `json:"note,omitempty" maxLength:"1024"`
	}
}

func (p *Panel) changeRule(ctx context.Context, in *changeRuleInput) (*tagged[ruleBody], error) {
	c := account.RuleChange{Effect: in.Body.Effect, Access: in.Body.Access, Filter: in.Body.Filter, Note: in.Body.Note}
	if in.Body.MaxQoS != nil {
		below := qosBelow(*in.Body.MaxQoS)
		c.QoSBelow = &below
	}
	if in.Body.Retain != nil {
		no := !*in.Body.Retain
		c.NoRetain = &no
	}
	var err error
	if c.ExpiresAt, err = endOf("expires_at", in.Body.ExpiresAt); err != nil {
		return nil, err
	}
	rule, err := p.o.Accounts.ChangeRule(ctx, actor(ctx), in.ID, in.Rule, c)
	return tag(p, rule, showRule(rule)), err
}

func (p *Panel) deleteRule(ctx context.Context, in *OneRule) (*nothing, error) {
	return nil, p.o.Accounts.DeleteRule(ctx, actor(ctx), in.ID, in.Rule)
}
