package panel

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tsunagi/internal/account"
)

// access says who may call a route. Roles are those in the account that the route is about: that of the thing which its
// path names, else the one that the caller looks at.
type access string

const (
	public   access = "public"    // anybody
	own      access = "own"       // a person, by browser only, about nobody but themselves
	glance   access = "glance"    // every role, by browser or API token: tells no secret and no content
	look     access = "look"      // a viewer, by browser or API token, whatever the method
	lookHere access = "look here" // a viewer, by browser only
	signedIn access = "signed in" // by browser or API token: a viewer to read, a member to change
	browser  access = "browser"   // as signedIn, by browser only: what no token may do
	govern   access = "govern"    // an owner of the team, by browser only
	owner    access = "owner"     // the owner of the installation
)

// role is the role in the account that a route needs; "" where it is about no account's things.
func (a access) role(method string) account.TeamRole {
	switch a {
	case glance:
		return account.TeamDashboard
	case look, lookHere:
		return account.TeamViewer
	case govern:
		return account.TeamOwner
	case signedIn, browser:
		if method == http.MethodGet {
			return account.TeamViewer
		}
		return account.TeamMember
	}
	return ""
}

// noTokens says that no API token may call a route.
func (a access) noTokens() bool {
	return a == own || a == lookHere || a == browser || a == govern
}

// things are the kinds of things that paths name with {id}.
var things = map[string]account.ThingKind{
	"/instances/{id}": account.ThingInstance, "/flow-servers/{id}": account.ThingFlowServer, "/devices/{id}": account.ThingDevice,
}

// thingOf is the kind of thing that a path is about; "" for none.
func thingOf(path string) account.ThingKind {
	for head, kind := range things {
		if rest, ok := strings.CutPrefix(path, head); ok && (rest == "" || rest[0] == '/') {
			return kind
		}
	}
	return ""
}

// route is one line of the table.
type route struct {
	pattern  string // method and path, below /api/v1
	access   access
	status   int // of success
	name     string
	summary  string
	register func(huma.API, huma.Operation)
}

