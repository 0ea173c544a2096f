package account

import "time"

// Guard says from where clients may come to an instance, besides its address rules, and how it shuts out who guesses
// passwords. Primary key Instance; parent Instance. An instance without a row has that of DefaultGuard.
type Guard struct {
	Instance string
	Others   Effect // of addresses that no rule contains
	// Ban shuts an address out after BanTries different wrong logins within BanWindow seconds, for BanLength seconds.
	Ban         bool
	BanTries    int
	BanWindow   int
	BanLength   int
	ConnectRate int // clients that may log in in a minute; 0: any number
}

// DefaultGuard is that of an instance that has chosen nothing: everybody may come, and guessing has an end.
func DefaultGuard(instance string) Guard {
	return Guard{Instance: instance, Others: Allow, Ban: true, BanTries: 10, BanWindow: 600, BanLength: 900}
}

// AddressRule says whether clients may come from some addresses. Where ranges of several rules contain an address, the
// narrowest decides. Primary key (Instance, ID); unique (Instance, Prefix); parent Instance.
type AddressRule struct {
	Instance  string
	ID        string // random
	Prefix    string // such as 192.0.2.0/24, or 2001:db8::/32; of one address, /32 or /128
	Effect    Effect
	Note      string // free words of the instance's people
	CreatedAt time.Time
}

// Ban shuts an address out for a time because somebody said so. Those that come by themselves are in memory alone: who
// guesses makes nobody write to a disk. Primary key (Instance, Address); parent Instance.
type Ban struct {
	Instance string
	Address  string // an IPv4 address, or the /64 of an IPv6 one, as AddressKey writes them
	Note     string // free words of the instance's people
	Since    time.Time
	Until    time.Time
}

// SignInPlace is a browser and a network from which an account has been signed in. Primary key (Account, Browser,
// Network); parent Account.
type SignInPlace struct {
	Account string
	Browser string // its family and system, such as "Firefox, Linux"
	Network string // the /24 of an IPv4 address, the /48 of an IPv6 one
	FirstAt time.Time
	LastAt  time.Time
}

func (Guard) row()       {}
func (AddressRule) row() {}
func (Ban) row()         {}
func (SignInPlace) row() {}
