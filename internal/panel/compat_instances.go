package panel

import (
	"net/url"
	"strconv"

	"tsunagi/internal/account"
)

// compatInstance is an instance in CloudMQTT's words. Its client libraries want a number as id: that is the id's
// letters read as a number of base 26.
type compatInstance struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Plan   string `json:"plan"`
	Region string `json:"region"`
	URL    string `json:"url,omitempty"`
	APIKey string `json:"apikey,omitempty"`
	Ident  string `json:"instance"` // the id as it is everywhere else
	Ready  bool   `json:"ready"`    // always: Terraform's provider waits for it
}

func showCompatInstance(i account.Instance) compatInstance {
	return compatInstance{ID: compatNumber(i.ID), Name: i.Name, Plan: i.Plan, Region: i.Region, Ident: i.ID, Ready: true}
}

func compatNumber(id string) (n int64) {
	for _, c := range []byte(id) {
		n = 26*n + int64(c-'a')
	}
	return n
}

// compatID is the id behind the path: the number, or the letters themselves.
func compatID(text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return text
	}
	id := []byte("aaaaaaaa")
	for i := len(id) - 1; i >= 0; i-- {
		id[i] += byte(n % 26)
		n /= 26
	}
	if n > 0 {
		return text
	}
	return string(id)
}

func (p *Panel) compatInstances(c *compatCall) (any, error) {
	all, err := p.o.Accounts.Instances(c.ctx, c.by)
	return shown(all, showCompatInstance), err
}

// withSecrets adds address and key for a token that may manage.
func (p *Panel) withSecrets(c *compatCall, i account.Instance) (any, error) {
	out := showCompatInstance(i)
	if c.by.Scope != account.ScopeManage {
		return out, nil
	}
	secrets, err := p.o.Accounts.Secrets(c.ctx, c.by, i.ID)
	if err != nil {
		return nil, err
	}
	e := p.o.Endpoints
	u := url.URL{Scheme: "mqtts", Host: e.Server + ":" + strconv.Itoa(e.SSLPort), User: url.User(i.ID)}
	if secrets.Password != "" {
		u.User = url.UserPassword(i.ID, secrets.Password)
	}
	out.URL, out.APIKey = u.String(), secrets.Key
	return out, nil
}

func (p *Panel) compatInstance(c *compatCall) (any, error) {
	i, err := p.o.Accounts.Instance(c.ctx, c.by, compatID(c.r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	return p.withSecrets(c, i)
}

func (p *Panel) compatCreateInstance(c *compatCall) (any, error) {
	var n account.NewInstance
	if err := c.texts(map[string]*string{"name": &n.Name, "plan": &n.Plan, "region": &n.Region}); err != nil {
		return nil, err
	}
	made, _, err := p.o.Accounts.CreateInstance(c.ctx, c.by, n)
	if err != nil {
		return nil, err
	}
	return p.withSecrets(c, made)
}

// compatChangeInstance takes name and plan; what is missing stays. What is there is judged, also where it's empty: Terraform
// takes a success for it.
func (p *Panel) compatChangeInstance(c *compatCall) (any, error) {
	var name, plan string
	if err := c.texts(map[string]*string{"name": &name, "plan": &plan}); err != nil {
		return nil, err
	}
	var change account.InstanceChange
	if c.body["name"] != nil {
		change.Name = &name
	}
	if c.body["plan"] != nil {
		change.Plan = &plan
	}
	i, err := p.o.Accounts.ChangeInstance(c.ctx, c.by, compatID(c.r.PathValue("id")), change)
	return showCompatInstance(i), err
}

func (p *Panel) compatDeleteInstance(c *compatCall) (any, error) {
	return nil, p.o.Accounts.DeleteInstance(c.ctx, c.by, compatID(c.r.PathValue("id")))
}

// texts reads several fields.
func (c *compatCall) texts(fields map[string]*string) (err error) {
	for name, into := range fields {
		if *into, err = c.text(name); err != nil {
			return err
		}
	}
	return nil
}
