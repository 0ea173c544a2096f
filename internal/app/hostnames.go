package app

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/panel"
)

// hostNamesLook is how often it is looked which proven names are due for another look.
const hostNamesLook = time.Hour

// publicNames asks the DNS about customers' own names.
type publicNames struct{ resolver *net.Resolver }

// newPublicNames asks the system's resolver, or one at host:port. That one is asked over TCP, whose answers nobody can
// forge from elsewhere in the network.
func newPublicNames(at string) publicNames {
	if at == "" {
		return publicNames{net.DefaultResolver}
	}
	return publicNames{&net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", at)
	}}}
}

// TXT implements account.Names.
func (n publicNames) TXT(ctx context.Context, name string) ([]string, error) {
	list, err := n.resolver.LookupTXT(ctx, name+".") // no search domains
	return list, orNothing(err)
}

// Addresses implements account.Names.
func (n publicNames) Addresses(ctx context.Context, name string) (list []string, err error) {
	if ip, err := netip.ParseAddr(name); err == nil {
		return []string{ip.Unmap().String()}, nil
	}
	found, err := n.resolver.LookupNetIP(ctx, "ip", name+".")
	for _, ip := range found {
		list = append(list, ip.Unmap().String())
	}
	return list, orNothing(err)
}

// orNothing takes it for no error that a name doesn't exist.
func orNothing(err error) error {
	if missing, ok := errors.AsType[*net.DNSError](err); ok && missing.IsNotFound {
		return nil
	}
	return err
}

// ownHosts are the certificates of customers' own names.
type ownHosts struct{ *cloud }

// follow has the public authority sign for the names that lead to an instance now.
func (o ownHosts) follow() {
	if o.acme != nil {
		o.acme.SetOwn(o.accounts.Directory().AllHostNames())
	}
}

// Certificate implements panel.HostNames.
func (o ownHosts) Certificate(name string) (c panel.HostCertificate) {
	switch {
	case o.files != nil && o.files.Covers(name):
		end := o.files.NotAfter()
		return panel.HostCertificate{State: "ready", NotAfter: &end}
	case o.acme != nil:
		return o.byACME(name)
	case o.authority != nil && o.authority.Covers(name):
		return panel.HostCertificate{State: "ready"}
	case o.files != nil, o.authority != nil:
		return panel.HostCertificate{State: "none"}
	}
	return panel.HostCertificate{State: "proxy"}
}

func (o ownHosts) byACME(name string) panel.HostCertificate {
	s, next := o.acme.OwnState(name)
	c := panel.HostCertificate{State: "waiting", Issuer: s.Issuer, NotAfter: moment(s.NotAfter), Problem: s.Problem, Since: moment(s.Since), Next: moment(next)}
	switch {
	case !s.NotAfter.IsZero() && time.Now().Before(s.NotAfter):
		c.State = "ready" // a renewal that fails is told by the problem
	case s.Missing:
		c.State = "none"
	case s.Limited():
		c.State = "limited"
	case s.Problem != "":
		c.State = "failed"
	}
	return c
}

// Try implements panel.HostNames.
func (o ownHosts) Try(name string) {
	if o.acme != nil {
		o.acme.TryOwn(name)
	}
}

// change follows what the accounts say.
func (o ownHosts) change(c account.Change) {
	if c.HostNames || c.Deleted {
		o.follow()
	}
}

// rechecking looks again at the proofs of names now and then.
func (c *cloud) rechecking() part {
	return runs("host names", func(ctx context.Context) error {
		tick := time.NewTicker(hostNamesLook)
		defer tick.Stop()
		for {
			if err := c.accounts.RecheckHostNames(ctx); err != nil && ctx.Err() == nil {
				c.log.Error("own host names not checked", "error", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
}
