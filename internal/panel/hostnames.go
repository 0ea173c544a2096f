package panel

import (
	"context"
	"slices"
	"time"

	"tsunagi/internal/account"
)

// HostNames tell how the certificates of customers' own names are. The methods don't block.
type HostNames interface {
	// Certificate is that of a name that leads to an instance.
	Certificate(name string) HostCertificate
	// Try has an attempt to get a missing certificate begin now.
	Try(name string)
}

// HostCertificate is how the certificate of a customer's own name is.
type HostCertificate struct {
	State    string     `json:"state" enum:"ready,waiting,failed,limited,none,proxy" doc:"ready: clients see it. waiting: it is being obtained. failed: the last attempt did, and it is tried again. limited: the authority gives no more for now. none: the server's own certificate doesn't have the name, and it obtains no others. proxy: TLS ends at a proxy in front, which must have it"`
	Issuer   string     `json:"issuer,omitempty"`
	NotAfter *time.Time `json:"not_after,omitempty"`
	Problem  string     `json:"problem,omitempty" doc:"What the authority said at the last attempt, in its words"`
	Since    *time.Time `json:"since,omitempty" doc:"Of the problem"`
	Next     *time.Time `json:"next,omitempty" doc:"When it is tried again"`
}

// usable says whether clients can use a name with such a certificate.
func (c HostCertificate) usable() bool { return c.State == "ready" || c.State == "proxy" }

// HostNameBody is a name of an instance.
type HostNameBody struct {
	Name        string           `json:"name"`
	TXTName     string           `json:"txt_name" doc:"Name of the TXT record that proves whose the name is"`
	TXTValue    string           `json:"txt_value" doc:"What it must say; no secret"`
	Proven      bool             `json:"proven" doc:"It leads to the instance"`
	CreatedAt   time.Time        `json:"created_at"`
	ProvenAt    *time.Time       `json:"proven_at,omitempty"`
	CheckedAt   *time.Time       `json:"checked_at,omitempty" doc:"When the name servers last told about the TXT record"`
	FailingAt   *time.Time       `json:"failing_at,omitempty" doc:"Since when the TXT record of a proven name is missing"`
	LapsesAt    *time.Time       `json:"lapses_at,omitempty" doc:"When it leads to the instance no more, unless the record comes back"`
	Certificate *HostCertificate `json:"certificate,omitempty" doc:"Of a proven name"`
}

func (p *Panel) showHostName(h account.HostName) HostNameBody {
	record, value := h.Proof()
	out := HostNameBody{Name: h.Name, TXTName: record, TXTValue: value, Proven: !h.ProvenAt.IsZero(), CreatedAt: h.CreatedAt,
		ProvenAt: moment(h.ProvenAt), CheckedAt: moment(h.CheckedAt), FailingAt: moment(h.FailingAt), LapsesAt: moment(h.LapsesAt())}
	if out.Proven && p.o.HostNames != nil {
		c := p.o.HostNames.Certificate(h.Name)
		out.Certificate = &c
	}
	return out
}

type hostNamesBody struct {
	Items     []HostNameBody `json:"items" nullable:"false"`
	Limit     int            `json:"limit" doc:"How many the plan allows; 0: none"`
	Target    string         `json:"target" doc:"Where a CNAME record of the name must point"`
	Addresses []string       `json:"addresses" nullable:"false" doc:"For A and AAAA records, where the name can't have a CNAME; empty where they can't be looked up"`
}

func (p *Panel) listHostNames(ctx context.Context, in *WithID) (*answer[hostNamesBody], error) {
	by := actor(ctx)
	i, err := p.o.Accounts.Instance(ctx, by, in.ID)
	if err != nil {
		return nil, err
	}
	list, err := p.o.Accounts.HostNames(ctx, by, in.ID)
	if err != nil {
		return nil, err
	}
	out := hostNamesBody{Items: []HostNameBody{}, Limit: p.o.Accounts.Plan(i.Plan).HostNames, Target: p.o.Endpoints.Server, Addresses: []string{}}
	if p.o.HostNames == nil {
		out.Limit = 0
	}
	for _, h := range list {
		out.Items = append(out.Items, p.showHostName(h))
	}
	if len(list) > 0 {
		if addresses, err := p.o.Accounts.OwnAddresses(ctx); err == nil {
			out.Addresses = append(out.Addresses, addresses...)
		}
	}
	return reply(out), nil
}

