package cert

import (
	"crypto/x509"
	"time"
)

// State is how one served certificate is.
type State struct {
	Names     []string
	Source    string    // "acme", "files" or "local"
	Issuer    string    // "" while there is no certificate
	NotBefore time.Time // zero while there is no certificate
	NotAfter  time.Time
	Problem   string    // why the last attempt failed; "" when it didn't
	Since     time.Time // of the problem
	Missing   bool      // nothing is set up that could get it
}

func (s *State) of(c *x509.Certificate) {
	s.Issuer, s.NotBefore, s.NotAfter = c.Issuer.CommonName, c.NotBefore, c.NotAfter
	if s.Issuer == "" && len(c.Issuer.Organization) > 0 {
		s.Issuer = c.Issuer.Organization[0]
	}
}

// patience of Late.
const (
	firstTime = time.Hour           // for a certificate to be obtained at all
	fileLeft  = 21 * 24 * time.Hour // least that is left of a certificate in files
)

// Late says whether somebody must look after a certificate: renewal, which is due when a third of the life is left, has
// not come when a quarter is; files have less than three weeks; or there is none an hour after the first failure.
func (s State) Late(now time.Time) bool {
	switch {
	case s.Missing:
		return false // a choice, not a failure
	case s.NotAfter.IsZero():
		return !s.Since.IsZero() && now.Sub(s.Since) >= firstTime
	}
	left, life := s.NotAfter.Sub(now), s.NotAfter.Sub(s.NotBefore)
	switch s.Source {
	case "files":
		return left < min(fileLeft, life/4)
	case "acme":
		return left < life/4
	}
	return left <= 0
}

// State tells how the certificate in the files is.
func (f *Files) State() []State {
	c := f.current.Load().Leaf
	s := State{Names: c.DNSNames, Source: "files"}
	for _, ip := range c.IPAddresses {
		s.Names = append(s.Names, ip.String())
	}
	s.of(c)
	if err := f.fault.Load(); err != nil {
		s.Problem, s.Since = clip(err.Cause, maxCause), err.Since
	}
	return []State{s}
}

// State tells how the certificate is that the local authority serves by default.
func (a *Authority) State() []State {
	s := State{Names: a.Names(), Source: "local"}
	if c, err := a.leafFor("", a.base); err == nil {
		s.of(c.Leaf)
	} else {
		s.Problem = clip(err.Error(), maxCause)
	}
	return []State{s}
}
