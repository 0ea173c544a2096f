package account

import (
	"context"
	"errors"
	"time"
)

// The errors of a Store. Anything else is the store's own failure and is told to nobody but the operator's log.
var (
	ErrNotFound = errors.New("not found")      // a read for one thing, or a Save, found no such row
	ErrExists   = errors.New("exists already") // an Insert met the same primary key or another unique key
)

// Store keeps everything of this package. All its methods may be called from many goroutines at once.
//
// Values that come out are the caller's own. Strings are any UTF-8, compared byte for byte (no case folding, no
// trimming); byte slices may be nil and nil comes back as nil or empty. Times are kept to the microsecond and come
// back in UTC; the zero time.Time comes back as zero. A cancelled ctx ends the call with ctx's error and no change.
type Store interface {
	// View runs f over one consistent snapshot and returns f's error. f must not call the Store again.
	View(ctx context.Context, f func(Reader) error) error
	// Update runs f in one transaction that no other Update overlaps: what f reads can't change before it commits.
	// When f returns nil and Update returns nil, all writes are on disk (fsync); otherwise none of them happened.
	// f may run again after a conflict, so it has no effects outside of tx. f must not call the Store again.
	Update(ctx context.Context, f func(tx Tx) error) error
	// AppendLog adds lines (each with its ID set, ascending) in one transaction, then deletes the oldest lines of
	// every instance that it touched until at most keep are left; below 0 none are deleted. A line whose ID exists already is passed over.
	// Lines of an instance that doesn't exist (any more) are passed over; Instance "" is the operator's log.
	AppendLog(ctx context.Context, lines []LogLine, keep int) error
}

// Row is one stored thing, handed to Tx by value. It is exactly one of Account, Passkey, Identity, Membership, TeamInvitation, BrowserSession, Invitation, ResetLink,
// APIToken, Factor, Instance, User, Rule, FlowServer, Device, DeviceLabels, Setting, AuditEntry, Logins,
// ClientAuthority, ClientCertificate, TokenKey, MetricsToken, Bridge, Once, Exposure, PublishableKey, HostName, Hook, DeadLetter,
// Guard, AddressRule, Ban, SignInPlace.
type Row interface{ row() }

// Tx writes inside of Store.Update, and sees what it wrote before.
type Tx interface {
	Reader
	// Insert adds rows. A used primary key or unique key is an error that wraps ErrExists, and a parent that is
	// missing (foreign key) one that wraps ErrNotFound. The keys are written at each type.
	Insert(rows ...Row) error
	// Save replaces whole rows by their primary key; a row that isn't there is an error that wraps ErrNotFound, and
	// a unique key that another row has one that wraps ErrExists.
	Save(rows ...Row) error
	// Delete removes rows by their primary key (other fields are not looked at), and everything below them: an
	// Account takes its memberships (as team and as person), its invitations to the team, passkeys, identities, sessions, links, tokens, factors, sign-in places, answers (Once), instances, flow servers and devices; an Instance its users, rules, logins,
	// client authorities, token keys, publishable keys, host names, metrics token, bridges, hooks, guard, address rules, bans and log lines; a Hook its dead letters; a User the rules and certificates that name it and its exposure; a
	// ClientAuthority its certificates. A row that isn't there is no error.
	Delete(rows ...Row) error
}

