package panel

import (
	"context"
	"time"

	"tsunagi/internal/account"
)

type guardBody struct {
	Others      string `json:"others" enum:"allow,deny" doc:"What becomes of clients from addresses that no rule contains"`
	Ban         bool   `json:"ban" doc:"Shut an address out after too many different wrong logins"`
	BanTries    int    `json:"ban_tries" doc:"After so many"`
	BanWindow   int    `json:"ban_window" doc:"Within so many seconds"`
	BanLength   int    `json:"ban_length" doc:"For so many seconds"`
	ConnectRate int    `json:"connect_rate" doc:"Clients that may log in in a minute; 0: any number"`

	You whereBody `json:"you" doc:"What the rules say of the address that asks"`
}

type whereBody struct {
	Address string `json:"address"`
	Allowed bool   `json:"allowed" doc:"Clients may come from there"`
	Rule    string `json:"rule,omitempty" doc:"The range that decides"`
}

func showGuard(g account.Guard, you account.Whereabouts) guardBody {
	return guardBody{string(g.Others), g.Ban, g.BanTries, g.BanWindow, g.BanLength, g.ConnectRate, whereBody{you.Address, you.Allowed, you.Rule}}
}

func (p *Panel) getGuard(ctx context.Context, in *WithID) (*tagged[guardBody], error) {
	g, you, err := p.o.Accounts.Guard(ctx, actor(ctx), in.ID)
	return tag(p, g, showGuard(g, you)), err
}

type changeGuardInput struct {
	WithID
	Body struct {
		Others      *account.Effect `json:"others,omitempty" maxLength:"16" doc:"allow or deny"`
		Ban         *bool           `json:"ban,omitempty"`
		BanTries    *int            `json:"ban_tries,omitempty" doc:"3 to 100"`
		BanWindow   *int            `json:"ban_window,omitempty" doc:"Seconds, 10 to 86400"`
		BanLength   *int            `json:"ban_length,omitempty" doc:"Seconds, 60 to 2592000"`
		ConnectRate *int            `json:"connect_rate,omitempty" doc:"A minute, up to 1000000; 0: any number"`
		Sure        bool            `json:"sure,omitempty" doc:"Do it even if clients may not come from the address of this very browser any more"`
	}
}

func (p *Panel) changeGuard(ctx context.Context, in *changeGuardInput) (*tagged[guardBody], error) {
	b := in.Body
	g, you, err := p.o.Accounts.ChangeGuard(ctx, actor(ctx), in.ID,
		account.GuardChange{Others: b.Others, Ban: b.Ban, BanTries: b.BanTries, BanWindow: b.BanWindow, BanLength: b.BanLength, ConnectRate: b.ConnectRate}, b.Sure)
	return tag(p, g, showGuard(g, you)), err
}

type addressRuleBody struct {
	ID        string    `json:"id"`
	Prefix    string    `json:"prefix" example:"192.0.2.0/24" doc:"A range; of one address, /32 or /128"`
	Effect    string    `json:"effect" enum:"allow,deny"`
	Note      string    `json:"note"`
	CreatedAt time.Time `json:"created_at"`
	VersionBody
}

func showAddressRule(a account.AddressRule) addressRuleBody {
	return addressRuleBody{a.ID, a.Prefix, string(a.Effect), a.Note, a.CreatedAt, VersionBody{}}
}

func (p *Panel) listAddressRules(ctx context.Context, in *WithID) (*answer[page[addressRuleBody]], error) {
	list, err := p.o.Accounts.AddressRules(ctx, actor(ctx), in.ID)
	return reply(pageOf(list, inList(p, showAddressRule))), err
}

func (p *Panel) getAddressRule(ctx context.Context, in *OneThing) (*tagged[addressRuleBody], error) {
	a, err := p.o.Accounts.AddressRule(ctx, actor(ctx), in.ID, in.Thing)
	return tag(p, a, showAddressRule(a)), err
}

// AddressRuleWish is what a person chooses of an address rule.
type AddressRuleWish struct {
	Prefix string         `json:"prefix" maxLength:"64" example:"192.0.2.0/24" doc:"An address or a range, IPv4 or IPv6"`
	Effect account.Effect `json:"effect" maxLength:"16" doc:"allow or deny"`
	Note   string         `json:"note,omitempty" maxLength:"1024"`
	Sure   bool           `json:"sure,omitempty" doc:"Do it even if clients may not come from the address of this very browser any more"`
}

func (w AddressRuleWish) rule() account.NewAddressRule {
	return account.NewAddressRule{Prefix: w.Prefix, Effect: w.Effect, Note: w.Note}
}

