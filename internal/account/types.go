package account

import "time"

// Role is what an account may do beyond its own things.
type Role string

// The roles.
const (
	RoleOwner  Role = "owner"  // of the installation: invites people, reads the operator's log
	RoleMember Role = "member" // own instances and flow servers only
	RoleTeam   Role = "team"   // of no person: an account that several people use, see Membership
)

// Account is a person, who is a team of one, or a team. Instances, flow servers, devices and API tokens belong to it.
// Primary key ID; unique Email.
type Account struct {
	ID        string // random, 128 bits
	Email     string // normalised: trimmed, lower case; a team's is its ID, which no mailbox has
	Password  string // argon2id in PHC form; "" for a team
	Role      Role
	Plan      string // plan that bounds the flow servers, and that it may use though it isn't on offer; "" means the default plan
	Language  string // "en", "ja" or "" when not chosen
	CreatedAt time.Time

	Name         string    // of a team; "" for a person
	Instances    int       // how many it may have in all plans together; 0: as the settings say
	SuspendedAt  time.Time // by the operator: nothing of it works until it is resumed; zero: it works
	SuspendedWhy string    // the operator's words, shown to its people
	QuietSignIns bool      // no mail about sign-ins from new places
}

// Membership is somebody's part in a team. A person's own account needs none. Primary key (Team, Person); parents Account.
type Membership struct {
	Team      string // Account.ID
	Person    string // Account.ID
	Role      TeamRole
	CreatedAt time.Time
}

// TeamInvitation lets somebody join a team. Primary key ID; unique TokenHash; parent Account (Team). It is deleted on use.
type TeamInvitation struct {
	ID        string
	TokenHash [32]byte // SHA-256 of the link's random value
	Team      string   // Account.ID
	Email     string   // normalised; "" for a link that its maker hands on, for whoever is signed in
	Role      TeamRole
	By        string // Account.ID of who invited, no foreign key
	CreatedAt time.Time
	ExpiresAt time.Time
}

// BrowserSession is a sign-in of a browser. Primary key Hash; parent Account.
type BrowserSession struct {
	Hash      [32]byte // SHA-256 of the cookie's random value
	Account   string   // Account.ID
	Remote    string   // address it was made from
	Agent     string   // User-Agent it was made with, cut
	CreatedAt time.Time
	SeenAt    time.Time // last use, kept to the minute
	Team      string    // Account.ID of the team that the browser looks at, no foreign key; "" for the person's own
}

// Invitation lets one more person make an account. Primary key ID; unique TokenHash and Email. It is deleted on use.
type Invitation struct {
	ID        string
	TokenHash [32]byte // SHA-256 of the link's random value
	Email     string   // normalised
	By        string   // Account.ID of who invited, no foreign key; "" for who asked to join
	Sent      string   // "mail" or "file"; "" while not sent
	CreatedAt time.Time
	ExpiresAt time.Time
}

// ResetLink lets its holder choose a new password for an account. Primary key Hash; unique Account; parent Account.
type ResetLink struct {
	Hash      [32]byte // SHA-256 of the link's random value
	Account   string   // Account.ID
	ExpiresAt time.Time
}

// APIToken lets a program act for an account within a scope. Primary key ID; unique Hash; parent Account.
type APIToken struct {
	ID        string
	Hash      [32]byte // SHA-256 of the token
	Account   string   // Account.ID
	Name      string
	Scope     Scope
	Instance  string // the one Instance.ID it is for; "" for all of the account
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	UsedAt    time.Time // last use, kept to the minute
	Topics    []string  // of a scope for messages: filters of what it is for; nil for other scopes
}

// Scope is what an API token may do.
type Scope string

// The scopes.
const (
	ScopeRead   Scope = "read"   // look at everything but passwords
	ScopeManage Scope = "manage" // change everything but the account itself

	// The scopes for messages alone: of one instance, on topics that the token names, and nothing else.
	ScopePublish          Scope = "publish"           // publish
	ScopeSubscribe        Scope = "subscribe"         // follow, and read retained messages
	ScopePublishSubscribe Scope = "publish-subscribe" // both
)

// Factor is a second proof at sign-in. Primary key ID; parent Account.
type Factor struct {
	ID        string
	Account   string // Account.ID
	Kind      FactorKind
	Name      string
	Secret    []byte // totp: the key, sealed; recovery: SHA-256 of each unused code, one behind the other
	Last      int64  // totp: the time step of the last code that was taken, so that no code works twice
	CreatedAt time.Time
	UsedAt    time.Time
}

// FactorKind says how a Factor proves.
type FactorKind string

// The kinds.
const (
	FactorTOTP     FactorKind = "totp"     // codes of an authenticator app, RFC 6238
	FactorRecovery FactorKind = "recovery" // single-use codes on paper
)

