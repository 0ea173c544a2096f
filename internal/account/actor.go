package account

import "time"

// Actor is who asks the Service for something.
type Actor struct {
	Account  Account   // the person, or the account that a token stands for
	Team     Account   // whose things it uses, once Judge has said so; zero: its own
	TeamRole TeamRole  // in Team, from Judge
	Session  [32]byte  // BrowserSession.Hash; zero for the admin socket
	Ends     time.Time // the session ends then in any case; zero without one
	IdleEnds time.Time // and then without further use
	Operator bool      // the admin socket: whoever can open it may do everything
	Token    [32]byte  // APIToken.Hash; zero for a browser, an instance's key and the admin socket
	Scope    Scope     // of an API token; "" for a browser and the admin socket
	Only     string    // the one Instance.ID that an API token is for; "" for all
	Topics   []string  // of a token for messages: the filters it is for, see MayPublish and MayListen
	Via      string    // "panel", "token" or "admin", for the audit
	Remote   string    // address, for the audit and for limits
	Agent    string    // User-Agent of the browser

	looks string // Account.ID of the team that the browser looks at, not judged yet; "" for its own
	named string // Account.ID or e-mail that the admin socket was told; "" for none
}

// team is the account whose things the actor uses.
func (a Actor) team() string {
	if a.Team.ID != "" {
		return a.Team.ID
	}
	return a.Account.ID
}

// AdminActor is the person behind the admin socket.
func AdminActor() Actor { return Actor{Operator: true, Via: "admin"} }

// AdminFor is the person behind the admin socket who has named an account (by id, or a person's e-mail) to do something
// with what belongs to it; Judge finds it. "" names none.
func AdminFor(named string) Actor {
	by := AdminActor()
	by.named = named
	return by
}

// everybody says whether the actor means what belongs to anybody.
func (a Actor) everybody() bool { return a.Operator && a.named == "" }

// owner says whether the actor runs the installation.
func (a Actor) owner() bool { return a.Operator || a.Account.Role == RoleOwner }

// mayUse says whether the actor may use what belongs to the account with that id.
func (a Actor) mayUse(owner string) bool {
	return a.Operator || a.Account.ID != "" && a.team() == owner
}

// instanceOf reads an instance for an actor. Another account's is not found, exactly like one that doesn't exist.
func instanceOf(r Reader, by Actor, id string) (Instance, error) {
	in, err := r.Instance(id)
	if err != nil {
		return Instance{}, told(err)
	}
	if !by.mayUse(in.Owner) || by.Only != "" && by.Only != in.ID {
		return Instance{}, notFound()
	}
	return in, nil
}

// audit adds an entry within the transaction of what it tells: neither is on disk without the other.
func (s *Service) audit(tx Tx, by Actor, action, object, detail string) error {
	who := by.Account.ID
	if by.Operator {
		who = "" // it acts for the account, but nobody of it did anything
	}
	return tx.Insert(AuditEntry{ID: s.nextID(), Time: s.now(), Account: who, Via: by.Via,
		Remote: clip(by.Remote), Action: action, Object: clip(object), Detail: clip(detail), Team: by.team()})
}