func (p *Panel) addHostName(ctx context.Context, in *struct {
	WithID
	Body struct {
		Name string `json:"name" maxLength:"512" example:"mqtt.example.com"`
	}
}) (*answer[HostNameBody], error) {
	h, err := p.o.Accounts.AddHostName(ctx, actor(ctx), in.ID, in.Body.Name)
	return reply(p.showHostName(h)), err
}

// OneHostName is a name of an instance.
type OneHostName struct {
	WithID
	Name string `path:"name" maxLength:"253"`
}

type hostCheckBody struct {
	HostNameBody
	Record    account.HostProof `json:"record" enum:"found,missing,other,taken,unreachable" doc:"Whether the TXT record was there. other: there are others only. taken: it is there, and so is that of another instance, which has the name. unreachable: the name servers didn't answer"`
	Seen      []string          `json:"seen" nullable:"false" doc:"TXT records at its name, cut, at most five"`
	Points    account.Pointing  `json:"points" enum:"here,elsewhere,nowhere,unknown" doc:"Where the name leads. elsewhere: to other addresses than the server's own name, which is right only with a proxy in between"`
	Addresses []string          `json:"addresses" nullable:"false" doc:"Of the name, at most ten"`
	Text      string            `json:"text" doc:"What to do next, in words"`
}

// Checks of host names that an instance may make: at once and a second.
const hostBurst, hostRate = 10, 0.2

func (p *Panel) checkHostName(ctx context.Context, in *OneHostName) (*answer[hostCheckBody], error) {
	by := actor(ctx)
	if _, err := p.o.Accounts.Instance(ctx, by, in.ID); err != nil {
		return nil, err
	}
	if a := p.trials.use("host names "+in.ID, allowance{name: "checks", rate: hostRate, burst: hostBurst}); a.wait > 0 {
		return nil, &account.Error{Code: account.RateLimited, Key: "api.busy", Wait: a.wait}
	}
	c, err := p.o.Accounts.CheckHostName(ctx, by, in.ID, in.Name)
	if err != nil {
		return nil, err
	}
	if !c.ProvenAt.IsZero() && p.o.HostNames != nil && c.Points != account.PointsNowhere {
		p.o.HostNames.Try(c.Name)
	}
	out := hostCheckBody{HostNameBody: p.showHostName(c.HostName), Record: c.Record, Seen: append([]string{}, c.Seen...), Points: c.Points,
		Addresses: append([]string{}, c.Addresses...)}
	record, value := c.Proof()
	out.Text = p.o.Text(requestOf(ctx).language, hostText(c), "name", c.Name, "record", record, "value", value, "target", p.o.Endpoints.Server)
	return reply(out), nil
}

// hostText says what a check has found, and what to do.
func hostText(c account.HostNameCheck) string {
	switch c.Record {
	case account.ProofMissing:
		return "api.host.missing"
	case account.ProofOther:
		return "api.host.other"
	case account.ProofTaken:
		return "api.host.taken"
	case account.ProofUnknown:
		return "api.host.unreachable"
	}
	switch c.Points {
	case account.PointsNowhere:
		return "api.host.nowhere"
	case account.PointsAway:
		return "api.host.elsewhere"
	case account.PointsUnknown:
		return "api.host.proven"
	}
	return "api.host.here"
}

func (p *Panel) removeHostName(ctx context.Context, in *OneHostName) (*nothing, error) {
	return nil, p.o.Accounts.RemoveHostName(ctx, actor(ctx), in.ID, in.Name)
}

// hostNames are the own names of an instance that clients can use now.
func (p *Panel) hostNames(instance string) []string {
	list := []string{}
	if p.o.HostNames == nil {
		return list
	}
	return append(list, slices.DeleteFunc(p.o.Accounts.Directory().HostNames(instance), func(name string) bool {
		return !p.o.HostNames.Certificate(name).usable()
	})...)
}