// Instance is one broker: its own topics, users, rules and limits. Primary key ID; parent Account (Owner).
type Instance struct {
	ID        string // 8 lower-case letters; also the name of its first user
	Owner     string // Account.ID
	Name      string
	Region    string // Region.ID
	Plan      string // Plan.ID
	CreatedAt time.Time

	closed string // Account.SuspendedWhy of a suspended owner, as a login reads it; not stored
}

// User is an MQTT login of an instance. Primary key (Instance, Name); parent Instance.
type User struct {
	Instance  string
	Name      string
	First     bool   // the instance's first user, who owns "#" and can't be deleted
	Connect   bool   // may connect
	Note      string // free words of the instance's people
	Kind      SecretKind
	Secret    []byte // see SecretKind
	Sealed    []byte // first user only: the password under the key file, so that it can be shown again
	CreatedAt time.Time
	ClientID  string    // the one client id that it may connect with; "" for any
	ExpiresAt time.Time // it logs in no more from then on; zero: never
}

// SecretKind tells how User.Secret judges a password.
type SecretKind string

// The kinds.
const (
	SecretGenerated SecretKind = "hmac"     // generated by us, 128 bits or more: HMAC-SHA-256 under the key file
	SecretChosen    SecretKind = "argon2id" // chosen by a person: argon2id in PHC form
	SecretImported  SecretKind = "imported" // from elsewhere, in Mosquitto's form, until the first good login
)

// Effect is what a rule does.
type Effect string

// The effects.
const (
	Allow Effect = "allow"
	Deny  Effect = "deny"
)

// Access is what a rule is about.
type Access string

// The accesses.
const (
	Publish   Access = "publish"
	Subscribe Access = "subscribe" // subscribing and receiving
	Both      Access = "both"
)

// Rule is one line of an instance's access list. Primary key (Instance, ID); parent Instance, and the User of that
// name where User isn't "".
type Rule struct {
	Instance  string
	ID        string // random
	User      string // "" for all users: then %u and %c in Filter stand for user name and client id
	Effect    Effect
	Access    Access
	Filter    string
	CreatedAt time.Time
	QoSBelow  int       // of an allow rule: only messages of a lower QoS, and subscriptions are granted a lower one; 0: any
	NoRetain  bool      // of an allow rule: no retained publishes
	ExpiresAt time.Time // it says nothing from then on; zero: never
	Note      string    // free words of the instance's people
}

// FlowServer is a hosted flow server. Primary key ID; unique Name; parent Account (Owner).
type FlowServer struct {
	ID        string
	Owner     string // Account.ID
	Name      string // DNS label, see ValidLabel
	CreatedAt time.Time
}

// Setting is one value that the program keeps for itself, such as the hash of the owner link. Primary key Key.
type Setting struct {
	Key   string
	Value []byte
}

// AuditEntry says who did what in the panel, the API or the admin socket. Primary key ID. It outlives what it names.
type AuditEntry struct {
	ID      int64 // ascending with time: microseconds since 1970, made unique
	Time    time.Time
	Account string // Account.ID; "" before sign-in and for the admin socket
	Via     string // "panel", "token", "admin" or "device"
	Remote  string // address; "" for the admin socket
	Action  string // such as "instance.create"
	Object  string // what it was done to, such as an instance id
	Detail  string // in words; never a secret
	Team    string // Account.ID whose thing it was; "" before sign-in and in entries from before there were teams
}

// LogLine is one line of an instance's log page (Instance "" is the operator's). Primary key ID; no foreign key.
type LogLine struct {
	ID       int64     `json:"id"` // ascending with time: microseconds since 1970, made unique
	Instance string    `json:"-"`
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"` // connected, disconnected, refused, denied, dropped, takeover, fight, banned, command, page
	Client   string    `json:"client,omitempty"`
	User     string    `json:"user,omitempty"`
	Remote   string    `json:"remote,omitempty"`
	Topic    string    `json:"topic,omitempty"`
	Gate     string    `json:"gate,omitempty"`   // listener, address, ban, login, limits, acl, packet, queue, session, store
	Rule     string    `json:"rule,omitempty"`   // the rule or setting that decided
	Cause    string    `json:"cause,omitempty"`  // in words, with what to change
	Reason   byte      `json:"reason,omitempty"` // MQTT reason code
}

func (Account) row()        {}
func (Membership) row()     {}
func (TeamInvitation) row() {}
func (BrowserSession) row() {}
func (Invitation) row()     {}
func (ResetLink) row()      {}
func (APIToken) row()       {}
func (Factor) row()         {}
func (Instance) row()       {}
func (User) row()           {}
func (Rule) row()           {}
func (FlowServer) row()     {}
func (Setting) row()        {}
func (AuditEntry) row()     {}
