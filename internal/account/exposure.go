package account

import "time"

// Exposure says that a user's password has crossed a network in clear: it came over a connection without TLS, which was
// refused, and it was the right one. It ends with the next password. Primary key (Instance, User); parent the User.
type Exposure struct {
	Instance string
	User     string
	Remote   string // address that it came from last
	Client   string // client id that came with it last
	Times    int
	FirstAt  time.Time
	LastAt   time.Time
}

func (Exposure) row() {}
