package config

import (
	"net/url"
	"slices"
)

// The words of Store.Disk.
const (
	Kept     = "kept"
	Vanishes = "vanishes"
)

// leastSecret is the length of a secret, in characters, that nobody guesses.
const leastSecret = 32

// validateDisk makes accounts, keys and plans agree on what is there after a restart. Where the disk vanishes, no plan
// is left that promises to keep messages.
func (s *Serve) validateDisk(fault func(string, ...any)) {
	if s.DatabaseURL == Off || s.Dev {
		s.DatabaseURL = ""
	}
	if u, err := url.Parse(s.DatabaseURL); s.DatabaseURL != "" && (err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql") {
		fault("database_url (or the variable DATABASE_URL): want postgres://user:password@host/database, or off") // it holds a password: it isn't shown
	}
	if s.Secret != "" && len(s.Secret) < leastSecret {
		fault("secret of %d characters: want %d or more, by chance", len(s.Secret), leastSecret)
	}
	if s.Store.Disk == "" {
		s.Store.Disk = Kept
		if s.DatabaseURL != "" && s.BehindProxy {
			s.Store.Disk = Vanishes
		}
	}
	oneOf(fault, "store.disk", s.Store.Disk, Kept, Vanishes)
	if s.Store.Disk != Vanishes {
		return
	}
	switch {
	case s.DatabaseURL == "":
		fault("store.disk %q without database_url: want a PostgreSQL for accounts, or a disk that is kept", Vanishes)
	case s.Secret == "":
		fault("secret is empty, and store.disk is %q: want at least %d characters by chance, for the key file would vanish as well; or a mounted disk and store.disk %q", Vanishes, leastSecret, Kept)
	}
	if s.ProxyFlows {
		fault("proxy_flows with store.disk %q: want one of them; flow servers keep their flows in the data directory", Vanishes)
	}
	s.Plans = slices.Clone(s.Plans)
	for i := range s.Plans {
		if s.Plans[i].Durability == Safe {
			fault("plans[%d] durability %q with store.disk %q: want %q, or a mounted disk and store.disk %q", i, Safe, Vanishes, Fast, Kept)
		}
		s.Plans[i].Durability = Fast
	}
}