type createAddressRuleInput struct {
	WithID
	Body AddressRuleWish
}

func (p *Panel) createAddressRule(ctx context.Context, in *createAddressRuleInput) (*tagged[addressRuleBody], error) {
	a, err := p.o.Accounts.CreateAddressRule(ctx, actor(ctx), in.ID, in.Body.rule(), in.Body.Sure)
	return tag(p, a, showAddressRule(a)), err
}

type changeAddressRuleInput struct {
	OneThing
	Body AddressRuleWish
}

func (p *Panel) changeAddressRule(ctx context.Context, in *changeAddressRuleInput) (*tagged[addressRuleBody], error) {
	a, err := p.o.Accounts.ChangeAddressRule(ctx, actor(ctx), in.ID, in.Thing, in.Body.rule(), in.Body.Sure)
	return tag(p, a, showAddressRule(a)), err
}

type deleteAddressRuleInput struct {
	OneThing
	Sure bool `query:"sure" doc:"Do it even if clients may not come from the address of this very browser any more"`
}

func (p *Panel) deleteAddressRule(ctx context.Context, in *deleteAddressRuleInput) (*nothing, error) {
	return nil, p.o.Accounts.DeleteAddressRule(ctx, actor(ctx), in.ID, in.Thing, in.Sure)
}

type banBody struct {
	Address   string    `json:"address" example:"203.0.113.7" doc:"An IPv6 address stands for its /64"`
	Automatic bool      `json:"automatic" doc:"After wrong logins; it ends with the server's process at the latest"`
	Note      string    `json:"note"`
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"`
	Tries     int       `json:"tries" doc:"Different wrong logins that led to it"`
	Users     []string  `json:"users" nullable:"false" doc:"User names that came with them, a few"`
	Clients   []string  `json:"clients" nullable:"false" doc:"Client ids that came with them, a few"`
	Refused   int       `json:"refused" doc:"Connections that it has turned away"`
}

func showBan(b account.Banned) banBody {
	some := func(list []string) []string { return append([]string{}, list...) }
	return banBody{b.Address, b.Automatic, b.Note, b.Since, b.Until, b.Tries, some(b.Users), some(b.Clients), b.Refused}
}

func (p *Panel) listBans(ctx context.Context, in *WithID) (*answer[page[banBody]], error) {
	list, err := p.o.Accounts.Bans(ctx, actor(ctx), in.ID)
	return reply(pageOf(list, showBan)), err
}

type createBanInput struct {
	WithID
	Body struct {
		Address string `json:"address" maxLength:"64" example:"203.0.113.7" doc:"An IPv6 address stands for its /64"`
		Minutes int    `json:"minutes" doc:"Up to 525600, a year"`
		Note    string `json:"note,omitempty" maxLength:"1024"`
		Sure    bool   `json:"sure,omitempty" doc:"Do it even if it is the address of this very browser"`
	}
}

func (p *Panel) createBan(ctx context.Context, in *createBanInput) (*answer[banBody], error) {
	b := in.Body
	made, err := p.o.Accounts.CreateBan(ctx, actor(ctx), in.ID, account.NewBan{Address: b.Address, Minutes: b.Minutes, Note: b.Note}, b.Sure)
	return reply(showBan(made)), err
}

func (p *Panel) liftBan(ctx context.Context, in *OneThing) (*nothing, error) {
	return nil, p.o.Accounts.LiftBan(ctx, actor(ctx), in.ID, in.Thing)
}

// mayCome holds programs with an API token to the address rules and bans of an instance, where they do what an MQTT
// client does. Who is signed in by browser could change the rules.
func (p *Panel) mayCome(ctx context.Context, instance string) error {
	by := actor(ctx)
	if by.Via != "token" {
		return nil
	}
	why := p.o.Accounts.Directory().Barred(instance, by.Remote)
	if why == nil {
		return nil
	}
	gate, reason := "address", byte(0x87)
	if why.Ban {
		gate, reason = "ban", 0x8A
	}
	p.o.Journal.Add(account.LogLine{Instance: instance, Kind: "refused", Remote: by.Remote, Gate: gate, Rule: why.Rule, Cause: why.Cause, Reason: reason})
	return &account.Error{Code: account.Forbidden, Key: "api.address.barred", Args: []any{"address", by.Remote}}
}

// messagesOf is an instance with which the caller may do what an MQTT client does.
func (p *Panel) messagesOf(ctx context.Context, instance string) (account.Instance, error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), instance)
	if err == nil {
		err = p.mayCome(ctx, i.ID)
	}
	return i, err
}