// Reader reads. A method for one thing returns an error that wraps ErrNotFound when there is none; a method for many
// returns an empty list.
type Reader interface {
	Account(id string) (Account, error)
	AccountByEmail(email string) (Account, error)
	// Accounts are all accounts by CreatedAt, then ID.
	Accounts() ([]Account, error)

	Passkey(id string) (Passkey, error)
	// Passkeys are those of one account by CreatedAt, then ID.
	Passkeys(account string) ([]Passkey, error)

	Identity(id string) (Identity, error)
	// Identities are those of one account by CreatedAt, then ID.
	Identities(account string) ([]Identity, error)

	Membership(team, person string) (Membership, error)
	// Memberships are those in one team or, where team is "", those of one person; by CreatedAt, then Team and Person.
	Memberships(team, person string) ([]Membership, error)
	TeamInvitation(id string) (TeamInvitation, error)
	TeamInvitationByToken(hash [32]byte) (TeamInvitation, error)
	// TeamInvitations are those of one team by CreatedAt, then ID.
	TeamInvitations(team string) ([]TeamInvitation, error)

	BrowserSession(hash [32]byte) (BrowserSession, error)
	// BrowserSessions are those of one account, or of all when account is "", oldest first.
	BrowserSessions(account string) ([]BrowserSession, error)

	Invitation(id string) (Invitation, error)
	InvitationByToken(hash [32]byte) (Invitation, error)
	// Invitations are all of them, newest first.
	Invitations() ([]Invitation, error)

	ResetLink(hash [32]byte) (ResetLink, error)
	ResetLinkOf(account string) (ResetLink, error)

	APIToken(id string) (APIToken, error)
	APITokenByHash(hash [32]byte) (APIToken, error)
	// APITokens are those of one account by CreatedAt, then ID.
	APITokens(account string) ([]APIToken, error)

	Factor(id string) (Factor, error)
	// Factors are those of one account by CreatedAt, then ID.
	Factors(account string) ([]Factor, error)

	Instance(id string) (Instance, error)
	// Instances are those of one account, or of all when owner is "", by CreatedAt, then ID.
	Instances(owner string) ([]Instance, error)

	User(instance, name string) (User, error)
	// Users are one page in the order of their names (byte order).
	Users(q UserQuery) ([]User, error)
	// CountUsers counts what Users would return over all pages (After, Skip and Limit are not looked at).
	CountUsers(q UserQuery) (int, error)

	Rule(instance, id string) (Rule, error)
	// Rules are all of one instance by CreatedAt, then ID.
	Rules(instance string) ([]Rule, error)

	FlowServer(id string) (FlowServer, error)
	FlowServerByName(name string) (FlowServer, error)
	// FlowServers are those of one account, or of all when owner is "", by CreatedAt, then ID.
	FlowServers(owner string) ([]FlowServer, error)

	Device(id string) (Device, error)
	DeviceByName(name string) (Device, error)
	// Devices are those of one account, or of all when owner is "", by CreatedAt, then ID.
	Devices(owner string) ([]Device, error)
	// DeviceLabels are those of one device; ErrNotFound when it never had any.
	DeviceLabels(device string) (DeviceLabels, error)

	// Logins are an instance's own; ErrNotFound where it has the default ones.
	Logins(instance string) (Logins, error)
	// LoginsByCertificate are those of all instances that use certificates.
	LoginsByCertificate() ([]Logins, error)
	ClientAuthority(instance, id string) (ClientAuthority, error)
	// ClientAuthorities are all of one instance by CreatedAt, then ID.
	ClientAuthorities(instance string) ([]ClientAuthority, error)
	ClientCertificate(instance, authority, serial string) (ClientCertificate, error)
	// ClientCertificates are one page in the order of Authority and Serial as one text.
	ClientCertificates(q CertificateQuery) ([]ClientCertificate, error)
	CountClientCertificates(instance string) (int, error)
	TokenKey(instance, id string) (TokenKey, error)
	// TokenKeys are all of one instance by CreatedAt, then ID.
	TokenKeys(instance string) ([]TokenKey, error)
	MetricsToken(instance string) (MetricsToken, error)

	Bridge(instance, id string) (Bridge, error)
	// Bridges are those of one instance, or of all by Instance when it is "", by CreatedAt, then ID.
	Bridges(instance string) ([]Bridge, error)

	Hook(instance, id string) (Hook, error)
	// Hooks are those of one instance, or of all by Instance when it is "", by CreatedAt, then ID.
	Hooks(instance string) ([]Hook, error)
	DeadLetter(instance string, id int64) (DeadLetter, error)
	// DeadLetters are one page of an instance's dead letters, newest (highest ID) first.
	DeadLetters(q DeadLetterQuery) ([]DeadLetter, error)
	// CountDeadLetters counts those of a hook, or of an instance where hook is "", and the bytes of their bodies.
	CountDeadLetters(instance, hook string) (n, bytes int, err error)

	Setting(key string) (Setting, error)

	PublishableKey(instance, id string) (PublishableKey, error)
	// PublishableKeys are all of one instance by CreatedAt, then ID.
	PublishableKeys(instance string) ([]PublishableKey, error)

	HostName(instance, name string) (HostName, error)
	// HostNames are those of one instance, or of all by Instance when it is "", by CreatedAt, then Name.
	HostNames(instance string) ([]HostName, error)
	// HostNameClaims are the rows of all instances that want a name, by CreatedAt, then Instance.
	HostNameClaims(name string) ([]HostName, error)

	// Guard is an instance's own; ErrNotFound where it has the default one.
	Guard(instance string) (Guard, error)
	// Guards are those of all instances by Instance.
	Guards() ([]Guard, error)
	AddressRule(instance, id string) (AddressRule, error)
	// AddressRules are those of one instance, or of all by Instance when it is "", by CreatedAt, then ID.
	AddressRules(instance string) ([]AddressRule, error)
	Ban(instance, address string) (Ban, error)
	// Bans are those of one instance, or of all by Instance when it is "", by Since, then Address.
	Bans(instance string) ([]Ban, error)
	// SignInPlaces are those of one account by LastAt.
	SignInPlaces(account string) ([]SignInPlace, error)

	Exposure(instance, user string) (Exposure, error)
	// Exposures are at most limit of one instance, the latest first.
	Exposures(instance string, limit int) ([]Exposure, error)

	Once(account string, key [32]byte) (Once, error)
	CountOnce(account string) (int, error)
	// OnceBefore are at most limit rows of all accounts that were made before a moment, oldest first.
	OnceBefore(t time.Time, limit int) ([]Once, error)

	// Log is one page of log lines, newest (highest ID) first.
	Log(q LogQuery) ([]LogLine, error)
	// LogEdge is the ID of the n-th newest line (from 1) of an instance's log below before, or of all where that is 0.
	// It is 0 where there are fewer lines.
	LogEdge(instance string, before int64, n int) (int64, error)
	// Audit is one page of audit entries, newest (highest ID) first.
	Audit(q AuditQuery) ([]AuditEntry, error)
}