// routes is the table of all routes of the API.
func (p *Panel) routes() []route {
	return []route{
		{"GET /status", public, 200, "status", "What this server is", handle(p, p.status)},
		{"POST /owner", public, 204, "create-owner", "Make the owner with the single-use link of the first start", handle(p, p.createOwner)},

		{"GET /session", glance, 200, "get-session", "Who is signed in", handle(p, p.getSession)},
		{"POST /session", public, 200, "sign-in", "Sign in; with a second factor the answer is a ticket", handle(p, p.signIn)},
		{"POST /session/code", public, 204, "sign-in-code", "Sign in with the single-use code of a QR code", handle(p, p.enterByCode)},
		{"POST /session/second", public, 204, "sign-in-second", "End a sign-in with a code", handle(p, p.signInSecond)},
		{"POST /session/passkey/new", public, 200, "begin-passkey-sign-in", "Begin to sign in with a passkey, alone or as the second step", handle(p, p.beginPasskeySignIn)},
		{"POST /session/passkey", public, 204, "sign-in-passkey", "Sign in with what a passkey has signed", handle(p, p.signInPasskey)},
		{"POST /session/provider/new", public, 200, "begin-provider-sign-in", "Begin to sign in with a provider of OpenID Connect", handle(p, p.beginProvider)},
		{"POST /session/provider", public, 200, "end-provider-sign-in", "End a visit to a provider, which signs in, links an identity or confirms something", handle(p, p.endProvider)},
		{"GET /session/confirm", own, 200, "list-confirm-ways", "How the person can show again that it is them", handle(p, p.listConfirmWays)},
		{"POST /session/confirm/passkey/new", own, 200, "begin-confirm", "Begin to confirm with a passkey, for one operation that asks for the password again", handle(p, p.beginConfirm)},
		{"POST /session/confirm/passkey", own, 200, "end-confirm", "Get the confirmation for what a passkey has signed", handle(p, p.endConfirm)},
		{"POST /session/confirm/provider", own, 200, "begin-provider-confirm", "Begin to confirm by signing in anew with a provider; the visit ends at /session/provider", handle(p, p.beginProviderConfirm)},
		{"DELETE /session", own, 204, "sign-out", "Sign out", handle(p, p.signOut)},
		{"PATCH /account", own, 200, "change-account", "Change language or password", handle(p, p.changeAccount)},
		{"DELETE /account", own, 204, "delete-own-account", "Delete one's own account with all that belongs to it", handle(p, p.deleteOwnAccount)},

		{"POST /signup", public, 204, "sign-up", "Ask for a link that makes an account", handle(p, p.signUp)},
		{"POST /password-reset", public, 204, "ask-reset", "Ask for a link to choose a new password", handle(p, p.askReset)},
		{"POST /password-reset/check", public, 200, "check-reset", "Whose password a link sets", handle(p, p.checkReset)},
		{"POST /password-reset/accept", public, 204, "accept-reset", "Set a new password with a link", handle(p, p.acceptReset)},

		{"GET /sessions", own, 200, "list-sessions", "Browsers that are signed in", handle(p, p.listSessions)},
		{"DELETE /sessions/{id}", own, 204, "end-session", "Sign a browser out; others: all but this one", handle(p, p.endSession)},
		{"GET /tokens", govern, 200, "list-tokens", "API tokens", handle(p, p.listTokens)},
		{"POST /tokens", govern, 201, "create-token", "Make an API token; it is shown once", handle(p, p.createToken)},
		{"DELETE /tokens/{id}", govern, 204, "delete-token", "Delete an API token", handle(p, p.deleteToken)},
		{"GET /passkeys", own, 200, "list-passkeys", "Passkeys", handle(p, p.listPasskeys)},
		{"POST /passkeys/new", own, 200, "begin-passkey", "Begin to add a passkey", handle(p, p.beginPasskey)},
		{"POST /passkeys", own, 201, "create-passkey", "Add the passkey that the browser has made", handle(p, p.createPasskey)},
		{"PATCH /passkeys/{id}", own, 200, "rename-passkey", "Rename a passkey", handle(p, p.renamePasskey)},
		{"POST /passkeys/{id}/remove", own, 204, "remove-passkey", "Take a passkey away", handle(p, p.removePasskey)},
		{"GET /identities", own, 200, "list-identities", "Identities with other providers that sign in here", handle(p, p.listIdentities)},
		{"POST /identities/new", own, 200, "begin-identity", "Begin to link an identity with a provider", handle(p, p.beginIdentity)},
		{"POST /identities/{id}/remove", own, 204, "remove-identity", "Take an identity away", handle(p, p.removeIdentity)},
		{"GET /factors", own, 200, "list-factors", "Two-step sign-in", handle(p, p.listFactors)},
		{"POST /factors/new", own, 200, "begin-factor", "Key for an authenticator app", handle(p, p.beginFactor)},
		{"POST /factors", own, 201, "create-factor", "Add an authenticator app", handle(p, p.createFactor)},
		{"POST /factors/recovery", own, 200, "new-recovery-codes", "Replace the recovery codes", handle(p, p.newRecovery)},
		{"POST /factors/{id}/remove", own, 204, "remove-factor", "Take an authenticator app away", handle(p, p.removeFactor)},
		{"GET /audit", signedIn, 200, "list-audit", "Who did what, newest first", handle(p, p.listAudit)},

		{"GET /invitations", owner, 200, "list-invitations", "Open invitations", handle(p, p.listInvitations)},
		{"POST /invitations", owner, 201, "invite", "Invite somebody by mail", handle(p, p.invite)},
		{"DELETE /invitations/{id}", owner, 204, "delete-invitation", "Take an invitation back", handle(p, p.deleteInvitation)},
		{"GET /invitations/{token}", public, 200, "get-invitation", "Whom a link invites", handle(p, p.getInvitation)},
		{"POST /invitations/accept", public, 204, "accept-invitation", "Make an account with a link", handle(p, p.acceptInvitation)},

		{"GET /teams", own, 200, "list-teams", "Accounts that the person may use: the own one and teams", handle(p, p.listTeams)},
		{"POST /teams", own, 201, "create-team", "Make a team; this browser looks at it from now on", handle(p, p.createTeam)},
		{"POST /session/team", own, 200, "switch-team", "Have this browser look at another account", handle(p, p.switchTeam)},
		{"PATCH /team", govern, 200, "rename-team", "Rename the team", handle(p, p.renameTeam)},
		{"DELETE /team", govern, 204, "delete-team", "Delete the team, once nothing is in it", handle(p, p.deleteTeam)},
		{"POST /team/leave", own, 204, "leave-team", "Leave the team; its last owner can't", handle(p, p.leaveTeam)},
		{"GET /team/members", signedIn, 200, "list-members", "People of the team", handle(p, p.listMembers)},
		{"PATCH /team/members/{id}", govern, 204, "change-member", "Give somebody another role", handle(p, p.changeMember)},
		{"DELETE /team/members/{id}", govern, 204, "remove-member", "Take somebody out of the team", handle(p, p.removeMember)},
		{"GET /team/invitations", govern, 200, "list-team-invitations", "Open invitations to the team", handle(p, p.listTeamInvitations)},
		{"POST /team/invitations", govern, 201, "invite-to-team", "Invite to the team, by mail or by a link that is shown once", handle(p, p.inviteToTeam)},
		{"DELETE /team/invitations/{id}", govern, 204, "delete-team-invitation", "Take an invitation to the team back", handle(p, p.deleteTeamInvitation)},
		{"GET /team-invitations/{token}", public, 200, "get-team-invitation", "What a link to a team offers", handle(p, p.getTeamInvitation)},
		{"POST /team-invitations/accept", own, 200, "accept-team-invitation", "Join a team with a link", handle(p, p.acceptTeamInvitation)},
		{"POST /team-invitations/join", public, 204, "join-team", "Make an account with a link to a team, and join it", handle(p, p.joinTeam)},

		{"GET /plans", glance, 200, "list-plans", "Plans", handle(p, p.listPlans)},
		{"GET /regions", glance, 200, "list-regions", "Regions", handle(p, p.listRegions)},

		{"GET /instances", glance, 200, "list-instances", "Instances of the account", handle(p, p.listInstances)},
		{"POST /instances", signedIn, 201, "create-instance", "Make an instance", handle(p, p.createInstance)},
		{"GET /instances/{id}", glance, 200, "get-instance", "Details of an instance", handle(p, p.getInstance)},
		{"PATCH /instances/{id}", signedIn, 200, "change-instance", "Rename an instance, or change its plan", handle(p, p.changeInstance)},
		{"POST /instances/{id}/move", govern, 200, "move-instance", "Hand an instance to another account of the same person", handle(p, p.moveInstance)},
		{"DELETE /instances/{id}", signedIn, 204, "delete-instance", "Delete an instance with all that is in it", handle(p, p.deleteInstance)},
		{"GET /instances/{id}/billing", signedIn, 200, "get-billing", "How an instance is paid for", handle(p, p.getBilling)},
		{"POST /instances/{id}/checkout", govern, 200, "checkout", "Pay for a plan of an instance", handle(p, p.checkout)},
		{"POST /instances/{id}/billing-portal", govern, 200, "billing-portal", "Where card and address are changed, invoices are, and a subscription is ended", handle(p, p.billingPortal)},
		{"POST /instances/{id}/export", govern, 200, "export-instance", "A file with everything of an instance but its secrets, for one to be made of it here or elsewhere", handle(p, p.exportInstance)},
		{"POST /instances/{id}/restore", govern, 200, "restore-instance", "Make an empty instance what the file of an export says", handle(p, p.restoreInstance)},
		{"POST /instances/{id}/password/reveal", browser, 200, "reveal-password", "Show the first user's password", handle(p, p.revealPassword)},
		{"POST /instances/{id}/password/rotate", signedIn, 200, "rotate-password", "Give the first user a new password", handle(p, p.rotatePassword)},
		{"POST /instances/{id}/key/reveal", browser, 200, "reveal-key", "Show the instance's API key, for what was made for CloudMQTT", handle(p, p.revealKey)},
		{"POST /instances/{id}/key/rotate", signedIn, 200, "rotate-key", "Make a new API key of the instance; the one before ends", handle(p, p.rotateKey)},
		{"POST /instances/{id}/phone", browser, 200, "show-phone", "A QR code that signs another device in, once, within two minutes", handle(p, p.showPhone)},
		{"GET /instances/{id}/stats", signedIn, 200, "get-stats", "Numbers of an instance", handle(p, p.getStats)},
		{"GET /instances/{id}/stats/history", signedIn, 200, "get-stats-history", "Numbers of an instance over time: by minute of a day, by hour of a year", handle(p, p.getHistory)},
		{"GET /instances/{id}/quotas", signedIn, 200, "list-quotas", "Limits of the instance's plan, what is used of them, and alarms that stand", handle(p, p.listQuotas)},
		{"GET /instances/{id}/losses", signedIn, 200, "list-losses", "What sessions have lost, why, and what would have kept it", handle(p, p.listLosses)},
		{"GET /instances/{id}/fights", signedIn, 200, "list-fights", "Client ids that several clients use and end each other's connection", handle(p, p.listFights)},
		{"GET /instances/{id}/topics/stream", signedIn, 200, "watch-topics", "Topics with their last message, publisher and count, as server-sent events", handle(p, p.watchTopics)},
		{"GET /instances/{id}/connections", signedIn, 200, "list-connections", "Connected clients", handle(p, p.listConnections)},
		{"DELETE /instances/{id}/connections/{client_id}", signedIn, 204, "kick", "End a client's connection", handle(p, p.kick)},
		{"GET /instances/{id}/sessions", signedIn, 200, "list-sessions-of-instance", "Sessions, of clients that are away too", handle(p, p.listClientSessions)},
		{"GET /instances/{id}/sessions/{client_id}", signedIn, 200, "get-session-of-instance", "One session with its subscriptions", handle(p, p.getClientSession)},
		{"DELETE /instances/{id}/sessions/{client_id}", signedIn, 204, "forget-session", "End a client's session with all that waits for it", handle(p, p.forgetSession)},
		{"GET /instances/{id}/retained", signedIn, 200, "list-retained", "Retained messages by topic", handle(p, p.listRetained)},
		{"POST /instances/{id}/retained/clear", signedIn, 200, "clear-retained", "Delete retained messages, or count them first", handle(p, p.clearRetained)},
		{"GET /instances/{id}/retained/value", signedIn, 200, "get-retained", "The payload of one retained message, as it is", handle(p, p.getRetained)},
		{"GET /instances/{id}/subscribe", signedIn, 200, "subscribe", "Messages as server-sent events, retained ones first", handle(p, p.subscribe)},
		{"POST /instances/{id}/publish", signedIn, 200, "publish", "Publish a message", handle(p, p.publish)},
		{"POST /instances/{id}/publish/batch", signedIn, 200, "publish-batch", "Publish up to 100 messages, in their order", handle(p, p.publishBatch)},
		{"POST /instances/{id}/why", look, 200, "why", "Walk every gate in order: why something works or doesn't", handle(p, p.why)},
		{"POST /instances/{id}/restart", signedIn, 204, "restart-instance", "End all connections and load the state anew", handle(p, p.restartInstance)},
		{"POST /instances/{id}/reset", signedIn, 204, "reset-instance", "Forget all sessions, queued and retained messages", handle(p, p.resetInstance)},
		{"POST /instances/{id}/web-token", lookHere, 200, "mint-web-token", "Login of the web client, minutes long", handle(p, p.mintWebToken)},

		{"GET /instances/{id}/users", signedIn, 200, "list-users", "MQTT users", handle(p, p.listUsers)},
		{"POST /instances/{id}/users", signedIn, 201, "create-user", "Make an MQTT user", handle(p, p.createUser)},
		{"GET /instances/{id}/users.csv", signedIn, 200, "get-users-csv", "MQTT users and rules as a table that can be imported, without passwords", handle(p, p.getUsersCSV)},
		{"POST /instances/{id}/users/delete", signedIn, 200, "delete-users", "Delete up to 1000 MQTT users with their rules", handle(p, p.deleteUsers)},
		{"GET /instances/{id}/users/{name}", signedIn, 200, "get-user", "One MQTT user", handle(p, p.getUser)},
		{"PATCH /instances/{id}/users/{name}", signedIn, 200, "change-user", "Change an MQTT user", handle(p, p.changeUser)},
		{"DELETE /instances/{id}/users/{name}", signedIn, 204, "delete-user", "Delete an MQTT user", handle(p, p.deleteUser)},
		{"GET /instances/{id}/exposures", signedIn, 200, "list-exposures", "Users whose password came over a connection without TLS, and still holds", handle(p, p.listExposures)},
		{"POST /instances/{id}/import", signedIn, 200, "import-users", "Make users and rules from files of Mosquitto, from CSV or from CloudMQTT", handle(p, p.importUsers)},

		{"GET /instances/{id}/rules", signedIn, 200, "list-rules", "Access rules", handle(p, p.listRules)},
		{"POST /instances/{id}/rules", signedIn, 201, "create-rule", "Make an access rule", handle(p, p.createRule)},
		{"GET /instances/{id}/rules/{rule}", signedIn, 200, "get-rule", "One access rule", handle(p, p.getRule)},
		{"PATCH /instances/{id}/rules/{rule}", signedIn, 200, "change-rule", "Change an access rule", handle(p, p.changeRule)},
		{"DELETE /instances/{id}/rules/{rule}", signedIn, 204, "delete-rule", "Delete an access rule", handle(p, p.deleteRule)},

		{"GET /instances/{id}/logins", signedIn, 200, "get-logins", "How clients log in", handle(p, p.getLogins)},
		{"PATCH /instances/{id}/logins", signedIn, 200, "change-logins", "Change how clients log in; connections that would not be let in any more end", handle(p, p.changeLogins)},
		{"GET /instances/{id}/guard", signedIn, 200, "get-guard", "From where clients may come, and how who guesses passwords is shut out", handle(p, p.getGuard)},
		{"PATCH /instances/{id}/guard", signedIn, 200, "change-guard", "Change from where clients may come; who may not any more is disconnected", handle(p, p.changeGuard)},
		{"GET /instances/{id}/addresses", signedIn, 200, "list-address-rules", "Address rules: the narrowest range that contains an address decides", handle(p, p.listAddressRules)},
		{"POST /instances/{id}/addresses", signedIn, 201, "create-address-rule", "Make an address rule; who may not come any more is disconnected", handle(p, p.createAddressRule)},
		{"GET /instances/{id}/addresses/{thing}", signedIn, 200, "get-address-rule", "One address rule", handle(p, p.getAddressRule)},
		{"PATCH /instances/{id}/addresses/{thing}", signedIn, 200, "change-address-rule", "Change an address rule; who may not come any more is disconnected", handle(p, p.changeAddressRule)},
		{"DELETE /instances/{id}/addresses/{thing}", signedIn, 204, "delete-address-rule", "Delete an address rule; who may not come any more is disconnected", handle(p, p.deleteAddressRule)},
		{"GET /instances/{id}/bans", signedIn, 200, "list-bans", "Addresses that are shut out: after wrong logins, and by hand", handle(p, p.listBans)},
		{"POST /instances/{id}/bans", signedIn, 201, "create-ban", "Shut an address out for a time; its clients are disconnected", handle(p, p.createBan)},
		{"DELETE /instances/{id}/bans/{thing}", signedIn, 204, "lift-ban", "Let an address in again", handle(p, p.liftBan)},
		{"GET /instances/{id}/client-authorities", signedIn, 200, "list-client-authorities", "Authorities of client certificates", handle(p, p.listClientAuthorities)},
		{"POST /instances/{id}/client-authorities", signedIn, 201, "add-client-authority", "Make a private authority, or give one's own", handle(p, p.addClientAuthority)},
		{"DELETE /instances/{id}/client-authorities/{thing}", signedIn, 204, "delete-client-authority", "Delete an authority; its clients are disconnected", handle(p, p.deleteClientAuthority)},
		{"GET /instances/{id}/client-certificates", signedIn, 200, "list-client-certificates", "Client certificates", handle(p, p.listCertificates)},
		{"POST /instances/{id}/client-certificates", signedIn, 201, "issue-client-certificate", "Issue a certificate for a user", handle(p, p.issueCertificate)},
		{"POST /instances/{id}/client-certificates/revoke", signedIn, 200, "revoke-client-certificate", "Revoke a certificate; its client is disconnected", handle(p, p.revokeCertificate)},
		{"GET /instances/{id}/token-keys", signedIn, 200, "list-token-keys", "Keys that judge tokens", handle(p, p.listTokenKeys)},
		{"POST /instances/{id}/token-keys", signedIn, 201, "add-token-key", "Add a public key or the address of a key set", handle(p, p.addTokenKey)},
		{"DELETE /instances/{id}/token-keys/{thing}", signedIn, 204, "delete-token-key", "Delete a key; clients with its tokens are disconnected", handle(p, p.deleteTokenKey)},

		{"GET /instances/{id}/publishable-keys", signedIn, 200, "list-publishable-keys", "Keys for web pages", handle(p, p.listPageKeys)},
		{"POST /instances/{id}/publishable-keys", signedIn, 201, "create-publishable-key", "Make a key for web pages: topics, origins, connections, expiry", handle(p, p.createPageKey)},
		{"DELETE /instances/{id}/publishable-keys/{thing}", signedIn, 204, "delete-publishable-key", "Delete a key for web pages; its connections end", handle(p, p.deletePageKey)},

		{"GET /instances/{id}/host-names", signedIn, 200, "list-host-names", "Names of the customer's own that lead to the instance, with the records that they need", handle(p, p.listHostNames)},
		{"POST /instances/{id}/host-names", signedIn, 201, "add-host-name", "Add a name; it leads to the instance once its TXT record was seen", handle(p, p.addHostName)},
		{"POST /instances/{id}/host-names/{name}/check", signedIn, 200, "check-host-name", "Look at a name's records now, and say what is missing", handle(p, p.checkHostName)},
		{"DELETE /instances/{id}/host-names/{name}", signedIn, 204, "remove-host-name", "Take a name away; it leads to the instance no more", handle(p, p.removeHostName)},

		{"GET /instances/{id}/bridges", signedIn, 200, "list-bridges", "Bridges to other brokers", handle(p, p.listBridges)},
		{"POST /instances/{id}/bridges", signedIn, 201, "create-bridge", "Make a bridge to another broker; it starts at once", handle(p, p.createBridge)},
		{"GET /instances/{id}/bridges/{thing}", signedIn, 200, "get-bridge", "One bridge", handle(p, p.getBridge)},
		{"PATCH /instances/{id}/bridges/{thing}", signedIn, 200, "change-bridge", "Change a bridge; it starts anew with what waits for it", handle(p, p.changeBridge)},
		{"DELETE /instances/{id}/bridges/{thing}", signedIn, 204, "delete-bridge", "Delete a bridge with what waits for it", handle(p, p.deleteBridge)},
		{"GET /instances/{id}/bridges/{thing}/state", signedIn, 200, "get-bridge-state", "How a bridge is", handle(p, p.getBridgeState)},
		{"POST /instances/{id}/bridges/{thing}/test", signedIn, 200, "test-bridge", "Connect to the other broker as the bridge would, and say how far it came", handle(p, p.tryBridge)},

		{"GET /instances/{id}/hooks", signedIn, 200, "list-hooks", "Webhooks and rules", handle(p, p.listHooks)},
		{"POST /instances/{id}/hooks", signedIn, 201, "create-hook", "Make a webhook or rule; it starts at once", handle(p, p.createHook)},
		{"GET /instances/{id}/hooks/{hook}", signedIn, 200, "get-hook", "One webhook or rule", handle(p, p.getHook)},
		{"PATCH /instances/{id}/hooks/{hook}", signedIn, 200, "change-hook", "Change a webhook or rule; it goes on with what waits for it", handle(p, p.changeHook)},
		{"DELETE /instances/{id}/hooks/{hook}", signedIn, 204, "delete-hook", "Delete a webhook or rule with what waits for it", handle(p, p.deleteHook)},
		{"POST /instances/{id}/hooks/{hook}/test", signedIn, 200, "test-hook", "Carry a webhook or rule out once with a made-up event", handle(p, p.testHook)},
		{"POST /instances/{id}/hooks/{hook}/secret", signedIn, 200, "rotate-hook", "Make a new secret that calls are signed with; it is shown once", handle(p, p.rotateHook)},
		{"GET /instances/{id}/hooks/{hook}/dead-letters", signedIn, 200, "list-dead-letters", "Events that a hook gave up, newest first", handle(p, p.listDeadLetters)},
		{"POST /instances/{id}/hooks/{hook}/dead-letters/retry", signedIn, 200, "retry-dead-letters", "Try dead letters once more, at most 100 at a time", handle(p, p.retryDeadLetters)},
		{"POST /instances/{id}/hooks/{hook}/dead-letters/delete", signedIn, 200, "delete-dead-letters", "Delete dead letters", handle(p, p.dropDeadLetters)},
		{"GET /instances/{id}/hook-readers", signedIn, 200, "list-hook-readers", "Addresses that a hook can write to", handle(p, p.listHookReaders)},

		{"GET /instances/{id}/client-ids", signedIn, 200, "get-client-ids", "What becomes of a client that comes with the client id of a connected one", handle(p, p.getClientIDs)},
		{"PATCH /instances/{id}/client-ids", signedIn, 200, "change-client-ids", "Change what becomes of a client that comes with the client id of a connected one; it holds from now on", handle(p, p.changeClientIDs)},

		{"GET /instances/{id}/retained-expiry", signedIn, 200, "get-retained-expiry", "How long retained messages stay whose publishers gave them no time", handle(p, p.getRetainExpiries)},
		{"PATCH /instances/{id}/retained-expiry", signedIn, 200, "change-retained-expiry", "Change how long retained messages stay; it holds for what is retained from now on", handle(p, p.changeRetainExpiries)},

		{"GET /instances/{id}/history", signedIn, 200, "get-history", "Which messages are kept, and what they take up", handle(p, p.getChoices)},
		{"PATCH /instances/{id}/history", signedIn, 200, "change-history", "Change which messages are kept; what no filter keeps any more is deleted", handle(p, p.changeHistory)},
		{"GET /instances/{id}/history/messages", signedIn, 200, "list-history", "Kept messages, newest first", handle(p, p.listHistory)},
		{"GET /instances/{id}/history/topics", signedIn, 200, "list-history-topics", "Topics with kept messages", handle(p, p.listHistoryTopics)},
		{"GET /instances/{id}/history/csv", signedIn, 200, "get-history-csv", "Kept messages as a table, newest first, at most 100,000 or 32 MiB", handle(p, p.getHistoryCSV)},

		{"GET /instances/{id}/metrics", public, 200, "get-metrics", "Metrics in the format of Prometheus, by the instance's metrics token", handle(p, p.getMetrics)},
		{"POST /instances/{id}/metrics-token", signedIn, 201, "mint-metrics-token", "Make the token that reads metrics; the one before ends", handle(p, p.mintMetricsToken)},
		{"DELETE /instances/{id}/metrics-token", signedIn, 204, "drop-metrics-token", "Take the metrics token back", handle(p, p.dropMetricsToken)},
		{"GET /instances/{id}/log", signedIn, 200, "get-log", "Log of an instance, newest first", handle(p, p.getLog)},
		{"GET /instances/{id}/log/stream", signedIn, 200, "follow-log", "New log lines as server-sent events", handle(p, p.followLog)},
		{"GET /accounts", owner, 200, "list-accounts", "All accounts with what they use", handle(p, p.listAccounts)},
		{"GET /accounts/{id}", owner, 200, "get-account", "One account with its instances", handle(p, p.getAccount)},
		{"PATCH /accounts/{id}", owner, 200, "change-any-account", "Change what an account may have", handle(p, p.changeAnyAccount)},
		{"POST /accounts/{id}/suspend", owner, 200, "suspend-account", "Stop everything of an account; nothing is deleted", handle(p, p.suspendAccount)},
		{"POST /accounts/{id}/resume", owner, 200, "resume-account", "Let a suspended account work again", handle(p, p.resumeAccount)},
		{"DELETE /accounts/{id}", owner, 204, "delete-account", "Delete an account with all that belongs to it", handle(p, p.deleteAccount)},
		{"GET /certificates", owner, 200, "list-served-certificates", "Certificates that this server shows, and until when", handle(p, p.listCertificatesServed)},
		{"GET /log", owner, 200, "get-operator-log", "The operator's log: refusals where no instance can be told", handle(p, p.getOperatorLog)},

		{"GET /flow-servers", glance, 200, "list-flow-servers", "Hosted flow servers", handle(p, p.listFlowServers)},
		{"POST /flow-servers", signedIn, 201, "create-flow-server", "Make a hosted flow server", handle(p, p.createFlowServer)},
		{"GET /flow-servers/{id}", glance, 200, "get-flow-server", "One hosted flow server", handle(p, p.getFlowServer)},
		{"DELETE /flow-servers/{id}", signedIn, 204, "delete-flow-server", "Delete a hosted flow server with its flows", handle(p, p.deleteFlowServer)},
		{"POST /flow-servers/{id}/restart", signedIn, 200, "restart-flow-server", "Restart a hosted flow server", handle(p, p.restartFlowServer)},
		{"GET /flow-servers/{id}/meter", signedIn, 200, "meter-flow-server", "What each node of a hosted flow server costs; it is watched for some seconds", handle(p, p.flowServerMeter)},
		{"POST /flow-servers/{id}/open", browser, 200, "open-flow-server", "Single-use address of the editor, for this browser", handle(p, p.openFlowServer)},

		{"GET /devices", signedIn, 200, "list-devices", "Paired devices", handle(p, p.listDevices)},
		{"POST /devices/codes", browser, 201, "create-pairing", "Single-use code that pairs a device, minutes long", handle(p, p.createPairing)},
		{"POST /devices/pair", public, 200, "pair-device", "Pair a device; called by the device with its code", handle(p, p.pairDevice)},
		{"GET /devices/{id}", signedIn, 200, "get-device", "One paired device", handle(p, p.getDevice)},
		{"PATCH /devices/{id}", signedIn, 200, "change-device", "Rename a device, forbid remote editing, say who may see its pages, or put it into groups", handle(p, p.changeDevice)},
		{"DELETE /devices/{id}", signedIn, 204, "unpair-device", "Unpair a device; its MQTT user is deleted", handle(p, p.deleteDevice)},
		{"POST /devices/{id}/rotate", signedIn, 204, "rotate-device", "Have a device change its key and MQTT password", handle(p, p.rotateDevice)},
		{"GET /devices/{id}/figures", signedIn, 200, "device-figures", "How a device is: memory, processor, disk, flows", handle(p, p.deviceFigures)},
		{"GET /devices/{id}/log", signedIn, 200, "device-log", "The last lines of a device's log", handle(p, p.deviceLog)},
		{"POST /devices/{id}/restart", signedIn, 204, "restart-device", "Restart the program of a device", handle(p, p.restartDevice)},
		{"POST /devices/{id}/update", signedIn, 204, "update-device", "Put the release that is ready on a device; it goes back by itself when that does not come up", handle(p, p.updateDevice)},
		{"GET /devices/{id}/meter", signedIn, 200, "meter-device", "What each node of a device costs; it is watched for some seconds", handle(p, p.deviceMeter)},
		{"GET /devices/{id}/snapshots", signedIn, 200, "list-snapshots", "Former deploys that a device keeps", handle(p, p.listSnapshots)},
		{"GET /devices/{id}/snapshots/{thing}/diff", signedIn, 200, "diff-snapshot", "How to get from a snapshot to another one, or to what is deployed", handle(p, p.diffSnapshot)},
		{"PATCH /devices/{id}/snapshots/{thing}", signedIn, 204, "name-snapshot", "Name a snapshot", handle(p, p.nameSnapshot)},
		{"POST /devices/{id}/snapshots/{thing}/restore", signedIn, 204, "restore-snapshot", "Deploy a snapshot on its device again", handle(p, p.restoreSnapshot)},
		{"POST /devices/{id}/snapshots/{thing}/push", signedIn, 200, "push-snapshot", "Deploy a snapshot on other devices", handle(p, p.pushSnapshot)},
		{"POST /devices/{id}/pages", browser, 200, "open-device-pages", "Single-use address of the pages of a device's flows, for this browser", handle(p, p.openDevicePages)},
		{"POST /devices/{id}/open", browser, 200, "open-device", "Single-use address of the device's editor, for this browser", handle(p, p.openDevice)},
	}
}