// UserQuery chooses users of one instance.
type UserQuery struct {
	Instance string
	Contains string // part of the name, byte for byte; "" for all
	Prefix   string // beginning of the name, byte for byte; "" for all
	After    string // names above this one only; "" from the first
	Skip     int    // so many are passed over first
	Limit    int    // at most so many, above 0
}

// CertificateQuery chooses certificates of one instance.
type CertificateQuery struct {
	Instance string
	User     string // "" for all
	// Contains is looked for in user, serial number and note, whatever the case; "" finds all. Service.ClientCertificates minds
	// it, a Reader doesn't.
	Contains string
	After    string // Authority and Serial of the last one seen, as one text; "" from the first
	Limit    int    // at most so many, above 0
}

// LogQuery chooses log lines of one instance ("" for the operator's).
type LogQuery struct {
	Instance string
	Kind     string // "" for all
	Contains string // part of Client, User, Topic, Remote, Rule or Cause, byte for byte; "" for all
	Before   int64  // lines with a lower ID only; 0 from the newest
	From     int64  // lines with this ID or a higher one only; 0 to the oldest
	Limit    int    // at most so many, above 0
}

// DeadLetterQuery chooses dead letters of one instance.
type DeadLetterQuery struct {
	Instance string
	Hook     string // "" for all
	Before   int64  // those with a lower ID only; 0 from the newest
	Limit    int    // at most so many, above 0
}

// AuditQuery chooses audit entries.
type AuditQuery struct {
	Account string // of one account: what was done to its things, and by it before there were teams; "" for all
	Object  string // about one thing; "" for all
	// Contains is looked for in who, how, from where, what and detail, whatever the case; "" finds all. Service.Audit minds
	// it, a Reader doesn't.
	Contains string
	Codes    []string // of actions and ways (Via) that are found with Contains, too: what a page shows as words that were looked for; dots may be _
	Before   int64    // entries with a lower ID only; 0 from the newest
	Limit    int      // at most so many, above 0
}
